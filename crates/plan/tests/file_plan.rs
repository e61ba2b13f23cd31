//! Plans of valid pipeline files: ids, labels, parameters, seeds, inputs, order.

mod sample;

use std::sync::Arc;

use eigenscope_artifact::tables::bilinear::SimilarityRow;
use eigenscope_artifact::tables::training::HistoryRow;
use eigenscope_artifact::{EIGENPAIRS, IMAGES, TENSORS};
use eigenscope_plan::{Plan, PlannedTask};
use eigenscope_stage::Seed;
use sample::{PIPELINE, plan};
use serde_json::json;

fn valid(text: &str) -> Plan {
    match plan(text) {
        Ok(plan) => plan,
        Err(errors) => panic!("{}", sample::rendered(&errors)),
    }
}

fn ids(plan: &Plan) -> Vec<&str> {
    plan.tasks.iter().map(|task| task.id.as_str()).collect()
}

fn task<'a>(plan: &'a Plan, id: &str) -> &'a PlannedTask {
    let found = plan.tasks.iter().find(|task| task.id == id);
    found.unwrap_or_else(|| panic!("no {id} in {:#?}", ids(plan)))
}

fn inputs<'a>(plan: &'a Plan, id: &str) -> Vec<(&'a str, &'a str, &'a str)> {
    let inputs = task(plan, id).inputs.iter();
    inputs
        .map(|input| {
            (
                &*input.role,
                plan.tasks[input.task].id.as_str(),
                input.kind.as_str(),
            )
        })
        .collect()
}

#[test]
fn the_tasks_of_a_pipeline_in_order() {
    let plan = valid(PIPELINE);
    assert_eq!(plan.name, "test");
    assert_eq!(plan.file.to_str(), Some("pipelines/test.toml"));
    let expected = [
        "data.mnist",
        "train.bilinear[hidden=30,seed=0]",
        "train.bilinear[hidden=30,seed=1]",
        "train.bilinear[hidden=50,seed=0]",
        "train.bilinear[hidden=50,seed=1]",
        "train.bilinear[hidden=100,seed=0]",
        "train.bilinear[hidden=100,seed=1]",
        "decompose.interaction[hidden=30,seed=0]",
        "decompose.interaction[hidden=30,seed=1]",
        "decompose.interaction[hidden=50,seed=0]",
        "decompose.interaction[hidden=50,seed=1]",
        "decompose.interaction[hidden=100,seed=0]",
        "decompose.interaction[hidden=100,seed=1]",
        "metric.similarity[variant=published]",
        "metric.similarity[variant=corrected]",
        "metric.final",
        "metric.truncation[hidden=50,seed=0]",
        "metric.truncation[hidden=50,seed=1]",
        "metric.truncation[hidden=100,seed=0]",
        "metric.truncation[hidden=100,seed=1]",
        "figure.similarity",
        "figure.published",
    ];
    assert_eq!(ids(&plan), expected);
}

#[test]
fn inputs_follow_references_selections_and_joins() {
    let plan = valid(PIPELINE);
    assert_eq!(
        inputs(&plan, "metric.truncation[hidden=100,seed=0]"),
        [
            ("model", "train.bilinear[hidden=100,seed=0]", TENSORS.name()),
            (
                "eigenpairs",
                "decompose.interaction[hidden=100,seed=0]",
                EIGENPAIRS.name()
            ),
            ("data", "data.mnist", IMAGES.name()),
        ]
    );
    let histories = inputs(&plan, "metric.final");
    assert_eq!(histories.len(), 6);
    assert_eq!(
        histories[5],
        (
            "histories",
            "train.bilinear[hidden=100,seed=1]",
            HistoryRow::KIND.name()
        )
    );
    assert_eq!(
        inputs(&plan, "figure.published"),
        [(
            "similarity",
            "metric.similarity[variant=published]",
            SimilarityRow::KIND.name()
        )]
    );
    for (index, task) in plan.tasks.iter().enumerate() {
        assert!(
            task.inputs.iter().all(|input| input.task < index),
            "{}",
            task.id
        );
    }
}

