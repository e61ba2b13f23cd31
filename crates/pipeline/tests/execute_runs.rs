//! Runs that work: order, reuse, budgets, reports.

mod fake;

use eigenscope_artifact::tables::training::HistoryRow;
use eigenscope_pipeline::execute::{
    Bars, DryRun, Lines, Notification, Observer, RunCounts, RunEvent, Silent, Width, dry_run, run,
};
use eigenscope_pipeline::ledger::{Durations, read_ledger};
use eigenscope_plan::Plan;
use eigenscope_plan::progress::Progress;
use eigenscope_testing::file_names;
use fake::{Bench, Recorder, chain, data, model, plan};
use indicatif::{MultiProgress, ProgressDrawTarget};
use serde_json::json;

#[test]
fn a_damaged_result_is_named_before_it_is_computed_again() {
    let bench = Bench::new();
    let plan = chain();
    bench.complete(&plan);
    let output = bench.output(&plan, 0, HistoryRow::KIND);
    std::fs::write(output, "damaged").expect("written");
    let mut recorder = Recorder::default();
    let outcome = bench.try_run(&plan, &mut recorder).expect("runs");
    assert!(outcome.is_complete());
    let note = &recorder.events[0];
    assert!(note.starts_with("note data."), "{note}");
    assert!(note.contains("its output `history` is damaged"), "{note}");
    assert!(note.ends_with("; it is computed again"), "{note}");
}

#[test]
fn a_second_run_runs_nothing() {
    let bench = Bench::new();
    let plan = chain();
    let first = bench.complete(&plan);
    assert_eq!(first.ran.len(), 5);
    let mut recorder = Recorder::default();
    let second = bench.try_run(&plan, &mut recorder).expect("runs");
    assert_eq!(second.current, [0, 1, 2, 3, 4]);
    assert!(second.ran.is_empty() && second.reused.is_empty() && recorder.events.is_empty());
    assert_eq!(
        file_names(&bench.store.ledger()).len(),
        1,
        "nothing happened, no ledger"
    );
}

#[test]
fn equal_results_stop_the_ripple() {
    let bench = Bench::new();
    let mut plan = chain();
    bench.complete(&plan);
    plan.tasks[0].fingerprint = "code-2".into();
    let mut recorder = Recorder::default();
    let outcome = bench.try_run(&plan, &mut recorder).expect("runs");
    assert_eq!((outcome.ran, outcome.reused), (vec![0], vec![1, 2, 3, 4]));
    assert!(recorder.events.contains(&"reused metric.final".to_owned()));
}

#[test]
fn a_changed_model_reruns_what_depends_on_it() {
    let bench = Bench::new();
    let mut plan = chain();
    bench.complete(&plan);
    plan.tasks[1].parameters = json!({"value": 9.0}).into();
    let outcome = bench.complete(&plan);
    // The figure shows the number of rows only, but its input changed.
    assert_eq!((outcome.ran, outcome.current), (vec![1, 3, 4], vec![0, 2]));
}

#[test]
fn only_the_targets_and_what_they_need_run() {
    let bench = Bench::new();
    let plan = chain();
    let (programs, store, options) = (&bench.programs, &bench.store, &bench.options);
    let outcome = run(&plan, &[2], programs, store, options, &mut Silent).expect("runs");
    assert_eq!(outcome.ran, [0, 2]);
    assert!(run(&plan, &[5], programs, store, options, &mut Silent).is_err());
}

#[test]
fn what_would_run_is_foreseen_and_nothing_changes() {
    let bench = Bench::new();
    let planned = |plan: &Plan, targets: &[usize], jobs| {
        let data_dir = &bench.options.data_dir;
        let progress = Progress::default();
        dry_run(plan, targets, &bench.store, data_dir, jobs, None, &progress)
            .expect("the store can be used")
    };
    let tasks = |dry: &DryRun| -> Vec<(usize, bool)> {
        let tasks = dry.tasks.iter();
        tasks.map(|task| (task.task, task.is_sure)).collect()
    };
    let plan = chain();
    let first = planned(&plan, &[2], 1);
    assert_eq!(tasks(&first), [(0, true), (2, true)]);
    // What the kinds say, one task after the other.
    let declared = |task: usize| plan.tasks[task].resources.seconds;
    assert!((first.seconds - declared(0) - declared(2)).abs() < 1e-9);
    assert!(!bench.store.root().exists());

    bench.complete(&plan);
    let mut edited = chain();
    edited.tasks[1].parameters = json!({"value": 7.0}).into();
    let second = planned(&edited, &[0, 1, 2, 3, 4], 1);
    assert_eq!(tasks(&second), [(1, true), (3, false), (4, false)]);
    assert_eq!(second.current, 2);
    // Now from what the tasks took.
    let ledger = file_names(&bench.store.ledger());
    let rows = read_ledger(&bench.store.ledger().join(&ledger[0])).expect("readable");
    let took = |id: &str| {
        rows.iter()
            .find(|row| row.task == id)
            .expect("it ran")
            .wall_seconds
    };
    let expected: f64 = second
        .tasks
        .iter()
        .map(|task| took(&edited.tasks[task.task].id))
        .sum();
    assert!(
        (second.seconds - expected).abs() < 1e-9,
        "{}",
        second.seconds
    );
    let with_two = planned(&edited, &[0, 1, 2, 3, 4], 2).seconds;
    assert!((with_two - expected / 2.0).abs() < 1e-9);
}

