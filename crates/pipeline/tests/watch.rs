//! What a run says about itself while it goes on, and afterwards, to whoever watches it.

mod fake;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use eigenscope_pipeline::gc::clean_all;
use eigenscope_pipeline::watch::{
    Counts, Liveness, RunOutcome, RunState, STATE_VERSION, latest, read,
};
use eigenscope_plan::Plan;
use fake::{Bench, chain, data, model, plan};
use serde_json::json;

fn recorded(bench: &Bench) -> RunState {
    let state = read(&bench.store, "test").expect("readable");
    state.expect("a run has been recorded")
}

/// A data set and a model that behaves in some way.
fn behaving(behaviour: &str) -> Plan {
    plan(vec![
        data("a", json!({"value": 1.0})),
        model("m", json!({ "behaviour": behaviour }), 0),
    ])
}

#[test]
fn a_run_that_ended_says_how() {
    let bench = Bench::new();
    assert_eq!(read(&bench.store, "test").expect("nothing there"), None);
    assert_eq!(latest(&bench.store).expect("nothing there"), None);
    bench.complete(&chain());
    let state = recorded(&bench);
    assert_eq!(state.outcome, Some(RunOutcome::Ok));
    let counts = Counts {
        total: 5,
        done: 5,
        ..Counts::default()
    };
    assert_eq!(state.counts, counts);
    assert!(state.tasks.is_empty() && state.failures.is_empty());
    assert_eq!(state.process.liveness(), Liveness::Alive);
    assert_eq!(latest(&bench.store).expect("readable"), Some(state));

    bench.complete(&chain());
    let again = recorded(&bench);
    assert_eq!((again.counts.total, again.counts.current), (0, 5));
    assert_eq!(again.outcome, Some(RunOutcome::Ok));
}

#[test]
fn what_a_task_says_is_one_line_without_control_characters() {
    let bench = Bench::new();
    bench.complete(&chain());
    let path = bench.store.pipeline("test").join(".run.json");
    let mut state: serde_json::Value =
        serde_json::from_slice(&fs::read(&path).expect("readable")).expect("JSON");
    state["reason"] = json!("a\nb\u{1b}[2J");
    state["tasks"] = json!([{ "task": "train.m", "since": 1.0, "message": "c\r\nd\u{7}" }]);
    fs::write(&path, state.to_string()).expect("written");
    let state = recorded(&bench);
    assert_eq!(state.reason.as_deref(), Some("a b\\u{1b}[2J"));
    assert_eq!(state.tasks[0].message, "c  d\\u{7}");
}

#[test]
fn failures_are_told() {
    let bench = Bench::new();
    bench.run(&behaving("fail"));
    let state = recorded(&bench);
    assert_eq!(state.outcome, Some(RunOutcome::Failed));
    assert_eq!((state.counts.done, state.counts.failed), (1, 1));
    assert_eq!(state.counts.left(), 1);
    assert_eq!(state.failures[0].task, "train.m");
    assert_eq!(state.failures[0].message, "told to fail: the cause");
}

#[test]
fn a_run_can_be_watched_while_it_goes_on() {
    let mut bench = Bench::new();
    let cancel = Arc::new(AtomicBool::new(false));
    bench.options.cancel = Arc::clone(&cancel);
    let store = bench.store.clone();
    let watcher = std::thread::spawn(move || {
        loop {
            let state = read(&store, "test").expect("never half written");
            if let Some(state) = state
                && state.counts.running == 1
                && state.counts.done == 1
            {
                cancel.store(true, Ordering::Relaxed);
                return state;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    });
    let outcome = bench.run(&behaving("hang"));
    assert!(outcome.interrupted);
    let seen = watcher.join().expect("it saw the task");
    assert_eq!(seen.outcome, None);
    assert_eq!(seen.tasks[0].task, "train.m");
    assert_eq!(seen.counts.waiting, 0);
    let state = recorded(&bench);
    assert_eq!(state.outcome, Some(RunOutcome::Stopped));
    assert_eq!((state.counts.running, state.counts.stopped), (0, 1));
}

#[test]
fn what_cannot_be_written_or_read_stops_no_run() {
    let bench = Bench::new();
    let path = bench.store.pipeline("test").join(".run.json");
    fs::create_dir_all(&path).expect("created");
    bench.complete(&chain());
    assert!(path.is_dir(), "what is not ours stays");
    assert!(read(&bench.store, "test").is_err());
    fs::remove_dir(&path).expect("removed");
    for (text, reason) in [
        ("{", "EOF"),
        ("{\"version\": 99}", "version 99"),
        (&"[".repeat(2_000_000), "longer than"),
    ] {
        fs::write(&path, text).expect("written");
        let error = read(&bench.store, "test").expect_err(reason).to_string();
        assert!(
            error.contains(reason) && error.contains(".run.json"),
            "{error}"
        );
    }
    bench.complete(&chain());
    assert_eq!(recorded(&bench).version, STATE_VERSION);
    clean_all(&bench.store, false).expect("cleaned");
    assert!(!path.exists());
}

#[test]
fn the_state_of_many_tasks_is_small() {
    let mut bench = Bench::new();
    let mut tasks = vec![data("a", json!({"value": 1.0}))];
    for number in 0..60 {
        let parameters = json!({"value": f64::from(number), "behaviour": "fail"});
        tasks.push(model(&format!("m{number}"), parameters, 0));
    }
    bench.options.keep_going = true;
    bench.run(&plan(tasks));
    let state = recorded(&bench);
    assert_eq!((state.counts.failed, state.failures.len()), (60, 10));
}
