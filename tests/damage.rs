//! Promise: a damaged, cut, replaced or missing file is never used. It is found, named and made again, and nothing else is lost.
//!
//! Damage is found by the digest of the file. A file is read again when its size, times or inode have changed, when a task is
//! about to read it, and under `status --deep`; only `compare` and `show` would be taken in by a disk that loses bits
//! without a trace.
#![cfg(unix)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use eigenscope_artifact::Digest;
use eigenscope_stage::Stage;
use eigenscope_testing::{PIPELINE, RunCounts, TASKS, TestProject, describe, file_name};

/// Every kind of artifact, in a second.
const EVERY_KIND: &str = include_str!("every_kind.toml");

/// Remembered digests.
const STAMPS: &str = "artifacts/.stamps.jsonl";

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
fn described_outputs() -> BTreeSet<String> {
    let kinds = Stage::ALL
        .into_iter()
        .flat_map(|stage| describe(stage).kinds);
    let outputs = kinds.flat_map(|kind| kind.outputs);
    outputs.map(|kind| kind.to_string()).collect()
}

/// One file of every kind, by kind, with the id of its task.
fn one_of_every_kind(project: &TestProject) -> BTreeMap<String, (String, PathBuf)> {
    let mut files = BTreeMap::new();
    for task in fs::read_dir(project.path("artifacts/p")).expect("results") {
        let task = task.expect("readable").path();
        let Ok(record) = fs::read(task.join("task.json")) else {
            continue;
        };
        let record: serde_json::Value = serde_json::from_slice(&record).expect("a record");
        let id = record["task"].as_str().expect("a task id");
        for file in fs::read_dir(&task).expect("a folder") {
            let file = file.expect("readable").path();
            let kind = match file_name(&file).split_once('.').expect("an extension") {
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
fn reasons(project: &TestProject) -> BTreeMap<String, String> {
    let status = project.json(&["status", "p.toml"]);
    let tasks = status["tasks"].as_array().expect("a list").iter();
    let stale = tasks.filter(|task| task["state"] != "current");
    stale
        .map(|task| {
            let id = task["task"].as_str().expect("a text").to_owned();
            (id, task["reasons"].to_string())
        })
        .collect()
}

#[test]
fn damage_to_any_kind_of_artifact_is_found_named_and_repaired() {
    let project = TestProject::new(EVERY_KIND);
    project.run();
    let intact = project.artifacts("artifacts");
    let mut kinds: BTreeSet<String> = one_of_every_kind(&project).into_keys().collect();
    assert!(kinds.remove("task"));
    assert_eq!(kinds, described_outputs(), "no longer every kind");
    for damage in DAMAGES {
        let mut files = one_of_every_kind(&project);
        for (_, file) in files.values() {
            damage.inflict(file);
            expect_harmless(&project, file, damage);
        }
        // What is found is taken away: what waits for it comes next.
        while !files.is_empty() {
            let reasons = reasons(&project);
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
        for (_, file) in one_of_every_kind(&project).values() {
            damage.inflict(file);
        }
        project.run();
        assert!(
            project.artifacts("artifacts") == intact,
            "{damage:?}: other bytes"
        );
        assert_eq!(project.temporaries(), Vec::<String>::new());
    }
}

/// Whatever a damaged table still seems to hold, showing it does no harm.
fn expect_harmless(project: &TestProject, file: &Path, damage: Damage) {
    if !file_name(file).ends_with(".parquet") {
        return;
    }
    let shown = project.call(&["show", &file.display().to_string()]);
    let text = shown.stderr;
    match shown.code {
        Some(0) => {}
        Some(2) => assert!(text.contains(&file_name(file)), "{damage:?}: {text}"),
        other => panic!("{damage:?} of {}: {other:?} {text}", file.display()),
    }
}

/// Writes a file, given by its readable name, as it was.
fn restore(file: &Path, intact: &BTreeMap<String, Vec<u8>>) {
    let task = file_name(file.parent().expect("a folder"));
    let _ = fs::remove_dir(file); // If it is one.
    fs::write(file, &intact[&format!("{task}/{}", file_name(file))]).expect("written");
}

#[test]
fn a_result_of_another_task_in_its_place_is_found() {
    let project = TestProject::new(PIPELINE);
    project.run();
    let intact = project.artifacts("artifacts");
    let copy = |file: &str| {
        let [from, to] = [0, 1].map(|seed| {
            let folder = format!("artifacts/p/train.bilinear,hidden-4,seed-{seed}");
            project.path(&folder).join(file)
        });
        fs::copy(from, to).expect("copied");
    };
    let other = "train.bilinear[hidden=4,seed=1]";
    copy("tensors.parquet");
    assert!(reasons(&project)[other].contains("`tensors` is damaged"));
    project.run();
    // A whole folder, record and all.
    let _ = ["tensors.parquet", "history.parquet", "task.json"].map(copy);
    let reasons = reasons(&project);
    assert!(
        reasons[other].contains("does not belong to its folder"),
        "{reasons:?}"
    );
    project.run();
    assert!(project.artifacts("artifacts") == intact, "other bytes");
}

/// All regular files below `folder` that are no results.
fn files_beside_the_store(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("readable");
        let kind = entry.file_type().expect("known");
        if kind.is_file() {
            files.push(entry.path());
        } else if kind.is_dir() && file_name(&entry.path()) != "store" {
            files.extend(files_beside_the_store(&entry.path()));
        }
    }
    files.sort();
    files
}

#[test]
fn damage_beside_the_results_costs_no_result() {
    let project = TestProject::new(PIPELINE);
    project.run();
    let files = files_beside_the_store(&project.path("artifacts"));
    let expected = [".lock", ".stamps.jsonl", ".log", ".parquet", ".json"];
    for ending in expected {
        let is_there = files.iter().any(|file| file_name(file).ends_with(ending));
        assert!(is_there, "no {ending} among {files:?}");
    }
    for damage in DAMAGES {
        for file in files.iter().filter(|file| file.exists()) {
            // A folder where a file has to be written is refused, see below.
            if !matches!(damage, Damage::Folder) {
                damage.inflict(file);
            }
        }
        assert_eq!(reasons(&project), BTreeMap::new(), "{damage:?}");
        let again = project.run();
        assert_eq!(again, RunCounts::all_up_to_date(TASKS), "{damage:?}");
    }
}

#[test]
fn a_wrong_digest_among_the_remembered_ones_costs_no_result() {
    let project = TestProject::new(PIPELINE);
    project.run();
    for field in ["\"blake3\":\"", "\"content\":\""] {
        let text = project.read(STAMPS);
        let wrong: Vec<String> = text
            .split(field)
            .map(|part| part.replacen(['0', '1', '2', '3'], "4", 1))
            .collect();
        let wrong = wrong.join(field);
        assert_ne!(wrong, text);
        project.write(STAMPS, wrong);
        assert_eq!(reasons(&project), BTreeMap::new(), "{field}");
        let again = project.run();
        assert_eq!(again, RunCounts::all_up_to_date(TASKS), "{field}");
    }
}

#[test]
fn links_that_are_gone_or_lead_elsewhere_are_made_again() {
    let project = TestProject::new(PIPELINE);
    project.run();
    let intact = project.artifacts("artifacts");
    let link = |task: &str| project.path("artifacts/p").join(task);
    fs::remove_file(link("metric.final")).expect("removed");
    fs::remove_file(link("figures/training.svg")).expect("removed");
    fs::remove_file(link("metric.truncation-summary")).expect("removed");
    std::os::unix::fs::symlink("../store/nowhere", link("metric.truncation-summary"))
        .expect("linked");
    fs::remove_file(link("metric.similarity-map")).expect("removed");
    let other = fs::read_link(link("data.digits")).expect("a link");
    std::os::unix::fs::symlink(other, link("metric.similarity-map")).expect("linked");
    assert_eq!(project.run(), RunCounts::all_up_to_date(TASKS));
    assert!(project.artifacts("artifacts") == intact);
}

/// Flips a bit of a file and lets the remembered digests look as if nothing had touched it, as when a disk loses a bit.
fn lose_a_bit(project: &TestProject, file: &Path) {
    let file = file.canonicalize().expect("there");
    Damage::Bit(0.5).inflict(&file);
    let metadata = file.metadata().expect("there");
    let text = project.read(STAMPS);
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
    project.write(STAMPS, text);
}

#[test]
fn a_bit_lost_without_a_trace_is_found_before_a_task_reads_it() {
    let project = TestProject::new(PIPELINE);
    project.run();
    let intact = project.artifacts("artifacts");
    lose_a_bit(
        &project,
        &project.path("artifacts/p/decompose.interaction,hidden-4,seed-0/eigenpairs.parquet"),
    );
    assert_eq!(reasons(&project), BTreeMap::new(), "nobody has looked");
    project.edit("count = 4", "count = 3");
    project
        .call(&["run", "p.toml", "--offline"])
        .expect(1)
        .explains(&[
            "eigenpairs.parquet is damaged",
            "run again to have it made again",
        ]);
    assert!(project.run().ran > 0);
    project.edit("count = 3", "count = 4");
    project.run();
    assert!(project.artifacts("artifacts") == intact, "other bytes");
}

#[test]
fn a_bit_lost_without_a_trace_is_found_when_every_file_is_read() {
    let project = TestProject::new(PIPELINE);
    project.run();
    lose_a_bit(
        &project,
        &project.path("artifacts/p/figure.training/figure.png"),
    );
    assert_eq!(reasons(&project), BTreeMap::new(), "nobody has looked");
    let check = project
        .call(&["status", "p.toml", "--check", "--deep"])
        .expect(3);
    assert!(
        check.stdout.contains("its output `png` is damaged"),
        "{}",
        check.stdout
    );
    assert_eq!(reasons(&project).len(), 1, "now it is known");
    assert_eq!(project.run().ran, 1);
}
