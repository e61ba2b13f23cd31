//! Results taken from a second store and from a remote folder, and pushed there.
#![cfg(unix)]

mod fake;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use eigenscope_pipeline::execute::Outcome;
use eigenscope_pipeline::machine::Machine;
use eigenscope_pipeline::sharing::{
    Check, Miss, Open, PROTOCOL_VERSION, Patience, PushRequest, Pushed, Remote, RemoteError,
    Sharing, push,
};
use eigenscope_plan::Plan;
use eigenscope_testing::{file_names, files_below, program};
use fake::{Bench, Recorder, chain};
use serde_json::json;
use tempfile::TempDir;

fn open(folder: &Path) -> Open {
    Open {
        version: PROTOCOL_VERSION,
        url: folder.display().to_string(),
        endpoint: None,
        region: None,
        parallel: 4,
        patience: Patience::default(),
    }
}

fn remote_for(folder: &Path, any_machine: bool) -> Remote {
    let program = program("eigenscope-remote");
    Remote::open(&program, &open(folder), "the remote", any_machine).expect("a folder")
}

fn remote(folder: &Path) -> Remote {
    remote_for(folder, false)
}

/// A bench that takes results from the remote folder.
fn taking(folder: &Path) -> Bench {
    taking_from(&[], Some(remote(folder)))
}

fn taking_from(disks: &[PathBuf], remote: Option<Remote>) -> Bench {
    let mut bench = Bench::new();
    let sharing = Sharing::new(disks, remote).expect("the folders are there");
    bench.options.sharing = Some(Arc::new(sharing));
    bench
}

fn push_all(bench: &Bench, plan: &Plan, folder: &Path) -> Pushed {
    push_checking(bench, plan, folder, Check::Lengths)
}

fn push_checking(bench: &Bench, plan: &Plan, folder: &Path, check: Check<'_>) -> Pushed {
    let all: Vec<usize> = (0..plan.tasks.len()).collect();
    let survey = bench.survey(plan);
    let (remote, cancel) = (remote(folder), AtomicBool::new(false));
    let request = PushRequest {
        plan,
        tasks: &all,
        survey: &survey,
        store: &bench.store,
        check,
    };
    push(&request, &remote, &cancel, &mut |_| {})
}

/// A plan whose results are computed and pushed.
fn pushed() -> (Plan, Bench, TempDir) {
    let (plan, bench) = (chain(), Bench::new());
    bench.complete(&plan);
    let folder = tempfile::tempdir().expect("a folder");
    let pushed = push_all(&bench, &plan, folder.path());
    assert_eq!(pushed.pushed, [0, 1, 2, 3, 4], "{pushed:?}");
    (plan, bench, folder)
}

fn taken(outcome: &Outcome) -> Vec<usize> {
    let mut taken: Vec<usize> = outcome.taken.iter().map(|(task, _)| *task).collect();
    taken.sort_unstable();
    taken
}

/// Files of the remote whose names end in `end`.
fn objects(folder: &Path, end: &str) -> Vec<PathBuf> {
    let mut found = files_below(folder);
    found.retain(|path| path.to_string_lossy().ends_with(end));
    found
}

/// Objects of the results, without what is only there to explain.
fn results(folder: &Path, end: &str) -> Vec<PathBuf> {
    let mut found = objects(folder, end);
    found.retain(|path| !path.starts_with(folder.join("v1/tasks")));
    found.retain(|path| !path.starts_with(folder.join("v1/machines")));
    found
}

#[test]
fn what_one_has_pushed_another_does_not_compute() {
    let (plan, first, folder) = pushed();
    let second = taking(folder.path());
    let mut recorder = Recorder::default();
    let outcome = second.try_run(&plan, &mut recorder).expect("runs");
    assert!(
        outcome.is_complete() && outcome.ran.is_empty(),
        "{outcome:?}"
    );
    assert_eq!(taken(&outcome), [0, 1, 2, 3, 4]);
    assert!(outcome.misses.is_empty(), "{outcome:?}");
    assert!(recorder.events.contains(&"taken metric.final".to_owned()));
    assert_eq!(first.results(), second.results());
    for name in first.results() {
        let of = |bench: &Bench| bench.store.results().join(&name);
        let (one, other) = (of(&first), of(&second));
        assert_eq!(file_names(&one), file_names(&other));
        for file in file_names(&one) {
            let read = |folder: &Path| std::fs::read(folder.join(&file)).expect("readable");
            assert!(read(&one) == read(&other), "{name}/{file}");
        }
    }
    let again = second.complete(&plan);
    assert_eq!(again.current, [0, 1, 2, 3, 4]);
}

