//! Removing from the artifacts folder what no pipeline needs any more.
//!
//! Kept are, of every pipeline that is given: the results that are up to date, and the last result of every task (it
//! says what has changed since, may be accepted for changed code, and may turn out to be up to date once its inputs are
//! made again). Everything else in the store goes: results of older parameters, code or data, and of tasks and
//! pipelines that are gone.
//!
//! Nothing is removed while a run holds the lock. Folders of results are first moved, each in one step, into one
//! temporary folder; only then are files removed. Killed at any moment, what stands under a key is complete, and the next
//! run or collection removes the rest.

mod clean;
mod need;
mod removals;
mod size;

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use eigenscope_artifact::atomic::{TEMPORARY_PREFIX, sync_folder};
use serde::Serialize;

pub use clean::{clean_all, clean_pipelines};

use crate::store::{Key, Store, StoreError, canonical, check_names, named_key};
use eigenscope_plan::Plan;

/// What to keep besides what is needed.
#[derive(Debug, Clone)]
pub struct Options {
    /// Results made in the last days are kept, whether needed or not.
    pub keep_days: u32,
    /// Number of latest runs whose ledgers are kept.
    pub keep_runs: usize,
    /// The only results that may be removed; `None` for all.
    pub removable: Option<BTreeSet<Key>>,
    /// Only find out what would be removed.
    pub dry_run: bool,
}

/// What was removed, or would be.
#[derive(Debug, Default, Serialize)]
pub struct Collection {
    /// Everything that was removed, by kind, largest first.
    pub removed: Vec<Removal>,
    /// Bytes freed; files that a kept result shares with a removed one are not counted.
    pub freed_bytes: u64,
    pub kept_results: usize,
    /// How many of them are not needed and not young, but none of [`Options::removable`].
    #[serde(skip)]
    pub spared_results: usize,
    /// Names of pipelines that have results here and were not among those given.
    pub unknown_pipelines: Vec<String>,
    /// Pipeline files that have had results here and were not among those given, even if one of the same name was.
    pub unknown_files: Vec<PathBuf>,
}

impl Collection {
    /// Keys of the results that were removed.
    pub fn removed_keys(&self) -> Vec<Key> {
        let results = self.removed.iter();
        let results = results.filter(|item| item.what == RemovalKind::Result);
        results.filter_map(|item| named_key(&item.path)).collect()
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Removal {
    pub what: RemovalKind,
    /// Where it is, relative to the artifacts folder.
    pub path: PathBuf,
    /// The task whose result it is, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    pub bytes: u64,
}

/// Kinds of removals, in the order in which they are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RemovalKind {
    /// A folder of the store.
    Result,
    /// What a killed run left half done.
    Leftover,
    /// A readable name that leads nowhere or to a removed result.
    Link,
    /// The log of a task that is gone.
    Log,
    /// What an old run cost.
    Ledger,
    /// What the code of no result that is left consists of.
    Code,
    /// A report or timeline. Only cleaning removes it.
    Page,
    /// What the program has noted about the folder. Only cleaning removes it.
    Record,
}

impl RemovalKind {
    pub const ALL: [Self; 8] = [
        Self::Result,
        Self::Leftover,
        Self::Link,
        Self::Log,
        Self::Ledger,
        Self::Code,
        Self::Page,
        Self::Record,
    ];

    /// The name of one, to which an s is added for several.
    pub fn name(self) -> &'static str {
        match self {
            Self::Result => "result",
            Self::Leftover => "leftover",
            Self::Link => "link",
            Self::Log => "log",
            Self::Ledger => "ledger",
            Self::Code => "code file",
            Self::Page => "page",
            Self::Record => "record",
        }
    }
}

/// Removes from the store what none of `plans` needs, or only finds it, for which the store need not be writable. Refuses while a
/// run is under way.
pub fn collect(
    plans: &[Plan],
    store: &Store,
    data_dir: &Path,
    options: &Options,
) -> Result<Collection, StoreError> {
    plans.iter().try_for_each(check_names)?;
    if !store.root().exists() {
        return Ok(Collection::default());
    }
    let _lock = match options.dry_run {
        true => store.lock_for_reading()?,
        false => store.lock_as_it_is()?,
    };
    check_readable(store)?;
    let mut recorded = store.pipeline_files()?;
    let given: BTreeSet<PathBuf> = plans.iter().map(|plan| canonical(&plan.file)).collect();
    let need = need::Need::of(plans, store, data_dir, options);
    let found = removals::find(store, &need, options);
    let mut collection = removals::measured(store, &need, &found);
    collection.unknown_files = recorded.difference(&given).cloned().collect();
    if !options.dry_run {
        remove(store, &collection.removed)?;
        if !collection.unknown_files.is_empty() {
            recorded.retain(|file| given.contains(file));
            store.write_pipelines(&recorded)?;
        }
    }
    Ok(collection)
}

/// A folder that cannot be listed would look empty, and what needs its results as if it needed none.
fn check_readable(store: &Store) -> Result<(), StoreError> {
    for folder in [store.root().to_owned(), store.results(), store.ledger()] {
        match std::fs::read_dir(&folder) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(StoreError::io("read", &folder, error));
            }
            _ => {}
        }
    }
    Ok(())
}

fn remove(store: &Store, removals: &[Removal]) -> Result<(), StoreError> {
    let results = store.results();
    let failed = |path: &Path, source| StoreError::io("remove", path, source);
    let aside = tempfile::Builder::new()
        .prefix(&format!("{TEMPORARY_PREFIX}gc-"))
        .tempdir_in(&results)
        .map_err(|source| StoreError::io("create a folder in", &results, source))?;
    let of_kind = |kind| removals.iter().filter(move |item| item.what == kind);
    for item in of_kind(RemovalKind::Result) {
        let path = store.root().join(&item.path);
        let name = path.file_name().unwrap_or_default();
        std::fs::rename(&path, aside.path().join(name)).map_err(|source| failed(&path, source))?;
    }
    sync_folder(&results)?;
    for item in removals
        .iter()
        .filter(|item| item.what != RemovalKind::Result)
    {
        let path = store.root().join(&item.path);
        let removed = match path.symlink_metadata() {
            Ok(metadata) if metadata.is_dir() => std::fs::remove_dir_all(&path),
            _ => std::fs::remove_file(&path),
        };
        removed.map_err(|source| failed(&path, source))?;
    }
    for folder in [RemovalKind::Link, RemovalKind::Log, RemovalKind::Page]
        .into_iter()
        .flat_map(of_kind)
    {
        // One that still holds something stays.
        for folder in folder.path.ancestors().skip(1) {
            if folder.as_os_str().is_empty()
                || std::fs::remove_dir(store.root().join(folder)).is_err()
            {
                break;
            }
        }
    }
    let path = aside.path().to_owned();
    aside.close().map_err(|source| failed(&path, source))
}
