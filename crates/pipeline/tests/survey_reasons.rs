//! Each reason to run, and that repairing it needs no more than is named.

mod fake;

use std::fs;
use std::sync::atomic::Ordering;

use eigenscope_artifact::tables::training::{FinalRow, HistoryRow};
use eigenscope_pipeline::survey::{Reason, State, Survey, explain, survey};
use eigenscope_pipeline::tone::fitted;
use eigenscope_plan::Plan;
use eigenscope_plan::label::Labels;
use fake::{Bench, chain, data, model, plan};
use serde_json::json;

/// A bench on which `plan` has run.
fn made(plan: &Plan) -> Bench {
    let bench = Bench::new();
    bench.complete(plan);
    bench
}

/// The explanation without colours.
fn explained(plan: &Plan, survey: &Survey, index: usize) -> String {
    fitted(&explain(plan, survey, index), false).into_owned()
}

#[test]
fn a_task_that_was_never_made() {
    let bench = Bench::new();
    let plan = chain();
    assert_eq!(bench.reasons(&plan, 0), [Reason::NeverMade]);
    let waits = |task: &str| Reason::WaitsFor {
        task: task.to_owned(),
    };
    assert_eq!(
        bench.reasons(&plan, 1),
        [Reason::NeverMade, waits("data.a")]
    );
    assert!(!bench.store.root().exists(), "asking creates nothing");
}

#[test]
fn a_changed_parameter() {
    let mut plan = chain();
    plan.tasks[0].parameters = json!({"value": 1.0, "noise": {"gauss": 1}, "old": 1}).into();
    let bench = made(&plan);
    plan.tasks[0].parameters = json!({"value": 1.0, "noise": {"gauss": 2}, "new": 1}).into();
    let changed = |name: &str, old, new| Reason::ParameterChanged {
        name: name.to_owned(),
        old,
        new,
    };
    assert_eq!(
        bench.reasons(&plan, 0),
        [
            changed("new", None, Some(json!(1))),
            changed("noise.gauss", Some(json!(1)), Some(json!(2))),
            changed("old", Some(json!(1)), None),
        ]
    );
}

#[test]
fn a_changed_seed_matters_only_to_random_tasks() {
    let mut plan = chain();
    plan.tasks[1].random = true;
    let bench = made(&plan);
    plan.tasks[1].seed = 2;
    plan.tasks[2].seed = 2;
    let (old, new) = (Some(1), Some(2));
    assert_eq!(bench.reasons(&plan, 1), [Reason::SeedChanged { old, new }]);
    assert_eq!(bench.reasons(&plan, 2), []);
}

#[test]
fn changed_code_and_kind() {
    let mut plan = chain();
    let bench = made(&plan);
    plan.tasks[0].fingerprint = "code-2".into();
    plan.tasks[0].kind = "other".into();
    let reasons = [
        Reason::KindChanged {
            old: "data/make".to_owned(),
            new: "data/other".to_owned(),
        },
        Reason::CodeChanged {
            old: "code-1".to_owned(),
            new: "code-2".to_owned(),
            changes: Vec::new(),
        },
    ];
    assert_eq!(bench.reasons(&plan, 0), reasons);
}

#[test]
fn a_changed_input_is_known_once_it_is_made() {
    let mut plan = chain();
    let bench = made(&plan);
    plan.tasks[0].parameters = json!({"value": 10.0}).into();
    let task = "data.a".to_owned();
    assert_eq!(
        bench.reasons(&plan, 1),
        [Reason::WaitsFor { task: task.clone() }]
    );
    let mut first = plan.clone();
    first.tasks.truncate(1);
    bench.complete(&first);
    // The links of the other tasks are gone with them from the plan: their last results are not known.
    assert_eq!(bench.reasons(&plan, 1), [Reason::NeverMade]);

    let bench = made(&chain());
    let outcome = eigenscope_pipeline::execute::run(
        &plan,
        &[0],
        &bench.programs,
        &bench.store,
        &bench.options,
        &mut eigenscope_pipeline::execute::Silent,
    );
    assert!(outcome.expect("runs").is_complete());
    let role = "data".to_owned();
    assert_eq!(
        bench.reasons(&plan, 1),
        [Reason::InputChanged { role, task }]
    );
}