#[test]
fn only_what_has_changed_is_computed_and_the_rest_is_taken() {
    let (mut plan, _, folder) = pushed();
    plan.tasks[1].parameters = json!({"value": 9.0}).into();
    let second = taking(folder.path());
    let outcome = second.complete(&plan);
    assert_eq!(taken(&outcome), [0, 2]);
    assert_eq!(outcome.ran, [1, 3, 4]);
    let said = |task: usize| outcome.misses[&task].to_string();
    assert_eq!(
        said(1),
        "since it was last pushed parameter `value` changed from 2.0 to 9.0"
    );
    assert!(
        said(3).contains("train.m[hidden=1] (models) changed"),
        "{}",
        said(3)
    );
    // What only that one has computed is all that it pushes.
    let pushed = push_all(&second, &plan, folder.path());
    assert_eq!((pushed.pushed, pushed.there), (vec![1, 3, 4], vec![0, 2]));
    let third = taking(folder.path());
    assert_eq!(taken(&third.complete(&plan)), [0, 1, 2, 3, 4]);
}

#[test]
fn changed_code_and_new_tasks_are_told_apart() {
    let (mut plan, _, folder) = pushed();
    plan.tasks[0].fingerprint = "code-2".into();
    plan.tasks[2].id = "train.other".to_owned();
    let outcome = taking(folder.path()).complete(&plan);
    let said = |task: usize| outcome.misses[&task].to_string();
    assert!(
        said(0).contains("its code changed from code-1 to code-2"),
        "{}",
        said(0)
    );
    assert_eq!(
        taken(&outcome),
        [1, 2, 4],
        "equal data, another name of a task"
    );
    plan.tasks[2].parameters = json!({"value": 7.0}).into();
    let outcome = taking(folder.path()).complete(&plan);
    assert_eq!(outcome.misses[&2], Miss::NeverPushed);
}

#[test]
fn damaged_objects_are_said_not_used_and_computed() {
    for damage in [
        "cut",
        "other",
        "gone",
        "longer",
        "empty record",
        "other record",
        "huge",
    ] {
        let (plan, _, folder) = pushed();
        let tables = results(folder.path(), ".history.parquet");
        let records = results(folder.path(), "task.json");
        assert!(
            tables.len() == 3 && records.len() == 5,
            "{tables:?} {records:?}"
        );
        for table in &tables {
            let mut bytes = std::fs::read(table).expect("readable");
            match damage {
                "cut" => bytes.truncate(bytes.len() / 2),
                "other" => bytes[60] ^= 1,
                "longer" => bytes.push(0),
                _ => {}
            }
            std::fs::write(table, bytes).expect("written");
            if damage == "gone" {
                std::fs::remove_file(table).expect("removed");
            }
        }
        let other = std::fs::read(&records[0]).expect("readable");
        for record in &records {
            let text = std::fs::read_to_string(record).expect("readable");
            let text = match damage {
                "empty record" => String::new(),
                "other record" => String::from_utf8_lossy(&other).into_owned(),
                "huge" => without_checksum(&text).replace("\"bytes\": ", "\"bytes\": 9999999"),
                _ => text,
            };
            std::fs::write(record, text).expect("written");
        }
        let second = taking(folder.path());
        let outcome = second.complete(&plan);
        assert!(outcome.ran.len() >= 3, "{damage}: {outcome:?}");
        let faulty =
            |miss: &Miss| matches!(miss, Miss::Faulty { origin, .. } if origin == "the remote");
        assert!(outcome.misses.values().any(faulty), "{damage}: {outcome:?}");
        assert!(second.results().iter().all(|name| !name.starts_with('.')));
    }
}

/// A record as it was before there were checksums.
fn without_checksum(text: &str) -> String {
    let mut record: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(text).expect("JSON");
    record.remove("checksum").expect("a checksum");
    serde_json::to_string_pretty(&record).expect("JSON")
}

