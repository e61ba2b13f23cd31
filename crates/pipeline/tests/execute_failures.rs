//! Runs that do not work: failures, cancellation, a store that cannot be written. Nothing half done is left.

mod fake;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use eigenscope_pipeline::execute::{Outcome, Silent};
use eigenscope_plan::Plan;
use eigenscope_stage::TASK_VERSION;
use eigenscope_testing::file_names;
use fake::{Bench, Recorder, chain, data, model, plan};
use serde_json::json;

fn behaving(behaviour: &str) -> Plan {
    plan(vec![
        data("a", json!({"value": 1.0, "behaviour": behaviour})),
        model("m", json!({}), 0),
    ])
}

/// Processes of the fake stage whose task file is in this bench's folder.
fn children(bench: &Bench) -> Vec<String> {
    let folder = bench.folder.path().to_string_lossy().into_owned();
    file_names(std::path::Path::new("/proc"))
        .into_iter()
        .filter(|name| name.parse::<u32>().is_ok())
        .filter(|pid| {
            let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&command).contains(&format!("{folder}/artifacts"))
        })
        .collect()
}

fn only_failure(outcome: &Outcome) -> String {
    assert_eq!(outcome.failures.len(), 1, "{outcome:?}");
    outcome.failures[0].to_string()
}

#[test]
fn a_failure_leaves_nothing_and_shows_the_log() {
    let bench = Bench::new();
    let outcome = bench.run(&behaving("fail"));
    let failure = &outcome.failures[0];
    assert_eq!(failure.messages, ["told to fail", "the cause"]);
    assert_eq!(failure.log_lines.len(), 15);
    assert!(
        failure
            .log_lines
            .iter()
            .any(|line| line.contains("line 29"))
    );
    assert_eq!(failure.log, bench.store.log("test", "data.a"));
    assert!(failure.log.exists());
    assert_eq!(
        only_failure(&outcome),
        "data.a failed: told to fail: the cause"
    );
    let end = failure.log_end();
    assert!(
        end.contains("line 29") && !end.contains("told to fail"),
        "{end}"
    );
    assert_eq!((outcome.ran.len(), outcome.left), (0, vec![1]));
    assert!(bench.results().is_empty(), "{:?}", bench.results());
    assert!(!bench.store.link("test", "data.a").is_symlink());
}

#[test]
fn results_that_are_not_as_promised_are_failures() {
    for (behaviour, expected) in [
        ("nothing", "without writing its output `history`"),
        ("wrong-kind", "expected `history`"),
        ("not-parquet", "not a readable Parquet file"),
        ("exit", "exit status: 7"),
        ("abort", "signal: 6"),
    ] {
        let bench = Bench::new();
        let text = only_failure(&bench.run(&behaving(behaviour)));
        assert!(text.contains(expected), "{behaviour}: {text}");
        assert!(bench.results().is_empty());
    }
}

#[test]
fn a_failure_stops_what_runs() {
    let mut bench = Bench::new();
    let plan = plan(vec![
        data("hangs", json!({"value": 1, "behaviour": "hang"})),
        data(
            "fails",
            json!({"value": 2, "behaviour": "fail", "sleep_ms": 300}),
        ),
        data("waits", json!({"value": 3})),
    ]);
    bench.options.jobs = 2;
    let mut plan = plan;
    plan.tasks[2].resources.seconds = 0.1;
    let outcome = bench.run(&plan);
    assert_eq!(outcome.failures[0].id, "data.fails");
    assert_eq!(outcome.left, [0, 2]);
    assert!(!outcome.interrupted);
    assert!(bench.results().is_empty() && children(&bench).is_empty());
}

#[test]
fn keep_going_finishes_what_does_not_depend_on_the_failure() {
    let mut bench = Bench::new();
    bench.options.keep_going = true;
    let mut plan = chain();
    plan.tasks[1].parameters = json!({"behaviour": "fail"}).into();
    plan.tasks.push(model("other", json!({"sleep_ms": 200}), 0));
    let outcome = bench.run(&plan);
    assert_eq!(outcome.failures[0].task, 1);
    let mut ran = outcome.ran.clone();
    ran.sort_unstable();
    assert_eq!((ran, outcome.left), (vec![0, 2, 5], vec![3, 4]));
    plan.tasks[1].parameters = json!({"value": 2.0}).into();
    let outcome = bench.complete(&plan);
    assert_eq!(
        (outcome.current, outcome.ran),
        (vec![0, 2, 5], vec![1, 3, 4])
    );
}

