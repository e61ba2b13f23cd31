//! Promise: a damaged, cut, replaced or missing file is never used. It is found, named and made again, and nothing else is lost.
//!
//! Damage is found by the digest of the file. A file is read again when its size, times or inode have changed, when a task is
//! about to read it, and under `status --deep`; only `compare` and `show` would be taken in by a disk that loses bits
//! without a trace.
#![cfg(unix)]
#![allow(clippy::expect_used, reason = "a test")]

mod sandbox;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use eigenscope_artifact::Digest;
use sandbox::{PIPELINE, STAGES, Sandbox, TASKS, name, stderr, stdout};

/// Every kind of artifact, in a second.
const EVERY_KIND: &str = include_str!("every_kind.toml");

/// What happens to a file of so many bytes.
#[derive(Debug, Clone, Copy)]
enum Damage {
    /// One bit of the byte this part of the way through the file.
    Bit(f64),
    /// One bit this many bytes before the end: of a Parquet file, its description of itself.
    BitBeforeEnd(usize),
    Cut(f64),
    EndCut,
    Emptied,
    Longer,
    Deleted,
    /// A folder in place of the file.
    Folder,
}

/// Magic number, data pages, metadata, length of the metadata.
const DAMAGES: [Damage; 12] = [
    Damage::Bit(0.0),
    Damage::Bit(0.1),
    Damage::Bit(0.4),
    Damage::BitBeforeEnd(200),
    Damage::BitBeforeEnd(7),
    Damage::BitBeforeEnd(1),
    Damage::Cut(0.5),
    Damage::EndCut,
    Damage::Emptied,
    Damage::Longer,
    Damage::Deleted,
    Damage::Folder,
];

impl Damage {
    fn inflict(self, file: &Path) {
        let mut bytes = fs::read(file).expect("readable");
        let place = |part: f64| ((bytes.len() as f64) * part) as usize;
        match self {
            Self::Bit(part) => {
                let place = place(part);
                bytes[place] ^= 1;
            }
            Self::BitBeforeEnd(back) => {
                let place = bytes.len().saturating_sub(back);
                bytes[place] ^= 1;
            }
            Self::Cut(part) => bytes.truncate(place(part)),
            Self::EndCut => bytes.truncate(bytes.len() - 2),
            Self::Emptied => bytes.clear(),
            Self::Longer => bytes.push(0),
            Self::Deleted => return fs::remove_file(file).expect("removed"),
            Self::Folder => {
                fs::remove_file(file).expect("removed");
                return fs::create_dir(file).expect("created");
            }
        }
        fs::write(file, bytes).expect("written");
    }
}

/// Names of all outputs of all stage programs.
fn described_outputs(sandbox: &Sandbox) -> BTreeSet<String> {
    let folder = sandbox.program().parent().expect("a folder");
    let describe = |stage| {
        let program = folder.join(format!("eigenscope-{stage}"));
        let output = Command::new(program).arg("describe").output();
        let text = output.expect("it answers").stdout;
        serde_json::from_slice::<serde_json::Value>(&text).expect("JSON")
    };
    let kinds = STAGES.into_iter().flat_map(|stage| {
        let kinds = describe(stage)["kinds"].as_array().expect("a list").clone();
        kinds
            .into_iter()
            .flat_map(|kind| kind["outputs"].as_array().expect("a list").clone())
    });
    kinds
        .map(|kind| kind.as_str().expect("a text").to_owned())
        .collect()
}

/// One file of every kind, by kind, with the id of its task.
fn one_of_every_kind(sandbox: &Sandbox) -> BTreeMap<String, (String, PathBuf)> {
    let mut files = BTreeMap::new();
    for task in fs::read_dir(sandbox.path("artifacts/p")).expect("results") {
        let task = task.expect("readable").path();
        let Ok(record) = fs::read(task.join("task.json")) else {
            continue;
        };
        let record: serde_json::Value = serde_json::from_slice(&record).expect("a record");
        let id = record["task"].as_str().expect("a task id");
        for file in fs::read_dir(&task).expect("a folder") {
            let file = file.expect("readable").path();
            let kind = match name(&file).split_once('.').expect("an extension") {
                ("figure", "json") => "interactive".to_owned(),
                ("figure", extension) => extension.to_owned(),
                (kind, _) => kind.to_owned(),
            };
            files.entry(kind).or_insert((id.to_owned(), file));
        }
    }
    files
}

/// The reasons that `status` gives for each task that is not up to date.
fn reasons(sandbox: &Sandbox) -> BTreeMap<String, String> {
    let status = sandbox.call(&["status", "p.toml", "--json"]);
    assert_eq!(status.status.code(), Some(0), "{}", stderr(&status));
    let report: serde_json::Value = serde_json::from_slice(&status.stdout).expect("JSON");
    let tasks = report["tasks"].as_array().expect("a list");
    tasks
        .iter()
        .filter(|task| task["state"] != "current")
        .map(|task| {
            let id = task["task"].as_str().expect("a text").to_owned();
            (id, task["reasons"].to_string())
        })
        .collect()
}