#[test]
fn results_of_another_kind_of_machine_are_taken_only_if_asked_for() {
    let (plan, _, folder) = pushed();
    let mut other = Machine::this();
    other.vectors = "another".to_owned();
    // As if another kind of machine had pushed them.
    let own = file_names(&folder.path().join("v1/machines"));
    let own = own[0].strip_suffix(".json").expect("a name").to_owned();
    let id = other.id();
    let text = serde_json::to_string(&other).expect("JSON");
    let machines = folder.path().join("v1/machines");
    std::fs::write(machines.join(format!("{id}.json")), &text).expect("written");
    for record in results(folder.path(), "task.json") {
        let from = record.parent().expect("a folder");
        assert!(from.ends_with(&own));
        std::fs::rename(from, from.with_file_name(&id)).expect("renamed");
        // A kind of machine that is called after another one is none, and neither is one that would move the cursor.
        let mut odd = other.clone();
        odd.vectors.push_str("\u{1b}[2J");
        for (id, text) in [
            ("0123456789ab", text.clone()),
            (
                odd.id().as_str(),
                serde_json::to_string(&odd).expect("JSON"),
            ),
        ] {
            std::fs::create_dir_all(from.with_file_name(id)).expect("created");
            std::fs::copy(
                from.with_file_name(other.id()).join("task.json"),
                from.with_file_name(id).join("task.json"),
            )
            .expect("copied");
            std::fs::write(machines.join(format!("{id}.json")), text).expect("written");
        }
    }
    let second = taking(folder.path());
    let outcome = second.complete(&plan);
    assert_eq!(outcome.ran.len(), 5);
    let Miss::OtherMachine { machines } = &outcome.misses[&0] else {
        panic!("{outcome:?}")
    };
    assert_eq!(machines, &[other.to_string()]);

    let third = taking_from(&[], Some(remote_for(folder.path(), true)));
    let outcome = third.complete(&plan);
    assert_eq!(taken(&outcome), [0, 1, 2, 3, 4]);
    assert_eq!(outcome.taken[0].1.machine.as_ref(), Some(&other));
    // They are not pushed as ours.
    let pushed = push_all(&third, &plan, folder.path());
    assert_eq!(pushed.foreign, [0, 1, 2, 3, 4]);
    assert!(third.complete(&plan).is_complete());
}

#[test]
fn another_content_under_one_key_is_reported_and_not_replaced() {
    let (plan, bench, folder) = pushed();
    let before: Vec<Vec<u8>> = objects(folder.path(), "")
        .iter()
        .map(|path| std::fs::read(path).expect("readable"))
        .collect();
    // As if the code were not deterministic: the record of one task names another content.
    let record = bench.store.folder(bench.key(&plan, 1)).join("task.json");
    let text = without_checksum(&std::fs::read_to_string(&record).expect("readable"));
    let data = bench.store.folder(bench.key(&plan, 2));
    for name in ["history.parquet", "final.parquet"] {
        std::fs::copy(data.join(name), record.with_file_name(name)).expect("copied");
    }
    let other = std::fs::read_to_string(data.join("task.json")).expect("readable");
    let other: serde_json::Value = serde_json::from_str(&other).expect("JSON");
    let mut changed: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    changed["outputs"] = other["outputs"].clone();
    std::fs::write(&record, changed.to_string()).expect("written");
    let pushed = push_all(&bench, &plan, folder.path());
    let [(1, reason)] = pushed.conflicts.as_slice() else {
        panic!("{pushed:?}")
    };
    assert!(reason.contains("another content"), "{reason}");
    let after: Vec<Vec<u8>> = objects(folder.path(), "")
        .iter()
        .map(|path| std::fs::read(path).expect("readable"))
        .collect();
    assert!(before == after);
}

#[test]
fn a_second_store_is_read_before_a_remote_and_never_written() {
    let (plan, first, folder) = pushed();
    let disk = first.store.root().to_owned();
    let before = file_names(&disk.join("store"));
    let second = taking_from(std::slice::from_ref(&disk), Some(remote(folder.path())));
    let outcome = second.complete(&plan);
    assert_eq!(taken(&outcome), [0, 1, 2, 3, 4]);
    let places = outcome.taken.iter().map(|(_, origin)| &origin.place);
    assert!(
        places
            .into_iter()
            .all(|place| *place == disk.display().to_string())
    );
    assert_eq!(before, file_names(&disk.join("store")));
    // Damaged there, it is taken from the remote.
    let table = first.output(
        &plan,
        0,
        eigenscope_artifact::tables::training::HistoryRow::KIND,
    );
    std::fs::write(&table, "nonsense").expect("written");
    let third = taking_from(&[disk], Some(remote(folder.path())));
    let outcome = third.complete(&plan);
    assert_eq!(taken(&outcome), [0, 1, 2, 3, 4]);
    let of_data = outcome.taken.iter().find(|(task, _)| *task == 0);
    assert_eq!(of_data.expect("taken").1.place, "the remote");
    assert!(Sharing::new(&[PathBuf::from("/nonexistent/store")], None).is_err());
}

