//! Damage to files, and what a project must make of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::{TestProject, file_name};

/// What happens to a file of so many bytes.
#[derive(Debug, Clone, Copy)]
pub enum Damage {
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
pub const DAMAGES: [Damage; 12] = [
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

/// Flips a bit. An empty file, such as a lock that nobody holds, has none.
fn flip(bytes: &mut [u8], place: usize) {
    if let Some(byte) = bytes.get_mut(place) {
        *byte ^= 1;
    }
}

impl Damage {
    pub fn inflict(self, file: &Path) {
        let mut bytes = fs::read(file).expect("readable");
        let place = |part: f64| ((bytes.len() as f64) * part) as usize;
        match self {
            Self::Bit(part) => {
                let place = place(part);
                flip(&mut bytes, place);
            }
            Self::BitBeforeEnd(back) => {
                let place = bytes.len().saturating_sub(back);
                flip(&mut bytes, place);
            }
            Self::Cut(part) => bytes.truncate(place(part)),
            Self::EndCut => bytes.truncate(bytes.len().saturating_sub(2)),
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

impl TestProject {
    /// Damages one file of every kind in every way, and asserts that this is found, named and mended by the next run, and
    /// that the results have the same bytes then. The pipeline has been run.
    #[track_caller]
    pub fn assert_damage_is_repaired(&self) {
        let intact = self.artifacts("artifacts");
        for damage in DAMAGES {
            let mut files = self.one_of_every_kind();
            for (_, file) in files.values() {
                damage.inflict(file);
                self.expect_harmless(file, damage);
            }
            // What is found is taken away: what waits for it comes next.
            while !files.is_empty() {
                let reasons = self.reasons();
                let is_named = |kind: &str, task: &str| {
                    reasons.get(task).is_some_and(|reasons| match kind {
                        "task" => reasons.contains("task.json"),
                        kind => {
                            reasons.contains(&format!("`{kind}`")) || reasons.contains("task.json")
                        }
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
            for (_, file) in self.one_of_every_kind().values() {
                damage.inflict(file);
            }
            self.run();
            assert!(
                self.artifacts("artifacts") == intact,
                "{damage:?}: other bytes"
            );
            assert_eq!(self.temporaries(), Vec::<String>::new());
        }
    }

    /// Whatever a damaged table still seems to hold, showing it does no harm.
    fn expect_harmless(&self, file: &Path, damage: Damage) {
        if !file_name(file).ends_with(".parquet") {
            return;
        }
        let shown = self.call(&["show", &file.display().to_string()]);
        let text = shown.stderr;
        match shown.code {
            Some(0) => {}
            Some(2) => assert!(text.contains(&file_name(file)), "{damage:?}: {text}"),
            other => panic!("{damage:?} of {}: {other:?} {text}", file.display()),
        }
    }

    /// One file of every kind, by kind, with the id of its task.
    pub fn one_of_every_kind(&self) -> BTreeMap<String, (String, PathBuf)> {
        let mut files = BTreeMap::new();
        for task in fs::read_dir(self.path("artifacts/p")).expect("results") {
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
    pub fn reasons(&self) -> BTreeMap<String, String> {
        let status = self.json(&["status", "p.toml"]);
        let tasks = status["tasks"].as_array().expect("a list").iter();
        let stale = tasks.filter(|task| task["state"] != "current");
        stale
            .map(|task| {
                let id = task["task"].as_str().expect("a text").to_owned();
                (id, task["reasons"].to_string())
            })
            .collect()
    }
}

/// Writes a file, given by its readable name, as it was.
fn restore(file: &Path, intact: &BTreeMap<String, Vec<u8>>) {
    let task = file_name(file.parent().expect("a folder"));
    let _ = fs::remove_dir(file); // If it is one.
    fs::write(file, &intact[&format!("{task}/{}", file_name(file))]).expect("written");
}