#[test]
fn damage_to_any_kind_of_artifact_is_found_named_and_repaired() {
    let sandbox = Sandbox::new(EVERY_KIND);
    sandbox.run();
    let intact = sandbox.artifacts("artifacts");
    let mut kinds: BTreeSet<String> = one_of_every_kind(&sandbox).into_keys().collect();
    assert!(kinds.remove("task"));
    assert_eq!(kinds, described_outputs(&sandbox), "no longer every kind");
    for damage in DAMAGES {
        let mut files = one_of_every_kind(&sandbox);
        for (_, file) in files.values() {
            damage.inflict(file);
            expect_harmless(&sandbox, file, damage);
        }
        // What is found is taken away: what waits for it comes next.
        while !files.is_empty() {
            let reasons = reasons(&sandbox);
            let is_named = |kind: &str, task: &str| {
                reasons.get(task).is_some_and(|reasons| match kind {
                    "task" => reasons.contains("task.json"),
                    kind => reasons.contains(&format!("`{kind}`")) || reasons.contains("task.json"),
                })
            };
            let count = files.len();
            files.retain(|kind, (task, file)| {
                let found = is_named(kind, task);
                if found {
                    restore(file, &intact);
                }
                !found
            });
            assert!(files.len() < count, "{damage:?}: not found: {files:?}");
        }
        for (_, file) in one_of_every_kind(&sandbox).values() {
            damage.inflict(file);
        }
        sandbox.run();
        assert!(
            sandbox.artifacts("artifacts") == intact,
            "{damage:?}: other bytes"
        );
        assert_eq!(sandbox.temporaries(), Vec::<String>::new());
    }
}

/// Whatever a damaged table still seems to hold, showing it does no harm.
fn expect_harmless(sandbox: &Sandbox, file: &Path, damage: Damage) {
    if !name(file).ends_with(".parquet") {
        return;
    }
    let shown = sandbox.call(&["show", &file.display().to_string()]);
    let text = stderr(&shown);
    match shown.status.code() {
        Some(0) => {}
        Some(2) => assert!(text.contains(&name(file)), "{damage:?}: {text}"),
        other => panic!("{damage:?} of {}: {other:?} {text}", file.display()),
    }
}

/// Writes a file, given by its readable name, as it was.
fn restore(file: &Path, intact: &BTreeMap<String, Vec<u8>>) {
    let task = name(file.parent().expect("a folder"));
    let _ = fs::remove_dir(file); // If it is one.
    fs::write(file, &intact[&format!("{task}/{}", name(file))]).expect("written");
}

#[test]
fn a_result_of_another_task_in_its_place_is_found() {
    let sandbox = Sandbox::new(PIPELINE);
    sandbox.run();
    let intact = sandbox.artifacts("artifacts");
    let copy = |file: &str| {
        let [from, to] = [0, 1].map(|seed| {
            let folder = format!("artifacts/p/train.bilinear,hidden-4,seed-{seed}");
            sandbox.path(&folder).join(file)
        });
        fs::copy(from, to).expect("copied");
    };
    let other = "train.bilinear[hidden=4,seed=1]";
    copy("tensors.parquet");
    assert!(reasons(&sandbox)[other].contains("`tensors` is damaged"));
    sandbox.run();
    // A whole folder, record and all.
    let _ = ["tensors.parquet", "history.parquet", "task.json"].map(copy);
    let reasons = reasons(&sandbox);
    assert!(
        reasons[other].contains("does not belong to its folder"),
        "{reasons:?}"
    );
    sandbox.run();
    assert!(sandbox.artifacts("artifacts") == intact, "other bytes");
}

/// All regular files below `folder` that are no results.
fn files_beside_the_store(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("readable");
        let kind = entry.file_type().expect("known");
        if kind.is_file() {
            files.push(entry.path());
        } else if kind.is_dir() && name(&entry.path()) != "store" {
            files.extend(files_beside_the_store(&entry.path()));
        }
    }
    files.sort();
    files
}

#[test]
fn damage_beside_the_results_costs_no_result() {
    let sandbox = Sandbox::new(PIPELINE);
    sandbox.run();
    let files = files_beside_the_store(&sandbox.path("artifacts"));
    let expected = [".lock", ".stamps.jsonl", ".log", ".parquet", ".json"];
    for ending in expected {
        let is_there = files.iter().any(|file| name(file).ends_with(ending));
        assert!(is_there, "no {ending} among {files:?}");
    }
    for damage in DAMAGES {
        for file in files.iter().filter(|file| file.exists()) {
            // A folder where a file has to be written is refused, see below.
            if !matches!(damage, Damage::Folder) {
                damage.inflict(file);
            }
        }
        assert_eq!(reasons(&sandbox), BTreeMap::new(), "{damage:?}");
        let told = sandbox.run();
        assert!(
            told.contains(&format!("tasks: {TASKS} up to date")),
            "{damage:?}: {told}"
        );
    }
}

