//! Whatever stands in a file of the artifacts folder, in a file of published numbers, on the command line or in the lines of a
//! stage: it is read or refused, never a panic. Pipeline files are in `file_fuzz.rs`.

#[path = "../../plan/tests/sample/mod.rs"]
mod sample;

use std::fs;
use std::path::Path;

use eigenscope_pipeline::compare::{compare, parse};
use eigenscope_pipeline::ledger::{Ledger, LedgerRow, read_ledger};
use eigenscope_pipeline::store::Store;
use eigenscope_pipeline::survey::survey;
use eigenscope_plan::Plan;
use eigenscope_plan::task_patterns::select;
use eigenscope_stage::{Description, Event, TaskFile};
use proptest::prelude::*;
use proptest::sample::Index;

/// Places, and what stands there afterwards.
type Changes = Vec<(Index, u8)>;

fn changes() -> impl Strategy<Value = Changes> {
    prop::collection::vec(any::<(Index, u8)>(), 1..6)
}

fn change(bytes: &[u8], changes: &Changes) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (place, value) in changes {
        let place = place.index(bytes.len());
        bytes[place] = *value;
    }
    bytes
}

fn plan() -> Plan {
    sample::plan(sample::PIPELINE).expect("a plan")
}

const PUBLISHED: &str = r#"
[[published]]
name = "accuracy"
source = "a paper"
table = "metric.final"
where = { hidden = 30 }
column = "test_accuracy_fraction"
value = 0.96
tolerance = 0.01
"#;

const EVENTS: &str = r#"{"event":"progress","done":1,"total":2,"unit":"epochs","message":"half way"}
{"event":"failed","messages":["one","two"]}
{"event":"usage","cpu_seconds":0.5,"peak_bytes":7}"#;

const TASK: &str = r#"{"version":2,"kind":"final","threads":1,"data_dir":"d","download":false,"inputs":{"h":[{"task":"a",
"labels":{"seed":1},"path":"p","content":"0000000000000000000000000000000000000000000000000000000000000000"}]},
"outputs":{"final":"o"},"provenance":{"task":"t","kind":"k","fingerprint":"f","parameters":{"rate":0.5},"seed":1,"inputs":[]}}"#;

/// A ledger of a few rows, as it stands in its file.
fn ledger(folder: &Path) -> Vec<u8> {
    let store = Store::new(folder).expect("a path");
    let mut ledger = Ledger::start(&store);
    for task in ["one", "two", "three"] {
        let row = LedgerRow {
            run: "run".to_owned(),
            pipeline: "p".to_owned(),
            task: task.to_owned(),
            key: "key".to_owned(),
            section: "train".to_owned(),
            kind: "bilinear".to_owned(),
            start_seconds: 0.5,
            wall_seconds: 1.5,
            cpu_seconds: None,
            peak_bytes: Some(7),
            threads: 1,
            outcome: "done".to_owned(),
            host_cores: 4,
        };
        ledger.push(row).expect("written");
    }
    ledger.write().expect("written");
    fs::read(store.ledger().join(format!("{}.parquet", ledger.run()))).expect("readable")
}

#[test]
fn every_byte_of_a_ledger_may_be_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let bytes = ledger(folder.path());
    let path = folder.path().join("changed.parquet");
    for place in 0..bytes.len() {
        for value in [0, bytes[place] ^ 1, bytes[place] ^ 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[place] = value;
            fs::write(&path, changed).expect("written");
            let _ = read_ledger(&path);
        }
    }
}

#[test]
fn the_examples_are_understood() {
    parse(Path::new("p.toml"), PUBLISHED, &plan()).expect("published numbers");
    for line in EVENTS.lines() {
        serde_json::from_str::<Event>(line).expect(line);
    }
    serde_json::from_str::<TaskFile>(TASK).expect("a task file");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn published_numbers(changes in changes()) {
        let text = String::from_utf8_lossy(&change(PUBLISHED.as_bytes(), &changes)).into_owned();
        let plan = plan();
        match parse(Path::new("p.published.toml"), &text, &plan) {
            Ok(published) => prop_assert!(compare(&plan, &published, &|_, _| None).len() <= 1),
            Err(errors) => prop_assert!(!errors.errors().is_empty()),
        }
    }

    #[test]
    fn targets(patterns in prop::collection::vec("([a-z.*?,=|0-9\"\\[\\]]|\\PC){0,24}", 1..4)) {
        let plan = plan();
        if let Ok(tasks) = select(&plan, &patterns) {
            prop_assert!(tasks.iter().all(|&task| task < plan.tasks.len()));
        }
    }

    #[test]
    fn lines_of_stages_and_task_files(changes in changes()) {
        for line in change(EVENTS.as_bytes(), &changes).split(|&byte| byte == b'\n') {
            let _ = serde_json::from_slice::<Event>(line);
        }
        let task = change(TASK.as_bytes(), &changes);
        let _ = serde_json::from_slice::<TaskFile>(&task);
        let _ = serde_json::from_slice::<Description>(&task);
    }

    #[test]
    fn files_beside_the_results(bytes in prop::collection::vec(any::<u8>(), 0..64), target in "[^\\x00]{1,24}") {
        let folder = tempfile::tempdir().expect("a folder");
        let plan = plan();
        let store = Store::new(folder.path()).expect("a path");
        let task = &plan.tasks[0].id;
        fs::create_dir_all(store.pipeline("test").join("made")).expect("created");
        fs::write(store.pipeline("test").join("made/task.json"), &bytes).expect("written");
        fs::write(folder.path().join(".stamps.jsonl"), &bytes).expect("written");
        for target in [target.as_str(), "made"] {
            let _ = fs::remove_file(store.link("test", task));
            std::os::unix::fs::symlink(target, store.link("test", task)).expect("linked");
            let survey = survey(&plan, &[0], &store, folder.path());
            prop_assert!(!survey.get(0).expect("surveyed").is_current());
        }
    }
}
