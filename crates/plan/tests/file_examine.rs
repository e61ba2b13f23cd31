//! Tasks that their programs are asked about: what is asked, what becomes of the answers, and programs that fail.
#![cfg(unix)]

mod sample;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use eigenscope_artifact::{IMAGES, TENSORS};
use eigenscope_plan::file::FileErrors;
use eigenscope_plan::programs::Programs;
use eigenscope_plan::{Plan, parse};
use eigenscope_stage::{
    Amount, Answers, CardSupport, Demand, Description, Examined, Fault, Feature, NameRule,
    Parameter, ParameterType, Questions, Relation, Role, Stage, TASK_VERSION, TaskKindDescription,
    quantities,
};
use sample::{codes, kind, rendered};
use serde_json::json;

/// A folder with a program `eigenscope-train` that answers what it is told to.
struct Fake(tempfile::TempDir);

impl Fake {
    /// With one answer for each call.
    fn new(calls: &[Vec<Examined>]) -> Self {
        let fake = Self::scripted(
            "cd \"$(dirname \"$0\")\"\n\
             echo call >> calls\n\
             number=$(wc -l < calls)\n\
             cat > \"asked$((number))\"\n\
             cat \"answer$((number))\"\n",
        );
        for (number, answers) in (1..).zip(calls) {
            let answers = Answers {
                version: TASK_VERSION,
                answers: answers.clone(),
            };
            let text = serde_json::to_string(&answers).expect("serialises");
            fs::write(fake.0.path().join(format!("answer{number}")), text).expect("written");
        }
        fake
    }

    fn scripted(script: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let [text, program] = ["text", "eigenscope-train"].map(|name| folder.path().join(name));
        fs::write(&text, format!("#!/bin/sh\n{script}")).expect("written");
        // By another process: a file that this one writes is open in every process that another test is just starting, and cannot be
        // started itself as long.
        let mut install = Command::new("install");
        let installed = install.args(["-m", "755"]).args([&text, &program]).status();
        assert!(installed.expect("install starts").success());
        Self(folder)
    }

    fn plan(&self, text: &str) -> Result<Plan, FileErrors> {
        let programs = Programs::from_descriptions(self.0.path(), descriptions())
            .with_data_dir(Path::new("my-data"));
        parse("test", Path::new("pipelines/test.toml"), text, &programs)
    }

    /// The questions of one call, counted from 1.
    fn asked(&self, call: usize) -> Questions {
        let text = fs::read_to_string(self.0.path().join(format!("asked{call}")));
        serde_json::from_str(&text.expect("it was called")).expect("questions")
    }

    fn calls(&self) -> usize {
        let calls = fs::read_to_string(self.0.path().join("calls"));
        calls.map_or(0, |calls| calls.lines().count())
    }
}

fn descriptions() -> Vec<Description> {
    let description = |section, kinds| Description {
        version: TASK_VERSION,
        section,
        kinds,
        code: BTreeMap::new(),
    };
    let steps = ParameterType::list(ParameterType::free("a step"));
    let images = TaskKindDescription {
        parameters: vec![Parameter::optional(
            "side",
            ParameterType::at_least(1),
            8,
            "",
        )],
        provides: vec![
            Feature::quantity("rows", 8),
            Feature::fixed("classes", "ten"),
        ],
        ..kind("images", &[IMAGES])
    };
    let plain = TaskKindDescription {
        roles: vec![Role::one("data", IMAGES, "images")],
        ..kind("plain", &[TENSORS])
    };
    let network = TaskKindDescription {
        parameters: vec![
            Parameter::required("steps", steps, "in order"),
            Parameter::optional("how", ParameterType::free("an optimiser"), "adam", ""),
        ],
        roles: vec![Role::one("data", IMAGES, "images")],
        random: true,
        examined: true,
        fallback: true,
        card: Some(CardSupport { memory_mib: 5 }),
        ..kind("network", &[TENSORS])
    };
    let tuned = TaskKindDescription {
        roles: vec![Role::one("model", TENSORS, "a model")],
        examined: true,
        ..kind("tuned", &[TENSORS])
    };
    let mixed = TaskKindDescription {
        roles: vec![Role::many("models", TENSORS, "models")],
        examined: true,
        ..kind("mixed", &[TENSORS])
    };
    let spectrum = TaskKindDescription {
        parameters: vec![
            Parameter::optional(
                "layers",
                ParameterType::list(ParameterType::Text),
                json!([]),
                "",
            )
            .naming("model", "layers"),
        ],
        roles: vec![Role::one("model", TENSORS, "a model").needs("linear", "it has layers")],
        ..kind("spectrum", &[])
    };
    vec![
        description(Stage::Data, vec![images]),
        description(Stage::Train, vec![plain, network, tuned, mixed]),
        description(Stage::Decompose, vec![spectrum]),
    ]
}