#[test]
fn inputs_that_come_go_move_or_change_labels() {
    let mut plan = chain();
    let bench = made(&plan);
    let removed = plan.tasks[3].inputs.remove(0);
    let role = "models".to_owned();
    let task = "train.m[hidden=1]".to_owned();
    let reason = Reason::InputRemoved {
        role: role.clone(),
        task: task.clone(),
    };
    assert_eq!(bench.reasons(&plan, 3), [reason]);
    plan.tasks[3].inputs.push(removed);
    assert_eq!(bench.reasons(&plan, 3), [Reason::InputsReordered]);

    let mut more = chain();
    more.tasks[3].inputs[0].task = 2;
    more.tasks[3].inputs.pop();
    let bench = made(&more);
    let reason = Reason::InputAdded {
        role: role.clone(),
        task: task.clone(),
    };
    assert_eq!(bench.reasons(&chain(), 3), [reason]);

    let mut relabelled = chain();
    relabelled.tasks[1].labels = Labels::from([("hidden".to_owned(), json!(1))]).into();
    let bench = made(&chain());
    assert_eq!(
        bench.reasons(&relabelled, 3),
        [Reason::InputRelabelled { role, task }]
    );
}

#[test]
fn a_renamed_task_is_computed_again_only_where_its_name_is_shown() {
    let bench = made(&chain());
    let mut renamed = chain();
    renamed.tasks[0].id = "data.b".to_owned();
    renamed.tasks[0].formerly = Some("data.a".into());
    // Models know the data set by its first id, and the table of these does not show it.
    for task in 0..renamed.tasks.len() {
        assert_eq!(bench.reasons(&renamed, task), [], "{task}");
    }
    for (task, table) in [(1, "train.n"), (2, "train.n")] {
        let labels = renamed.tasks[task].id["train.m".len()..].to_owned();
        renamed.tasks[task].id = format!("{table}{labels}");
        renamed.tasks[task].formerly = Some("train.m".into());
    }
    let now = |labels: &str| Reason::TaskRenamed {
        old: format!("train.m{labels}"),
        new: format!("train.n{labels}"),
    };
    assert_eq!(bench.reasons(&renamed, 1), []);
    let reasons = [now("[hidden=1]"), now("[hidden=2]")];
    assert_eq!(bench.reasons(&renamed, 3), reasons);
    // The same again with the names of now: nothing is left to do.
    bench.complete(&renamed);
    assert_eq!(bench.reasons(&renamed, 3), []);
    // A task that is itself renamed is compared with its result under the first id.
    renamed.tasks[3].id = "metric.end".to_owned();
    renamed.tasks[3].formerly = Some("metric.final".into());
    renamed.tasks[3].parameters = json!({"new": 1}).into();
    let reasons = bench.reasons(&renamed, 3);
    assert!(
        matches!(reasons.as_slice(), [Reason::ParameterChanged { .. }]),
        "{reasons:?}"
    );
}

#[test]
fn a_missing_output_is_made_again() {
    let plan = chain();
    let bench = made(&plan);
    let path = bench.output(&plan, 1, FinalRow::KIND);
    fs::remove_file(&path).expect("removed");
    let output = FinalRow::KIND.into();
    assert_eq!(bench.reasons(&plan, 1), [Reason::OutputMissing { output }]);
    let outcome = bench.complete(&plan);
    assert_eq!((outcome.ran, outcome.reused), (vec![1], vec![3, 4]));
    assert!(path.exists());
}

#[test]
fn damaged_and_truncated_outputs_are_made_again() {
    let plan = chain();
    let bench = made(&plan);
    let path = bench.output(&plan, 0, HistoryRow::KIND);
    let good = fs::read(&path).expect("readable");
    let mut flipped = good.clone();
    flipped[10] ^= 1;
    for bad in [&flipped[..], &good[..good.len() / 2], b""] {
        fs::write(&path, bad).expect("written");
        let reasons = bench.reasons(&plan, 0);
        let [
            Reason::OutputDamaged {
                output,
                expected,
                found,
            },
        ] = reasons.as_slice()
        else {
            panic!("{reasons:?}");
        };
        assert_eq!(*output, HistoryRow::KIND);
        assert_eq!(
            (expected.bytes, found.bytes),
            (good.len() as u64, bad.len() as u64)
        );
        let outcome = bench.complete(&plan);
        assert_eq!((outcome.ran, outcome.reused), (vec![0], vec![1, 2, 3, 4]));
        assert_eq!(fs::read(&path).expect("readable"), good);
    }
}

#[test]
fn damage_behind_an_old_time_is_seen() {
    let plan = chain();
    let bench = made(&plan);
    let path = bench.output(&plan, 0, HistoryRow::KIND);
    let time = fs::metadata(&path)
        .expect("there")
        .modified()
        .expect("a time");
    // Long enough for the stamp to be remembered.
    std::thread::sleep(std::time::Duration::from_millis(2100));
    bench.survey(&plan);
    let mut bytes = fs::read(&path).expect("readable");
    bytes[10] ^= 1;
    fs::write(&path, &bytes).expect("written");
    let file = fs::File::options().write(true).open(&path).expect("opened");
    file.set_modified(time).expect("set");
    assert!(matches!(
        bench.reasons(&plan, 0)[..],
        [Reason::OutputDamaged { .. }]
    ));
}

