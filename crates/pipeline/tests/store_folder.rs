//! The artifacts folder: layout, links, lock, leftovers, names, records.

mod fake;

use std::fs;

use eigenscope_artifact::SVG;
use eigenscope_pipeline::execute::{ExecuteError, Silent};
use eigenscope_pipeline::gc;
use eigenscope_pipeline::store::{
    CommitError, KeyInputs, Outside, StoreError, check_names, figure_names,
};
use eigenscope_pipeline::survey::Reason;
use eigenscope_testing::file_names;
use fake::{Bench, chain, data, model, plan, task};
use serde_json::json;

#[test]
fn results_have_readable_names() {
    let bench = Bench::new();
    let plan = chain();
    bench.complete(&plan);
    let key = bench.key(&plan, 1);
    let folder = bench.store.folder(key);
    assert_eq!(
        file_names(&folder),
        ["final.parquet", "history.parquet", "task.json"]
    );
    let link = bench.store.link("test", "train.m[hidden=1]");
    assert_eq!(link.file_name().expect("a name"), "train.m,hidden-1");
    assert_eq!(
        fs::read_link(&link).expect("a link"),
        std::path::Path::new("../store").join(key.to_string())
    );
    let figures = bench.store.figures("test");
    assert_eq!(file_names(&figures), ["curve-published.svg"]);
    let svg = fs::read_to_string(figures.join("curve-published.svg")).expect("followed");
    assert!(svg.contains("2 rows"), "{svg}");
    assert!(bench.store.log("test", "train.m[hidden=1]").exists());
    assert_eq!(file_names(&bench.store.root().join("ledger")).len(), 1);
    assert!(bench.results().iter().all(|name| name.len() == 64));
}

#[test]
fn equal_runs_give_equal_bytes() {
    let (one, other) = (Bench::new(), Bench::new());
    let plan = chain();
    one.complete(&plan);
    other.complete(&plan);
    assert_eq!(one.results(), other.results());
    for key in one.results() {
        for name in file_names(&one.store.results().join(&key)) {
            let read = |bench: &Bench| fs::read(bench.store.results().join(&key).join(&name));
            assert_eq!(
                read(&one).expect("there"),
                read(&other).expect("there"),
                "{name}"
            );
        }
    }
}

#[test]
fn a_complete_run_removes_links_of_tasks_that_are_gone() {
    let bench = Bench::new();
    let mut plan = chain();
    bench.complete(&plan);
    plan.tasks.truncate(4);
    let removed = plan.tasks.remove(2);
    plan.tasks[2].inputs.pop();
    bench.complete(&plan);
    assert!(!bench.store.link("test", &removed.id).is_symlink());
    assert!(file_names(&bench.store.figures("test")).is_empty());
    assert!(bench.store.link("test", "metric.final").exists());
}

#[test]
fn a_second_run_is_refused_and_names_the_first() {
    let bench = Bench::new();
    let lock = bench.store.lock().expect("free");
    let error = bench.try_run(&chain(), &mut Silent).expect_err("locked");
    assert!(
        matches!(error, ExecuteError::Store(StoreError::Locked { .. })),
        "{error}"
    );
    let pid = std::process::id().to_string();
    assert!(error.to_string().contains(&pid), "{error}");
    drop(lock);
    bench.complete(&chain());
}

#[test]
fn what_killed_runs_left_is_removed() {
    let bench = Bench::new();
    bench.complete(&chain());
    let leftover = bench.store.results().join(".tmp-0123-x");
    fs::create_dir(&leftover).expect("created");
    fs::write(leftover.join("half.parquet"), "half").expect("written");
    let link = bench.store.pipeline("test").join(".tmp-link");
    std::os::unix::fs::symlink("nowhere", &link).expect("linked");
    bench.complete(&chain());
    assert!(!leftover.exists() && !link.is_symlink());
}

#[test]
fn names_that_are_no_file_names_are_refused() {
    let with = |id: &str| plan(vec![task(id, "make", json!({}), &[], &[])]);
    for id in [
        "data.a/b",
        "data.a\nb",
        &format!("data.{}", "x".repeat(300)),
    ] {
        let error = check_names(&with(id)).expect_err("refused");
        assert!(matches!(error, StoreError::Refused(_)), "{error}");
    }
    check_names(&with("data.a[x=1,y=é]")).expect("fine");
    for name in ["store", "ledger", ".hidden", "", "a/b"] {
        let mut plan = with("data.a");
        plan.name = name.to_owned();
        check_names(&plan).expect_err(name);
    }
}

#[test]
fn figures_have_short_names_unless_two_would_be_the_same() {
    let figure = |id: &str| task(id, "draw", json!({}), &[], &[SVG]);
    let plan = plan(vec![
        data("a", json!({})),
        figure("figure.plain"),
        figure("figure.swept[hidden=30,variant=published]"),
        figure("figure.same[a=1]"),
        figure("figure.same[b=1]"),
    ]);
    let names: Vec<(usize, String)> = figure_names(&plan).into_iter().collect();
    let expected = [
        (1, "plain"),
        (2, "swept-30-published"),
        (3, "same,a-1"),
        (4, "same,b-1"),
    ];
    assert_eq!(
        names,
        expected.map(|(index, name)| (index, name.to_owned()))
    );
}