/// An answer about a network with these layers.
fn layers(names: &[&str]) -> Examined {
    let rules = names.iter().map(|name| NameRule::fixed(name)).collect();
    Examined::default().provides([Feature::flag("linear"), Feature::names("layers", rules)])
}

const NETWORK: &str = r#"
[data.images]

[train.mine]
data = "data.images"
steps = ["relu", { conv = { channels = 32, kernel = [3, 3] } }]
seed = [0, 1, 2]

[decompose.spectrum]
model = "train.mine"
layers = ["conv1"]
"#;

#[test]
fn nothing_is_asked_about_kinds_that_say_all() {
    let fake = Fake::new(&[]);
    let text = "[data.images]\n[train.plain]\ndata = \"data.images\"\n";
    fake.plan(text).expect("planned");
    assert_eq!(fake.calls(), 0);
}

#[test]
fn the_memory_of_a_card_is_that_of_the_answer() {
    let needs = |card_memory_mib, device: &str| {
        let answer = Examined {
            card_memory_mib,
            ..layers(&["conv1"])
        };
        let fake = Fake::new(&[vec![answer]]);
        let plan = fake.plan(&format!("device = \"{device}\"\n{NETWORK}"));
        let plan = plan.expect("planned");
        let network = plan.tasks.iter().find(|task| &*task.kind == "network");
        network.expect("it is there").device.card_memory_mib
    };
    assert_eq!(needs(Some(321), "cuda"), 321);
    assert_eq!(needs(None, "cuda"), 5);
    assert_eq!(needs(Some(321), "cpu"), 0);
}

#[test]
fn the_number_of_artifacts_of_a_role_is_known() {
    let fake = Fake::new(&[vec![layers(&["conv1"])], vec![Examined::default()]]);
    let text = format!("{NETWORK}\n[train.mixed]\nmodels = \"train.mine\"\n");
    fake.plan(&text).expect("planned");
    let questions = fake.asked(2).questions;
    let models = &questions[0].inputs["models"];
    assert_eq!(models.quantity(quantities::ARTIFACTS), Some(3));
    let data = &fake.asked(1).questions[0].inputs["data"];
    assert_eq!(data.quantity(quantities::ARTIFACTS), None);
}

#[test]
fn equal_tasks_are_one_question_and_answers_are_features() {
    let mut answer = layers(&["conv1", "linear"]).warn("a warning");
    answer.seconds = Some(7.5);
    answer.memory_mib = Some(99);
    let fake = Fake::new(&[vec![answer]]);
    let plan = fake.plan(NETWORK).expect("planned");
    assert_eq!(fake.calls(), 1);
    let asked = serde_json::to_value(fake.asked(1)).expect("serialises");
    let expected = json!({
        "version": TASK_VERSION,
        "data_dir": "my-data",
        "questions": [{
            "kind": "network",
            "parameters": {
                "how": "adam",
                "steps": ["relu", { "conv": { "channels": 32, "kernel": [3, 3] } }],
            },
            "inputs": { "data": {
                "flags": [], "names": {}, "attributes": { "classes": "ten" }, "quantities": { "rows": 8 },
            } },
        }],
    });
    assert_eq!(asked, expected);
    let trained = plan.tasks.iter().filter(|task| &*task.kind == "network");
    for task in trained.clone() {
        assert_eq!(task.warnings, ["a warning"]);
        assert_eq!(
            (task.resources.seconds, task.resources.memory_mib),
            (7.5, 99)
        );
    }
    assert_eq!(trained.count(), 3);

    let fake = Fake::new(&[vec![layers(&["linear"])]]);
    let errors = fake.plan(NETWORK).expect_err("no such layer");
    assert_eq!(codes(&errors), ["unknown_name"]);
    let text = rendered(&errors);
    assert!(
        text.contains("which is not one of the layers of `train.mine`"),
        "{text}"
    );
}

#[test]
fn tasks_are_asked_about_after_what_they_read() {
    let text = format!("{NETWORK}\n[train.tuned]\nmodel = \"train.mine[seed=0]\"\n");
    let fake = Fake::new(&[vec![layers(&["conv1"])], vec![Examined::default()]]);
    fake.plan(&text).expect("planned");
    assert_eq!(fake.calls(), 2);
    let questions = fake.asked(2).questions;
    assert_eq!(questions.len(), 1);
    let known = &questions[0].inputs["model"];
    assert!(known.flags.contains("linear") && known.names["layers"].contains("conv1"));
}