#[test]
fn idle_threads_are_lent_and_taken_back() {
    let mut bench = Bench::new();
    bench.options.jobs = 3;
    let mut plan = plan(vec![
        // One idle thread beside `small`, none beside `large`, two in the end.
        data("borrower", json!({"await_threads": [2, 1, 3]})),
        data("small", json!({"value": 1.0, "sleep_ms": 300})),
        model("large", json!({"sleep_ms": 300}), 1),
    ]);
    plan.tasks[0].resources.extra_threads = 8;
    plan.tasks[2].resources.threads = 2;
    assert_eq!(bench.complete(&plan).ran, [1, 2, 0]);
}

#[test]
fn two_tasks_with_one_key_run_once() {
    let bench = Bench::new();
    let plan = plan(vec![
        data("a", json!({"value": 1.0, "sleep_ms": 100})),
        data("b", json!({"value": 1.0, "sleep_ms": 100})),
    ]);
    let outcome = bench.complete(&plan);
    assert_eq!((outcome.ran, outcome.reused), (vec![0], vec![1]));
    assert!(bench.store.link("test", "data.b").exists());
}

#[test]
fn the_longest_start_first_within_the_budget() {
    let mut bench = Bench::new();
    bench.options.jobs = 1;
    let mut plan = plan(vec![
        data("short", json!({"value": 1})),
        data("long", json!({"value": 2})),
        data("middle", json!({"value": 3})),
    ]);
    plan.tasks[0].resources.seconds = 1.0;
    plan.tasks[1].resources.seconds = 30.0;
    plan.tasks[2].resources.seconds = 10.0;
    plan.tasks[2].resources.threads = 64; // Larger than the budget: it runs alone.
    plan.tasks[2].resources.memory_mib = u64::MAX;
    let mut recorder = Recorder::default();
    let outcome = bench.try_run(&plan, &mut recorder).expect("runs");
    assert_eq!(outcome.ran, [1, 2, 0]);
    let steps: Vec<&String> = recorder
        .events
        .iter()
        .filter(|event| !event.starts_with("progress"))
        .collect();
    assert_eq!(steps.len(), 6);
    assert!(
        steps[0].starts_with("started data.long") && steps[1].starts_with("finished data.long")
    );
}

#[test]
fn what_the_longest_chain_begins_with_starts_first() {
    let mut bench = Bench::new();
    bench.options.jobs = 1;
    let mut plan = plan(vec![
        data("middle", json!({"value": 1})),
        data("short", json!({"value": 2})),
        data("read-by-the-longest", json!({"value": 3})),
        model("longest", json!({}), 2),
    ]);
    for (task, seconds) in [10.0, 2.0, 1.0, 30.0].into_iter().enumerate() {
        plan.tasks[task].resources.seconds = seconds;
    }
    assert_eq!(bench.complete(&plan).ran, [2, 3, 0, 1]);
}

#[test]
fn what_a_task_reports_is_passed_on() {
    let bench = Bench::new();
    let plan = plan(vec![data("a", json!({"value": 4.0, "behaviour": "warn"}))]);
    let mut recorder = Recorder::default();
    bench.try_run(&plan, &mut recorder).expect("runs");
    for event in [
        "started data.a",
        "warning data.a a warning",
        "progress data.a 2/2 epochs value 4",
        "finished data.a value 4",
    ] {
        assert!(
            recorder.events.iter().any(|found| found == event),
            "{:?}",
            recorder.events
        );
    }
}

#[test]
fn plain_lines_are_one_a_task() {
    let bench = Bench::new();
    let mut out = Vec::new();
    bench
        .try_run(&chain(), &mut Lines::new(&mut out, || None))
        .expect("runs");
    let text = String::from_utf8(out).expect("text");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 5);
    assert!(
        lines[0].starts_with("[1/5] data.a  ") && lines[0].ends_with(" s  value 1"),
        "{text}"
    );
}