#[test]
fn an_unreadable_record() {
    let plan = chain();
    let bench = made(&plan);
    let folder = bench.store.folder(bench.key(&plan, 0));
    let other = bench.store.folder(bench.key(&plan, 1)).join("task.json");
    let path = folder.join("task.json");
    let good = fs::read_to_string(&path).expect("readable");
    let unknown = good.replace("\"warnings\"", "\"surprise\": 1, \"warnings\"");
    let version = good.replace("\"version\": 1", "\"version\": 2");
    let foreign = fs::read_to_string(other).expect("readable");
    for bad in [&good[..50], &unknown, &version, &foreign, ""] {
        fs::write(&path, bad).expect("written");
        let reasons = bench.reasons(&plan, 0);
        assert!(
            matches!(reasons[..], [Reason::RecordUnreadable { .. }]),
            "{reasons:?}"
        );
        bench.complete(&plan);
        assert_eq!(fs::read_to_string(&path).expect("readable"), good);
    }
    fs::remove_file(&path).expect("removed");
    assert!(matches!(
        bench.reasons(&plan, 0)[..],
        [Reason::RecordUnreadable { .. }]
    ));
}

#[test]
fn a_removed_result() {
    let plan = chain();
    let bench = made(&plan);
    fs::remove_dir_all(bench.store.folder(bench.key(&plan, 0))).expect("removed");
    assert_eq!(bench.reasons(&plan, 0), [Reason::ResultRemoved]);
}

#[test]
fn files_outside_the_store() {
    let bench = Bench::new();
    let file = bench.options.data_dir.join("file");
    fs::write(&file, "one").expect("written");
    let plan = plan(vec![
        data("a", json!({"file": "file"})),
        model("m", json!({}), 0),
    ]);
    bench.complete(&plan);
    fs::write(&file, "two").expect("written");
    let reasons = bench.reasons(&plan, 0);
    assert!(
        matches!(&reasons[..], [Reason::ExternalFileChanged { path, .. }] if path == "file"),
        "{reasons:?}"
    );
    let outcome = bench.complete(&plan);
    assert_eq!((outcome.ran, outcome.reused), (vec![0], vec![1]));
    fs::remove_file(&file).expect("removed");
    assert_eq!(
        bench.reasons(&plan, 0),
        [],
        "a result outlives the file it was made from"
    );
    let survey = bench.survey(&plan);
    let warnings = survey.warnings(&plan, 0);
    assert!(
        warnings[0].starts_with("a file that it was made from is gone: file;"),
        "{warnings:?}"
    );
}

#[test]
fn a_file_in_the_place_of_one_that_is_gone() {
    let bench = Bench::new();
    let path = |name: &str| bench.options.data_dir.join(name);
    fs::write(path("file"), "one").expect("written");
    let parameters = json!({"file": "file", "instead": ["second", "third"]});
    let plan = plan(vec![data("a", parameters)]);
    bench.complete(&plan);
    fs::write(path("third"), "one").expect("written");
    assert_eq!(bench.reasons(&plan, 0), [], "the first is still there");
    fs::remove_file(path("file")).expect("removed");
    let replaced = Reason::ExternalFileReplaced {
        path: "file".to_owned(),
        by: "third".to_owned(),
    };
    assert_eq!(bench.reasons(&plan, 0), [replaced]);
}

#[test]
fn a_file_where_there_was_none() {
    let bench = Bench::new();
    let plan = plan(vec![data("a", json!({"absent": "folder/better"}))]);
    bench.complete(&plan);
    assert_eq!(bench.reasons(&plan, 0), []);
    let place = bench.options.data_dir.join("folder/better");
    fs::create_dir_all(&place).expect("created");
    assert_eq!(bench.reasons(&plan, 0), [], "a folder is not read");
    fs::remove_dir(&place).expect("removed");
    fs::write(&place, "").expect("written");
    let appeared = Reason::ExternalFileAppeared {
        path: "folder/better".to_owned(),
    };
    assert_eq!(bench.reasons(&plan, 0), [appeared]);
}