#[test]
fn parameters_are_complete_and_canonical() {
    let plan = valid(PIPELINE);
    let train = task(&plan, "train.bilinear[hidden=50,seed=1]");
    assert_eq!(
        train.parameters.to_string(),
        r#"{"batch":2048,"bias":false,"crop":28,"epochs":10,"hidden":50,"noise":0.4,"note":"","optimizer":{"adamw":{"decay":1.0,"lr":0.001}}}"#
    );
    assert_eq!(
        task(&plan, "data.mnist").parameters.to_string(),
        r#"{"classes":[],"first":0,"pairs":[],"path":"","transforms":["scale",{"normalise":{"mean":[0.5],"std":[1.0]}}]}"#
    );
    assert_eq!(
        *train.labels,
        [("hidden".into(), json!(50)), ("seed".into(), json!(1))].into()
    );
    assert_eq!(&*train.kind, "bilinear");
    assert_eq!(&*train.fingerprint, "code of bilinear");
    assert_eq!(*train.outputs, [TENSORS, HistoryRow::KIND]);
    assert!(train.random);
}

#[test]
fn spelling_does_not_change_parameters() {
    let with = |parameters: &str| {
        let text = format!(
            "[data.mnist]\n[train.bilinear]\ndata = 'data.mnist'\nhidden = 3\n{parameters}"
        );
        task(&valid(&text), "train.bilinear").parameters.to_string()
    };
    assert_eq!(with("noise = 1"), with("noise = 1.0"));
    assert_eq!(with("noise = 0"), with("noise = -0.0"));
    assert_eq!(with("noise = 0.4"), with(""));
    assert_eq!(with("optimizer = 'adamw'"), with(""));
    assert_eq!(with("optimizer = { adamw = { decay = 1 } }"), with(""));
    assert_eq!(
        with("optimizer = { none = {} }"),
        with("optimizer = 'none'")
    );
    assert_eq!(with("epochs = 0x0a"), with("epochs = 1_0"));
    assert_ne!(with("optimizer = 'sgd'"), with(""));
    assert_eq!(
        with("optimizer = { sgd = 0.5 }"),
        with("optimizer = { sgd = { lr = 0.5 } }")
    );
    assert_ne!(with("batch = 'all'"), with(""));
    assert_ne!(with("crop = [1, 2]"), with("crop = 1"));
}

#[test]
fn seeds_are_given_or_derived_from_the_pipeline_and_the_id() {
    let plan = valid(
        "seed = 7\n[data.mnist]\n\
         [train.a]\nkind = 'bilinear'\ndata = 'data.mnist'\nhidden = [1, 2]\n\
         [train.b]\nkind = 'bilinear'\ndata = 'data.mnist'\nhidden = 1\nseed = 5\n\
         [train.c]\nkind = 'bilinear'\ndata = 'data.mnist'\nhidden = 1\nseed = [5]",
    );
    assert_eq!(
        task(&plan, "train.a[hidden=2]").seed,
        Seed::derive(7, "train.a[hidden=2]").0
    );
    assert_eq!(task(&plan, "train.b").seed, 5);
    assert_eq!(task(&plan, "train.c[seed=5]").seed, 5);
    assert!(task(&plan, "train.b").parameters.get("seed").is_none());
    assert!(
        task(&plan, "train.c[seed=5]")
            .parameters
            .get("seed")
            .is_none()
    );
    // Without chance the seed of the pipeline has no effect at all.
    assert_eq!(task(&plan, "data.mnist").seed, 0);
    assert!(!task(&plan, "data.mnist").random);
}

#[test]
fn tables_may_stand_in_any_order() {
    let plan = valid(
        "[figure.similarity]\nsimilarity = 'metric.similarity'\n\
         [metric.similarity]\neigenpairs = ['decompose.b', 'decompose.a']\n\
         [decompose.b]\nkind = 'interaction'\nmodel = 'train.bilinear'\n\
         [decompose.a]\nkind = 'interaction'\nmodel = 'train.bilinear'\n\
         [train.bilinear]\ndata = 'data.mnist'\nhidden = 1\n\
         [data.mnist]\n",
    );
    let expected = [
        "data.mnist",
        "train.bilinear",
        "decompose.b",
        "decompose.a",
        "metric.similarity",
        "figure.similarity",
    ];
    assert_eq!(ids(&plan), expected);
}

#[test]
fn many_inputs_come_in_pipeline_order_however_they_are_listed() {
    let lists = [
        "['train.bilinear[seed=1]', 'train.bilinear[seed=0]']",
        "['train.bilinear[seed=0]', 'train.bilinear[seed=1]']",
        "'train.bilinear'",
        "'train.bilinear[ seed = 1 | 0 ]'",
    ];
    let plans = lists.map(|list| {
        valid(&format!(
            "[data.mnist]\n[train.bilinear]\ndata = 'data.mnist'\nhidden = [1, 2]\nseed = [0, 1]\n\
             [metric.final]\nhistories = {list}"
        ))
    });
    for plan in &plans {
        assert_eq!(inputs(plan, "metric.final").len(), 4);
        assert_eq!(plan, &plans[0]);
    }
}

