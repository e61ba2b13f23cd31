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
use eigenscope_testing::{
    DAMAGES, Damage, PIPELINE, RunCounts, TASKS, TestProject, describe, file_name,
};

/// Every kind of artifact, in a second.
const EVERY_KIND: &str = include_str!("every_kind.toml");

/// Remembered digests.
const STAMPS: &str = "artifacts/.stamps.jsonl";

/// Names of all outputs of all stage programs.
fn described_outputs() -> BTreeSet<String> {
    let kinds = Stage::ALL
        .into_iter()
        .flat_map(|stage| describe(stage).kinds);
    let outputs = kinds.flat_map(|kind| kind.outputs);
    outputs.map(|kind| kind.to_string()).collect()
}

#[test]
fn damage_to_any_kind_of_artifact_is_found_named_and_repaired() {
    let project = TestProject::new(EVERY_KIND);
    project.run();
    let mut kinds: BTreeSet<String> = project.one_of_every_kind().into_keys().collect();
    assert!(kinds.remove("task"));
    assert_eq!(kinds, described_outputs(), "no longer every kind");
    project.assert_damage_is_repaired();
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
    assert!(project.reasons()[other].contains("`tensors` is damaged"));
    project.run();
    // A whole folder, record and all.
    let _ = ["tensors.parquet", "history.parquet", "task.json"].map(copy);
    let reasons = project.reasons();
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
        assert_eq!(project.reasons(), BTreeMap::new(), "{damage:?}");
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
        assert_eq!(project.reasons(), BTreeMap::new(), "{field}");
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
    assert_eq!(project.reasons(), BTreeMap::new(), "nobody has looked");
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
    assert_eq!(project.reasons(), BTreeMap::new(), "nobody has looked");
    let check = project
        .call(&["status", "p.toml", "--check", "--deep"])
        .expect(3);
    assert!(
        check.stdout.contains("its output `png` is damaged"),
        "{}",
        check.stdout
    );
    assert_eq!(project.reasons().len(), 1, "now it is known");
    assert_eq!(project.run().ran, 1);
}