#[test]
fn cancelling_stops_children_and_keeps_finished_work() {
    let mut bench = Bench::new();
    let mut plan = chain();
    bench.complete(&plan);
    let before = bench.results();
    let cancel = Arc::new(AtomicBool::new(false));
    bench.options.cancel = Arc::clone(&cancel);
    plan.tasks[1].parameters = json!({"value": 5, "behaviour": "hang"}).into();
    let mut recorder = Recorder {
        cancel: Some(cancel),
        ..Recorder::default()
    };
    let started = Instant::now();
    let outcome = bench.try_run(&plan, &mut recorder).expect("ends well");
    assert!(outcome.interrupted && outcome.failures.is_empty());
    assert_eq!((outcome.left, outcome.ran.len()), (vec![1, 3, 4], 0));
    assert!(
        started.elapsed() < Duration::from_secs(2),
        "closing stdin is enough"
    );
    assert!(children(&bench).is_empty());
    assert_eq!(bench.results(), before);
    assert!(
        bench.store.link("test", "train.m[hidden=1]").exists(),
        "the last result stays linked"
    );
}

#[test]
fn a_program_that_does_not_end_is_killed() {
    use std::os::unix::fs::PermissionsExt;
    let bench = Bench::new();
    let program = bench.programs.path(eigenscope_stage::Stage::Data);
    fs::remove_file(&program).expect("removed");
    fs::write(&program, "#!/bin/sh\nexec sleep 60\n").expect("written");
    fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).expect("set");
    let cancel = Arc::clone(&bench.options.cancel);
    let thread = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        cancel.store(true, Ordering::Relaxed);
    });
    let started = Instant::now();
    let outcome = bench.run(&behaving("good"));
    thread.join().expect("it ended");
    assert!(outcome.interrupted && started.elapsed() < Duration::from_secs(30));
    assert_eq!(outcome.left, [0, 1]);
    assert!(bench.results().is_empty());
}

#[test]
fn a_cancelled_run_that_has_nothing_to_do_is_not_interrupted() {
    let bench = Bench::new();
    let plan = chain();
    bench.complete(&plan);
    bench.options.cancel.store(true, Ordering::Relaxed);
    let outcome = bench.run(&plan);
    assert!(!outcome.interrupted && outcome.is_complete());
}

#[test]
fn a_child_ends_when_its_standard_input_closes() {
    let bench = Bench::new();
    let mut plan = behaving("hang");
    plan.tasks.truncate(1);
    let work = bench.folder.path().join("artifacts");
    fs::create_dir(&work).expect("created");
    let task = work.join("task.json");
    let text = json!({
        "version": TASK_VERSION, "kind": "make", "threads": 1, "data_dir": work, "download": false,
        "inputs": {}, "outputs": {"history": work.join("history.parquet")},
        "provenance": {"task": "data.a", "kind": "data/make", "fingerprint": "code",
            "parameters": {"behaviour": "hang"}, "seed": 0, "inputs": []},
    });
    fs::write(&task, text.to_string()).expect("written");
    let program = bench.programs.path(plan.tasks[0].stage);
    let mut child = std::process::Command::new(program)
        .arg("run")
        .arg(&task)
        .arg("--stop-with-stdin")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("starts");
    std::thread::sleep(Duration::from_millis(200));
    assert!(child.try_wait().expect("asked").is_none(), "it hangs");
    drop(child.stdin.take());
    let ended = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        child.try_wait().expect("asked").is_some()
    });
    if !ended {
        child.kill().expect("killed");
    }
    assert!(ended, "it ends with its standard input");
}

#[test]
fn a_missing_program_is_named() {
    let bench = Bench::new();
    let program = bench.programs.path(eigenscope_stage::Stage::Data);
    fs::remove_file(&program).expect("removed");
    let text = only_failure(&bench.run(&behaving("good")));
    assert!(
        text.contains("cannot start the stage program") && text.contains("make"),
        "{text}"
    );
}

#[test]
fn a_store_that_cannot_be_written_is_named() {
    // A file in place of a folder stops even the superuser, who is not bound by permissions.
    let bench = Bench::new();
    fs::create_dir(bench.store.root()).expect("created");
    fs::write(bench.store.results(), "in the way").expect("written");
    let error = bench.try_run(&chain(), &mut Silent).expect_err("no store");
    let text = error.to_string();
    let path = bench.store.results();
    assert!(
        text.contains(&*path.to_string_lossy()) && text.contains("choose another"),
        "{text}"
    );
    assert_eq!(file_names(bench.store.root()), ["store"]);
}

#[test]
fn a_store_that_breaks_during_a_run_ends_it() {
    let bench = Bench::new();
    fs::create_dir(bench.store.root()).expect("created");
    fs::write(bench.store.pipeline("test"), "in the way").expect("written");
    let error = bench.try_run(&chain(), &mut Silent).expect_err("no logs");
    assert!(error.to_string().contains("test"), "{error}");
    assert!(bench.results().is_empty());
}