#[test]
fn names_hold_no_pattern_of_a_shell_or_a_reader_and_differ() {
    let bench = Bench::new();
    let ids = [
        "train.m[rate=-0.5,seed=1]",
        "train.m[rate=0.5,seed=1]",
        "train.m[name=a?]",
        "train.m[name=a%3F]",
        "train.m[name={a}]",
        "train.m-name-a",
        "train.m[name=a]",
    ];
    let links = ids.map(|id| bench.store.link("test", id));
    let names = links.each_ref().map(|link| {
        let name = link.file_name().expect("a name");
        name.to_str().expect("text")
    });
    let expected = [
        "train.m,rate--0.5,seed-1",
        "train.m,rate-0.5,seed-1",
        "train.m,name-a%3F",
        "train.m,name-a%253F",
        "train.m,name-%7Ba%7D",
        "train.m-name-a",
        "train.m,name-a",
    ];
    assert_eq!(names, expected);
}

#[test]
fn links_of_earlier_versions_are_followed_and_replaced() {
    let bench = Bench::new();
    let mut plan = chain();
    bench.complete(&plan);
    let (link, old) = (
        bench.store.link("test", "train.m[hidden=1]"),
        bench.store.pipeline("test").join("train.m[hidden=1]"),
    );
    fs::rename(&link, &old).expect("renamed");

    let options = gc::Options {
        removable: None,
        keep_days: 0,
        keep_runs: 100,
        dry_run: false,
    };
    plan.tasks[1].parameters = json!({"value": 4.0}).into();
    let reasons = bench.reasons(&plan, 1);
    assert!(
        matches!(reasons[..], [Reason::ParameterChanged { .. }]),
        "not {reasons:?}"
    );
    for _ in 0..2 {
        let removed = gc::collect(
            std::slice::from_ref(&plan),
            &bench.store,
            &bench.options.data_dir,
            &options,
        );
        assert_eq!(removed.expect("the store can be used").removed, []);
    }

    let plan = chain();
    assert!(bench.complete(&plan).ran.is_empty());
    assert!(link.is_symlink() && !old.is_symlink());
}

#[test]
fn a_record_says_what_went_in_and_came_out() {
    let bench = Bench::new();
    fs::write(bench.options.data_dir.join("file"), "external").expect("written");
    let plan = plan(vec![
        data(
            "a",
            json!({"value": 1.0, "file": "file", "behaviour": "warn"}),
        ),
        model("m", json!({}), 0),
    ]);
    bench.complete(&plan);
    let record = bench
        .store
        .record(bench.key(&plan, 0))
        .expect("readable")
        .expect("there");
    assert_eq!(record.warnings, ["a warning"]);
    assert_eq!(record.external_files[0].path, "file");
    assert_eq!(record.key_inputs.seed, None);
    let record = bench
        .store
        .record(bench.key(&plan, 1))
        .expect("readable")
        .expect("there");
    assert_eq!(record.key_inputs.kind, "train/fit");
    assert_eq!(record.key_inputs.inputs[0].task, "data.a");
    let text = fs::read_to_string(bench.store.folder(bench.key(&plan, 1)).join("task.json"));
    let text = text.expect("readable");
    let path = bench.folder.path().to_string_lossy().into_owned();
    assert!(!text.contains(&path), "an absolute path in {text}");
    assert!(text.contains("\"version\": 1"), "{text}");
}

#[test]
fn a_folder_appears_only_when_it_is_complete() {
    let bench = Bench::new();
    let lock = bench.store.lock().expect("free");
    let key_inputs = KeyInputs {
        kind: "figure/draw".to_owned(),
        parameters: json!({}),
        seed: None,
        device: "cpu".to_owned(),
        fingerprint: "code".to_owned(),
        inputs: vec![],
    };
    let key = key_inputs.key();
    let place = |text: Option<&str>| {
        let work = bench.store.work_folder(key).expect("created");
        if let Some(text) = text {
            fs::write(work.path().join("figure.svg"), text).expect("written");
        }
        let key_inputs = key_inputs.clone();
        bench.store.commit(
            work,
            ["figure.a", "figure.a"],
            key_inputs,
            &[SVG.into()],
            Outside::default(),
            vec![],
        )
    };
    assert!(matches!(place(None), Err(CommitError::Missing(kind)) if kind == SVG));
    assert!(matches!(
        place(Some("")),
        Err(CommitError::Empty(kind)) if kind == SVG
    ));
    assert!(bench.results().is_empty());
    for text in ["first", "second"] {
        let record = place(Some(text)).expect("placed").record;
        let path = bench.store.output(key, &SVG.into());
        assert_eq!(fs::read_to_string(path).expect("there"), text);
        assert_eq!(record.outputs[SVG.name()].file.bytes, text.len() as u64);
        assert_eq!(bench.results(), [key.to_string()]);
    }
    drop(lock);
}