#[test]
fn what_is_only_to_be_taken_is_not_computed() {
    let (mut plan, _, folder) = pushed();
    plan.tasks[1].parameters = json!({"value": 9.0}).into();
    let mut second = taking(folder.path());
    second.options.compute = false;
    let outcome = second.run(&plan);
    assert_eq!(taken(&outcome), [0, 2]);
    assert!(outcome.ran.is_empty() && outcome.failures.is_empty());
    assert_eq!(outcome.left, [1, 3, 4]);
}

#[test]
fn a_file_that_differs_here_speaks_against_a_shared_result() {
    let (plan, bench) = (chain(), Bench::new());
    bench.complete(&plan);
    // The record says that a file was read.
    let record = bench.store.folder(bench.key(&plan, 0)).join("task.json");
    let text = without_checksum(&std::fs::read_to_string(&record).expect("readable"));
    let mut changed: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    changed["external_files"] = json!([{"path": "photos", "bytes": 3, "blake3": "00".repeat(32)}]);
    std::fs::write(&record, changed.to_string()).expect("written");
    let folder = tempfile::tempdir().expect("a folder");
    push_all(&bench, &plan, folder.path());

    let second = taking(folder.path());
    std::fs::write(second.options.data_dir.join("photos"), "other").expect("written");
    let outcome = second.complete(&plan);
    assert!(
        matches!(outcome.misses[&0], Miss::OtherFiles { .. }),
        "{outcome:?}"
    );
    assert!(outcome.ran.contains(&0));
    // Where there is no such file, nothing speaks against it.
    assert!(taking(folder.path()).complete(&plan).ran.is_empty());
}

#[test]
fn a_remote_that_cannot_be_used_is_said_before_anything_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let missing = folder.path().join("eigenscope-remote");
    let error = Remote::open(&missing, &open(folder.path()), "r", false).expect_err("missing");
    assert!(matches!(error, RemoteError::NoProgram { .. }));
    assert!(error.to_string().contains("make remote"), "{error}");
    // Programs of other versions, which do not know these fields, or which say what this version does not.
    for said in [
        r#"{"id":0,"outcome":{"failed":{"fault":"settings","message":"the first line is not understood: unknown field `x`"}}}"#,
        r#"{"id":0,"outcome":{"failed":{"fault":"version","message":"no"}}}"#,
        r#"{"id":0,"outcome":{"failed":{"fault":"of_tomorrow","message":"no"}}}"#,
    ] {
        let other = folder.path().join("other");
        let script = format!("#!/bin/sh\nread line\necho '{said}'\n");
        std::fs::write(&other, script).expect("written");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&other, mode).expect("made a program");
        let error = Remote::open(&other, &open(folder.path()), "r", false).expect_err("other");
        let words = "other is of another version than eigenscope; `make remote` builds it anew";
        assert!(error.to_string().contains(words), "{error}");
    }
    let nowhere = open(&folder.path().join("nowhere"));
    let program = program("eigenscope-remote");
    let error = Remote::open(&program, &nowhere, "r", false).expect_err("no folder");
    assert!(error.to_string().contains("there is no folder"), "{error}");
}

#[test]
fn a_remote_that_goes_away_is_no_failure() {
    let (plan, _, folder) = pushed();
    let second = taking(folder.path());
    // A file where its folder was: every request fails.
    std::fs::remove_dir_all(folder.path().join("v1")).expect("removed");
    std::fs::write(folder.path().join("v1"), "").expect("written");
    let outcome = second.complete(&plan);
    assert_eq!(outcome.ran.len(), 5);
    let of_no_use = |miss: &Miss| {
        matches!(
            miss,
            Miss::Unavailable { .. } | Miss::NotThere | Miss::NeverPushed
        )
    };
    assert!(outcome.misses.values().all(of_no_use), "{outcome:?}");
}