#[test]
fn demands_of_answers_are_checked() {
    let demand = Demand::new(
        Amount::Fixed(9),
        Relation::AtMost,
        "rows",
        "windows need room",
    );
    let fake = Fake::new(&[vec![layers(&["conv1"]).demands("data", demand)]]);
    let errors = fake.plan(NETWORK).expect_err("too small");
    assert_eq!(codes(&errors), ["wrong_count"]);
    let text = rendered(&errors);
    assert!(
        text.contains("`train.mine` needs at least 9 rows, but `data.images` has 8"),
        "{text}"
    );
}

/// A message, and the line and column that it points to.
type Placed = (String, Option<(usize, usize)>);

fn at((message, position): (&str, (usize, usize))) -> Placed {
    (message.to_owned(), Some(position))
}

fn placed(errors: &FileErrors) -> Vec<Placed> {
    let errors = errors.errors().iter();
    let placed = errors.map(|error| (error.to_string(), error.position()));
    placed.collect()
}

#[test]
fn faults_point_to_values() {
    let faults = Examined::default()
        .fault(Fault::at("/steps/1/conv/kernel/1", "wrong kernel").help("make it right"))
        .fault(Fault::at("/how/adam", "wrong optimiser"))
        .fault(Fault::at("/data", "wrong images"))
        .fault(Fault::at("", "wrong in all"));
    let fake = Fake::new(&[vec![faults]]);
    let errors = fake.plan(NETWORK).expect_err("four faults");
    assert_eq!(codes(&errors), ["refused_value"; 4]);
    let expected = [
        // A default stands at the header.
        ("wrong optimiser", (4, 8)),
        ("wrong in all", (4, 8)),
        ("wrong images", (5, 1)),
        ("wrong kernel", (6, 57)),
    ];
    assert_eq!(placed(&errors), expected.map(at));
    assert!(rendered(&errors).contains("make it right"));
}

#[test]
fn faults_of_keys_point_to_them() {
    let faults = Examined::default()
        .fault(Fault::of_key("/steps/1/conv/kernel", "wrong word"))
        .fault(Fault::of_key("/steps/1/conv", "another"))
        // There is no such key.
        .fault(Fault::of_key("/steps/1/conv/strides", "a third"));
    let fake = Fake::new(&[vec![faults]]);
    let errors = fake.plan(NETWORK).expect_err("three faults");
    let expected = [
        ("another", (6, 20)),
        ("a third", (6, 27)),
        ("wrong word", (6, 44)),
    ];
    assert_eq!(placed(&errors), expected.map(at));
}

#[test]
fn a_file_that_is_not_there_leaves_open_what_the_results_are() {
    let absent = Fault::at("/steps", "there is no file x.pth").help("look for it");
    let answers = [vec![Examined::default().unusable(absent)]];
    let fake = Fake::new(&answers);
    let plan = fake.plan(NETWORK).expect("what is stored can be used");
    let (trained, others): (Vec<_>, Vec<_>) =
        plan.tasks.iter().partition(|task| &*task.kind == "network");
    assert_eq!(trained.len(), 3);
    for task in trained {
        assert!(task.lacks_file);
        assert_eq!(task.warnings, ["there is no file x.pth"]);
    }
    assert!(others.iter().all(|task| !task.lacks_file));

    let fake = Fake::new(&answers);
    let programs = Programs::from_descriptions(fake.0.path(), descriptions()).requiring_files();
    let path = Path::new("pipelines/test.toml");
    let errors = parse("test", path, NETWORK, &programs).expect_err("it is needed");
    assert_eq!(codes(&errors), ["refused_value"]);
    assert!(rendered(&errors).contains("look for it"));
}

#[test]
fn faults_of_swept_values_point_to_their_items() {
    let text = NETWORK.replace(
        r#"steps = ["relu", { conv = { channels = 32, kernel = [3, 3] } }]"#,
        "steps = [\n  [\"relu\"],\n  [\"relu\", \"rleu\"],\n]",
    );
    let fault = Examined::default().fault(Fault::at("/steps/1", "no such step"));
    let fake = Fake::new(&[vec![layers(&["conv1"]), fault]]);
    let errors = fake.plan(&text).expect_err("a fault");
    assert_eq!(fake.asked(1).questions.len(), 2);
    assert_eq!(codes(&errors), ["refused_value"]);
    assert_eq!(errors.errors()[0].position(), Some((8, 12)));
}