#[test]
fn all_conditions_of_a_selection_hold_for_every_input() {
    let plan = valid(
        "[data.mnist]\n[train.bilinear]\ndata = 'data.mnist'\nhidden = [1, 2, 3]\nseed = [0, 1, 2]\n\
         [metric.final]\nhistories = 'train.bilinear[hidden=3|2,seed=1]'",
    );
    let read: Vec<&str> = inputs(&plan, "metric.final")
        .into_iter()
        .map(|(_, id, _)| id)
        .collect();
    let expected = [
        "train.bilinear[hidden=2,seed=1]",
        "train.bilinear[hidden=3,seed=1]",
    ];
    assert_eq!(read, expected);
}

#[test]
fn swept_variants_numbers_and_words_are_labels() {
    let plan = valid(
        "[data.mnist]\n[train.bilinear]\ndata = 'data.mnist'\nhidden = 1\nnoise = [0, 0.5]\n\
         optimizer = [{ sgd = { lr = 1 } }, 'adamw']\nbatch = ['all', 7]\nbias = [true]",
    );
    assert_eq!(plan.tasks.len(), 1 + 2 * 2 * 2);
    let one = task(
        &plan,
        "train.bilinear[batch=7,bias=true,noise=0.5,optimizer=sgd]",
    );
    assert_eq!(one.parameters["optimizer"], json!({ "sgd": { "lr": 1.0 } }));
    assert_eq!(one.labels["noise"], json!(0.5));
    assert_eq!(one.labels["batch"], json!(7));
    assert!(ids(&plan).contains(&"train.bilinear[batch=all,bias=true,noise=0,optimizer=adamw]"));
}

#[test]
fn lists_are_swept_by_lists_of_lists() {
    let plan = valid(
        "[data.mnist]\nclasses = [[], [3, 6]]\npairs = [[[3, 6]], [[1, 2], [3, 6]]]\n\
         transforms = [['scale'], ['scale', { normalise = { mean = [0.5], std = [1] } }]]\n\
         [train.bilinear]\ndata = 'data.mnist[classes=3-6,pairs=1-2.3-6,transforms=scale|scale-normalise_0.5_1]'\n\
         hidden = 1\ncrop = [1, [2, 3]]\n",
    );
    let expected = [
        "train.bilinear[classes=3-6,crop=1,pairs=1-2.3-6,transforms=scale]",
        "train.bilinear[classes=3-6,crop=2-3,pairs=1-2.3-6,transforms=scale]",
        "train.bilinear[classes=3-6,crop=1,pairs=1-2.3-6,transforms=scale-normalise_0.5_1]",
        "train.bilinear[classes=3-6,crop=2-3,pairs=1-2.3-6,transforms=scale-normalise_0.5_1]",
    ];
    assert_eq!(ids(&plan)[8..], expected);
    let data = task(&plan, "data.mnist[classes=none,pairs=3-6,transforms=scale]");
    assert_eq!(data.parameters["classes"], json!([]));
    assert_eq!(data.parameters["pairs"], json!([[3, 6]]));
    let cropped = task(&plan, expected[1]);
    assert_eq!(cropped.parameters["crop"], json!([2, 3]));
    // One list is one value, however deep its items are.
    let plan = valid("[data.mnist]\nclasses = [3, 6]\npairs = [[3, 6]]\ntransforms = []\n");
    assert_eq!(ids(&plan), ["data.mnist"]);
}

#[test]
fn labels_that_inputs_do_not_share_are_multiplied() {
    let plan = valid(
        "[data.mnist]\npath = ['a', 'b']\n\
         [train.bilinear]\ndata = 'data.mnist[path=a]'\nhidden = [1, 2]\n\
         [decompose.interaction]\nmodel = 'train.bilinear'\n\
         [train.other]\nkind = 'bilinear'\ndata = 'data.mnist'\nhidden = 1\n\
         [metric.truncation]\nmodel = 'train.other'\neigenpairs = 'decompose.interaction'\n\
         data = 'data.mnist'",
    );
    // `path` is shared by all three inputs and is `a` in one of them; `hidden` comes from one only.
    let expected = [
        "metric.truncation[hidden=1,path=a]",
        "metric.truncation[hidden=2,path=a]",
    ];
    let found: Vec<&str> = ids(&plan)
        .into_iter()
        .filter(|id| id.starts_with("metric"))
        .collect();
    assert_eq!(found, expected);
    assert_eq!(inputs(&plan, expected[1])[0].1, "train.other[path=a]");
}