#[test]
fn lines_are_broken_at_the_width_of_a_terminal() {
    let name = "images-of-handwritten-digits-that-were-taken-apart";
    let plan = plan(vec![data(name, json!({}))]);
    let counts = RunCounts {
        done: 7,
        total: 120,
        seconds_left: 1.0,
    };
    let warning =
        "88 of 1000 images have more than 30 others equally near: their perplexity is larger";
    let message =
        "loss 0.1234, accuracy 98.76% on the images that are left for testing after training";
    let events = [
        RunEvent::Warning { message: warning },
        RunEvent::Finished {
            seconds: 12.3,
            cpu_seconds: None,
            peak_bytes: None,
            message,
        },
        RunEvent::Reused,
    ];
    let widths: [(&str, Width); 4] = [
        ("60 columns", || Some(60)),
        ("80 columns", || Some(80)),
        ("120 columns", || Some(120)),
        ("no terminal", || None),
    ];
    let mut all = String::new();
    for (title, width) in widths {
        let mut out = Vec::new();
        let mut lines = Lines::new(&mut out, width);
        for event in events {
            lines.notify(&Notification {
                index: 0,
                task: &plan.tasks[0],
                counts,
                event,
            });
        }
        lines.note(
            "what is computed again is named before, and which of its files was found damaged",
        );
        let text = String::from_utf8(out).expect("text");
        if let Some(width) = width() {
            assert!(
                text.lines().all(|line| line.chars().count() <= width),
                "{text}"
            );
        }
        all.push_str(&format!("# {title}\n{text}\n"));
    }
    insta::assert_snapshot!("lines", all);
}

#[test]
fn garbage_goes_to_the_log_and_clutter_away() {
    let bench = Bench::new();
    let plan = plan(vec![
        data("a", json!({"behaviour": "garbage"})),
        model("m", json!({"behaviour": "clutter"}), 0),
    ]);
    bench.complete(&plan);
    let log = std::fs::read(bench.store.log("test", "data.a")).expect("a log");
    assert!(log.len() < 1_000_000, "bounded");
    let text = String::from_utf8_lossy(&log);
    assert!(text.contains("not an event") && text.contains("[line cut]"));
    let folder = bench.store.folder(bench.key(&plan, 1));
    assert_eq!(
        file_names(&folder),
        ["final.parquet", "history.parquet", "task.json"]
    );
}

#[test]
fn the_ledger_tells_what_each_task_cost() {
    let bench = Bench::new();
    let plan = chain();
    bench.complete(&plan);
    let name = &file_names(&bench.store.ledger())[0];
    let rows = read_ledger(&bench.store.ledger().join(name)).expect("readable");
    assert_eq!(rows.len(), 5);
    let row = rows
        .iter()
        .find(|row| row.task == "metric.final")
        .expect("a row");
    assert_eq!(
        (row.section.as_str(), row.kind.as_str()),
        ("metric", "collect")
    );
    assert_eq!((row.outcome.as_str(), row.threads), ("done", 1));
    assert_eq!(row.key, bench.key(&plan, 3).to_string());
    assert!(row.wall_seconds > 0.0 && row.peak_bytes.is_some());
    let durations = Durations::load(&bench.store);
    let seconds = durations.seconds("test", "metric.final");
    assert_eq!(seconds, Some(row.wall_seconds));
}

#[test]
fn bars_follow_a_run() {
    let bench = Bench::new();
    let hidden = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
    let outcome = bench
        .try_run(&chain(), &mut Bars::new(hidden, true, || None))
        .expect("runs");
    assert!(outcome.is_complete());
}

#[test]
fn warnings_stay_with_results() {
    let bench = Bench::new();
    let mut plan = plan(vec![
        data("d", json!({"behaviour": "warn"})),
        model("m", json!({}), 0),
    ]);
    plan.tasks[1].warnings = vec!["from the pipeline file".to_owned()];
    let expected = [
        (0, vec!["a warning".to_owned()]),
        (1, vec!["from the pipeline file".to_owned()]),
    ];
    let mut recorder = Recorder::default();
    let outcome = bench.try_run(&plan, &mut recorder).expect("runs");
    assert_eq!(outcome.warnings, expected.clone().into());
    let log = std::fs::read_to_string(bench.store.log("test", "train.m")).expect("a log");
    assert!(log.contains("WARN from the pipeline file"), "{log}");

    // The same from what is remembered, from the records, and for a result that the file says nothing of any more.
    assert_eq!(bench.complete(&plan).warnings, expected.clone().into());
    std::fs::remove_file(bench.store.root().join(".stamps.jsonl")).expect("it was there");
    plan.tasks[1].warnings.clear();
    let outcome = bench.complete(&plan);
    assert!(outcome.ran.is_empty());
    assert_eq!(outcome.warnings, expected.into());
}