#[test]
fn a_wrong_digest_among_the_remembered_ones_costs_no_result() {
    let sandbox = Sandbox::new(PIPELINE);
    sandbox.run();
    let path = sandbox.path("artifacts/.stamps.jsonl");
    for field in ["\"blake3\":\"", "\"content\":\""] {
        let text = fs::read_to_string(&path).expect("readable");
        let wrong: Vec<String> = text
            .split(field)
            .map(|part| part.replacen(['0', '1', '2', '3'], "4", 1))
            .collect();
        let wrong = wrong.join(field);
        assert_ne!(wrong, text);
        fs::write(&path, wrong).expect("written");
        assert_eq!(reasons(&sandbox), BTreeMap::new(), "{field}");
        let told = sandbox.run();
        let expected = format!("tasks: {TASKS} up to date");
        assert!(told.contains(&expected), "{field}: {told}");
    }
}

#[test]
fn links_that_are_gone_or_lead_elsewhere_are_made_again() {
    let sandbox = Sandbox::new(PIPELINE);
    sandbox.run();
    let intact = sandbox.artifacts("artifacts");
    let link = |task: &str| sandbox.path("artifacts/p").join(task);
    fs::remove_file(link("metric.final")).expect("removed");
    fs::remove_file(link("figures/training.svg")).expect("removed");
    fs::remove_file(link("metric.truncation-summary")).expect("removed");
    std::os::unix::fs::symlink("../store/nowhere", link("metric.truncation-summary"))
        .expect("linked");
    fs::remove_file(link("metric.similarity-map")).expect("removed");
    let other = fs::read_link(link("data.digits")).expect("a link");
    std::os::unix::fs::symlink(other, link("metric.similarity-map")).expect("linked");
    assert!(
        sandbox
            .run()
            .contains(&format!("tasks: {TASKS} up to date"))
    );
    assert!(sandbox.artifacts("artifacts") == intact);
}

/// Flips a bit of a file and lets the remembered digests look as if nothing had touched it, as when a disk loses a bit.
fn lose_a_bit(sandbox: &Sandbox, file: &Path) {
    let file = file.canonicalize().expect("there");
    Damage::Bit(0.5).inflict(&file);
    let metadata = file.metadata().expect("there");
    let path = sandbox.path("artifacts/.stamps.jsonl");
    let text = fs::read_to_string(&path).expect("readable");
    let inode = metadata.ino().to_string();
    let nanoseconds = |seconds: i64, rest: i64| seconds * 1_000_000_000 + rest;
    let stamp = format!(
        "[{},{},{},{inode}]",
        metadata.len(),
        nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
        nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
    );
    let mut remembered = 0;
    let lines = text.lines().map(|line| {
        let end = format!(",{inode}]");
        let Some(end) = line.find(&end).map(|start| start + end.len()) else {
            return format!("{line}\n");
        };
        remembered += 1;
        let start = line[..end].rfind('[').expect("a list");
        let (rest, _) = line[end..].rsplit_once(",\"").expect("a checksum");
        let body = format!("{}{stamp}{rest}", &line[..start]);
        let checksum = Digest::of(body.as_bytes()).short();
        format!("{body},\"{checksum}\"]\n")
    });
    let text: String = lines.collect();
    assert_eq!(remembered, 1, "a digest is remembered");
    fs::write(&path, text).expect("written");
}

#[test]
fn a_bit_lost_without_a_trace_is_found_before_a_task_reads_it() {
    let sandbox = Sandbox::new(PIPELINE);
    sandbox.run();
    let intact = sandbox.artifacts("artifacts");
    lose_a_bit(
        &sandbox,
        &sandbox.path("artifacts/p/decompose.interaction,hidden-4,seed-0/eigenpairs.parquet"),
    );
    assert_eq!(reasons(&sandbox), BTreeMap::new(), "nobody has looked");
    sandbox.edit("count = 4", "count = 3");
    let output = sandbox.call(&["run", "p.toml", "--offline"]);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for words in [
        "eigenpairs.parquet is damaged",
        "run again to have it made again",
    ] {
        assert!(text.contains(words), "`{words}` is not in {text}");
    }
    assert!(sandbox.run().contains(" ran"));
    sandbox.edit("count = 3", "count = 4");
    sandbox.run();
    assert!(sandbox.artifacts("artifacts") == intact, "other bytes");
}

#[test]
fn a_bit_lost_without_a_trace_is_found_when_every_file_is_read() {
    let sandbox = Sandbox::new(PIPELINE);
    sandbox.run();
    lose_a_bit(
        &sandbox,
        &sandbox.path("artifacts/p/figure.training/figure.png"),
    );
    assert_eq!(reasons(&sandbox), BTreeMap::new(), "nobody has looked");
    let check = sandbox.call(&["status", "p.toml", "--check", "--deep"]);
    assert_eq!(check.status.code(), Some(3));
    assert!(
        stdout(&check).contains("its output `png` is damaged"),
        "{}",
        stdout(&check)
    );
    assert_eq!(reasons(&sandbox).len(), 1, "now it is known");
    assert!(sandbox.run().contains("1 ran"));
}