#[test]
fn pictures_of_a_folder_are_named() {
    let bench = Bench::new();
    let path = |name: &str| bench.options.data_dir.join("faces").join(name);
    for name in ["a/1.png", "a/2.png", "b/1.png"] {
        fs::create_dir_all(path(name).parent().expect("a folder")).expect("created");
        fs::write(path(name), name).expect("written");
    }
    let plan = plan(vec![data("a", json!({"folder": "faces"}))]);
    bench.complete(&plan);
    assert_eq!(bench.reasons(&plan, 0), []);
    fs::write(path("a/1.png"), "another").expect("written");
    fs::remove_file(path("a/2.png")).expect("removed");
    for name in ["b/2.png", "b/3.png"] {
        fs::write(path(name), name).expect("written");
    }
    let text = explained(&plan, &bench.survey(&plan), 0);
    assert!(
        text.contains(
            "faces changed: 1 picture is changed (a/1.png); 2 pictures are new (b/2.png, b/3.png); 1 picture is gone (a/2.png)"
        ),
        "{text}"
    );
}

#[test]
fn a_result_under_another_link_is_current() {
    let plan = chain();
    let bench = made(&plan);
    fs::remove_dir_all(bench.store.pipeline("test")).expect("removed");
    assert!(
        bench
            .survey(&plan)
            .iter()
            .all(|(_, state)| state.is_current())
    );
    bench.complete(&plan);
    assert!(bench.store.link("test", "data.a").exists());
}

#[test]
fn going_back_to_old_parameters_reuses_their_result() {
    let old = chain();
    let bench = made(&old);
    let mut new = chain();
    new.tasks[0].parameters = json!({"value": 5.0}).into();
    assert_eq!(bench.complete(&new).ran.len(), 5);
    let outcome = bench.complete(&old);
    assert_eq!((outcome.ran.len(), outcome.current.len()), (0, 5));
}

#[test]
fn a_corrupt_stamp_file_costs_only_time() {
    let plan = chain();
    let bench = made(&plan);
    fs::write(bench.store.root().join(".stamps.jsonl"), "{").expect("written");
    assert!(
        bench
            .survey(&plan)
            .iter()
            .all(|(_, state)| state.is_current())
    );
}

#[test]
fn only_what_the_targets_need_is_surveyed() {
    let bench = Bench::new();
    let survey = survey(&chain(), &[1], &bench.store, &bench.options.data_dir);
    let tasks: Vec<usize> = survey.iter().map(|(task, _)| task).collect();
    assert_eq!(tasks, [0, 1]);
    assert!(matches!(survey.get(0), Some(State::Stale { .. })));
    assert!(matches!(survey.get(1), Some(State::Blocked { .. })));
}

#[test]
fn the_explanation_leads_to_the_first_stale_input() {
    let mut plan = chain();
    let bench = made(&plan);
    let text = explained(&plan, &bench.survey(&plan), 4);
    assert!(
        text.starts_with("figure.curve[variant=published] is up to date (store/"),
        "{text}"
    );
    plan.tasks[0].parameters = json!({"value": 7.5}).into();
    let text = explained(&plan, &bench.survey(&plan), 4);
    let expected = "\
figure.curve[variant=published] waits for its inputs; it runs if they change
  it waits for metric.final

metric.final waits for its inputs; it runs if they change
  it waits for train.m[hidden=1]
  it waits for train.m[hidden=2]

train.m[hidden=1] waits for its inputs; it runs if they change
  it waits for data.a

data.a will run
  parameter `value` changed from 1.0 to 7.5
";
    assert_eq!(text, expected);
}

#[test]
fn hundreds_of_thousands_of_tasks_are_surveyed_and_can_be_stopped() {
    let bench = Bench::new();
    let numbers = |count: u64, end: &str| {
        let numbers: Vec<String> = (0..count).map(|number| format!("{number}{end}")).collect();
        numbers.join(",")
    };
    let text = format!(
        "[data.make]\n[train.fit]\ndata = \"data.make\"\nvalue = [{}]\npart = [{}]\n\
         [figure.draw]\ntable = \"train.fit\"\n",
        numbers(1_000, ".5"),
        numbers(100, "")
    );
    let path = bench.folder.path().join("many.toml");
    let plan = eigenscope_plan::parse("many", &path, &text, &bench.programs).expect("a plan");
    assert_eq!(plan.tasks.len(), 200_001);
    let states = bench.survey(&plan);
    let blocked = states.iter().filter(|(_, state)| state.name() == "blocked");
    assert_eq!(blocked.count(), 200_000);
    assert_eq!(states.get(0).map(State::name), Some("stale"));

    bench.options.cancel.store(true, Ordering::Relaxed);
    let outcome = bench.run(&plan);
    assert!(outcome.interrupted && outcome.ran.is_empty());
    assert_eq!(outcome.left.len(), 200_001);
}