#[test]
fn faults_point_into_the_file_and_the_row_that_say_so() {
    let fake = Fake::new(&[vec![
        Examined::default().fault(Fault::at("/steps/0", "unknown")),
    ]]);
    let base = fake.0.path().join("base.toml");
    fs::write(&base, NETWORK).expect("written");
    let programs = Programs::from_descriptions(fake.0.path(), descriptions());
    let path = fake.0.path().join("own.toml");
    let text = "extends = \"base\"\n[train.mine]\nseed = 4\n";
    let errors = parse("own", &path, text, &programs).expect_err("a fault");
    let text = rendered(&errors);
    assert!(text.contains("base.toml:6:10"), "{text}");

    let fake = Fake::new(&[vec![
        Examined::default().fault(Fault::at("/steps/0", "unknown")),
    ]]);
    let errors = fake
        .plan(
            "[data.images]\n[[repeat]]\neach = [{ name = \"a\", steps = [\"rleu\"] }]\n\
             [repeat.train.\"{name}\"]\nkind = \"network\"\ndata = \"data.images\"\nsteps = \"{steps}\"\n",
        )
        .expect_err("a fault");
    assert_eq!(errors.errors()[0].position(), Some((3, 32)));
}

#[test]
fn problems_of_an_examined_table_hide_those_that_follow() {
    let fake = Fake::new(&[vec![
        Examined::default().fault(Fault::at("/steps/0", "unknown")),
    ]]);
    let errors = fake.plan(NETWORK).expect_err("one fault");
    // Neither the need nor the name of the layer of the spectrum is spoken of.
    assert_eq!(codes(&errors), ["refused_value"]);

    let fake = Fake::new(&[]);
    let errors = fake
        .plan(&NETWORK.replace("\"relu\"", "1979-05-27"))
        .expect_err("a date");
    assert_eq!(codes(&errors), ["wrong_type"]);
    assert_eq!(fake.calls(), 0);
}

#[test]
fn a_wrong_value_does_not_hide_what_is_wrong_with_another() {
    let faults = Examined::default()
        .fault(Fault::at("/steps/0", "unknown"))
        .fault(Fault::at("/how", "follows from the default"))
        .fault(Fault::at("", "so may this"));
    let fake = Fake::new(&[vec![faults]]);
    let text = NETWORK.replace("seed =", "how = 1979-05-27\nseed =");
    let errors = fake.plan(&text).expect_err("two faults");
    assert_eq!(codes(&errors), ["refused_value", "wrong_type"]);
    assert_eq!(fake.asked(1).questions[0].parameters["how"], "adam");
}

#[test]
fn programs_that_fail_are_reported_at_the_table() {
    let event = r#"{"event":"failed","messages":["told to","fail"]}"#;
    let version = TASK_VERSION;
    for (script, reason) in [
        (
            format!("echo '{event}'; exit 2"),
            "exit status: 2: told to: fail",
        ),
        ("kill -9 $$".to_owned(), "signal: 9"),
        ("echo nonsense".to_owned(), "expected ident"),
        ("echo '{\"version\": 0}'".to_owned(), "contract version 0"),
        (
            format!("echo '{{\"version\": {version}, \"answers\": []}}'"),
            "0 answers to 1 questions",
        ),
        (
            format!(
                "echo '{{\"version\": {version}, \"answers\": [{{\"demands\": {{\"model\": []}}}}]}}'"
            ),
            "its kind `network` has no role `model`",
        ),
        (
            format!(
                "echo '{{\"version\": {version}, \"answers\": [{{\"provides\": [{{\"inherited\": {{\"role\": \"x\"}}}}]}}]}}'"
            ),
            "its kind `network` has no role `x`",
        ),
    ] {
        let fake = Fake::scripted(&format!("{script}\n"));
        let errors = fake.plan(NETWORK).expect_err(&script);
        assert_eq!(codes(&errors), ["program_failed"], "{script}");
        let text = errors.errors()[0].to_string();
        assert!(
            text.contains("does not answer `examine`"),
            "{script}: {text}"
        );
        assert!(text.contains(reason), "{script}: {text}");
        assert_eq!(errors.errors()[0].position(), Some((4, 8)));
    }
    let fake = Fake::new(&[]);
    fs::remove_file(fake.0.path().join("eigenscope-train")).expect("removed");
    let errors = fake.plan(NETWORK).expect_err("no program");
    assert!(errors.errors()[0].to_string().contains("cannot start"));
}

#[test]
fn the_fallback_kind_serves_tables_without_kind() {
    let fake = Fake::new(&[vec![layers(&["conv1"])]]);
    let plan = fake.plan(NETWORK).expect("planned");
    assert!(plan.tasks.iter().any(|task| &*task.kind == "network"));
    let errors = fake
        .plan("[train.mine]\nkind = \"mine\"\n")
        .expect_err("a kind that is given must be known");
    assert_eq!(codes(&errors), ["unknown_kind"]);
}