#[test]
fn a_large_plan_is_built() {
    let numbers = |count: usize| {
        (0..count)
            .map(|n| n.to_string())
            .collect::<Vec<_>>()
            .join(",")
    };
    let plan = valid(&format!(
        "[data.mnist]\n[train.bilinear]\ndata = 'data.mnist'\nhidden = 1\nepochs = [{}]\nseed = [{}]\n\
         [decompose.interaction]\nmodel = 'train.bilinear'\n[metric.final]\nhistories = 'train.bilinear'",
        numbers(101).replacen("0,", "", 1),
        numbers(100),
    ));
    assert_eq!(plan.tasks.len(), 1 + 10_000 + 10_000 + 1);
    assert_eq!(
        plan.tasks.last().map(|task| task.inputs.len()),
        Some(10_000)
    );
    let last = &plan.tasks[20_000];
    assert_eq!(last.id, "decompose.interaction[epochs=100,seed=99]");
    assert_eq!(last.inputs[0].task, 10_000);
}

#[test]
fn a_file_is_read_from_disk_under_its_stem() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("paper.toml");
    std::fs::write(&path, PIPELINE).expect("a file");
    let plan = eigenscope_plan::read(&path, &sample::programs()).expect("a plan");
    assert_eq!(plan.name, "paper");
    assert_eq!(plan.file, path);
    assert_eq!(plan.tasks, valid(PIPELINE).tasks);
}

#[test]
fn inputs_that_fix_a_label_differently_are_contrasted() {
    let truncation = |model: &str, eigenpairs: &str| {
        let cut = PIPELINE.find("[metric.truncation]").expect("it is there");
        let text = format!(
            "{}[metric.truncation]\nmodel = \"train.bilinear{model}\"\n\
             eigenpairs = \"decompose.interaction{eigenpairs}\"\ndata = \"data.mnist\"\n",
            &PIPELINE[..cut]
        );
        let plan = valid(&text);
        let tasks = ids(&plan)
            .into_iter()
            .filter(|id| id.starts_with("metric.truncation"));
        let tasks = tasks.map(|id| {
            let read: Vec<&str> = inputs(&plan, id)
                .into_iter()
                .map(|(_, task, _)| task)
                .collect();
            format!("{id} <- {} {}", read[0], read[1])
        });
        tasks.collect::<Vec<String>>()
    };
    // The seed is fixed to two values, the hidden size still joins.
    let contrasted = truncation("[seed=0]", "[seed=1]");
    assert_eq!(
        contrasted[0],
        "metric.truncation[hidden=30] <- train.bilinear[hidden=30,seed=0] decompose.interaction[hidden=30,seed=1]"
    );
    assert_eq!(contrasted.len(), 3);
    assert_eq!(
        truncation("[hidden=30,seed=0]", "[hidden=100,seed=1]"),
        [
            "metric.truncation <- train.bilinear[hidden=30,seed=0] decompose.interaction[hidden=100,seed=1]"
        ]
    );
    // Fixed on one side only, or to one value: both inputs have it.
    let joined = [
        "metric.truncation[hidden=30,seed=1] <- train.bilinear[hidden=30,seed=1] decompose.interaction[hidden=30,seed=1]",
    ];
    assert_eq!(truncation("[hidden=30,seed=1]", ""), joined);
    assert_eq!(
        truncation("[hidden=30,seed=1]", "[hidden=30,seed=1]"),
        joined
    );
}

#[test]
fn hundreds_of_thousands_of_tasks_are_planned() {
    let numbers = |count: u64| {
        let numbers: Vec<String> = (1..=count).map(|number| number.to_string()).collect();
        numbers.join(",")
    };
    let plan = valid(&format!(
        "[data.mnist]\n\
         [train.bilinear]\ndata = 'data.mnist'\nhidden = [{}]\nseed = [{}]\n\
         [decompose.interaction]\nmodel = 'train.bilinear'\n",
        numbers(100),
        numbers(1_000)
    ));
    assert_eq!(plan.tasks.len(), 200_001);
    let last = &plan.tasks[200_000];
    assert_eq!(last.id, "decompose.interaction[hidden=100,seed=1000]");
    assert_eq!(last.inputs[0].task, 100_000);
    // What tasks have in common is in memory once.
    let [one, two] = [1, 2].map(|index| &plan.tasks[index]);
    assert_eq!((one.seed, two.seed), (1, 2));
    assert!(Arc::ptr_eq(&one.parameters, &two.parameters));
    assert!(Arc::ptr_eq(&last.labels, &plan.tasks[100_000].labels));
}
