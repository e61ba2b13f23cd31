//! Finding what is not needed: one function for each kind of removal.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::need::Need;
use super::size::Freed;
use super::{Collection, Options, Removal, RemovalKind};
use crate::ledger;
use crate::store::{NOT_PIPELINES, Record, Store, entries, file_name, is_result_link, named_key};
use crate::watch::STATE_NAME;

/// Paths of everything that goes. Temporary files count only because the lock is held.
pub(super) fn find(store: &Store, need: &Need, options: &Options) -> Vec<(RemovalKind, PathBuf)> {
    let leftovers = store.leftovers().into_iter();
    let mut found: Vec<(RemovalKind, PathBuf)> = leftovers
        .map(|path| (RemovalKind::Leftover, path))
        .collect();
    let mut add =
        |kind, paths: Vec<PathBuf>| found.extend(paths.into_iter().map(|path| (kind, path)));
    add(RemovalKind::Result, results(store, need));
    for folder in pipeline_folders(store) {
        let (links, staying) = links(&folder, need);
        // What is known of a run of a pipeline of which nothing stays goes with the rest.
        let state = folder.join(STATE_NAME);
        if staying.is_empty() && !need.names.contains_key(name(&folder)) && is_file(&state) {
            add(RemovalKind::Record, vec![state]);
        }
        add(RemovalKind::Link, links);
        add(RemovalKind::Log, logs(&folder, need, &staying));
    }
    add(RemovalKind::Ledger, ledgers(store, options.keep_runs));
    add(RemovalKind::Code, code(store, need));
    found
}

/// What was found, with sizes and tasks.
pub(super) fn measured(store: &Store, need: &Need, found: &[(RemovalKind, PathBuf)]) -> Collection {
    let mut freed = Freed::default();
    let mut removed: Vec<Removal> = found
        .iter()
        .map(|(what, path)| Removal {
            what: *what,
            path: path.strip_prefix(store.root()).unwrap_or(path).to_owned(),
            task: match what {
                RemovalKind::Result => Record::read(path).ok().flatten().map(|record| record.task),
                _ => None,
            },
            bytes: freed.add(path),
        })
        .collect();
    removed.sort_by_cached_key(|item| (item.what, Reverse(item.bytes), item.clone()));
    let known = |folder: &PathBuf| need.names.contains_key(name(folder));
    let unknown = pipeline_folders(store).filter(|folder| !known(folder));
    let mut unknown_pipelines: Vec<String> = unknown
        .map(|folder| name(&folder).to_string_lossy().into_owned())
        .collect();
    unknown_pipelines.sort();
    Collection {
        removed,
        freed_bytes: freed.bytes(),
        kept_results: need.keys.len(),
        spared_results: need.spared,
        unknown_pipelines,
        unknown_files: Vec::new(),
    }
}

/// Returns whether a regular file stands there, not a link to one.
pub(super) fn is_file(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|found| found.is_file())
}

fn name(path: &Path) -> &OsStr {
    path.file_name().unwrap_or_default()
}

/// Folders of readable names: those that hold a link to a result, or logs.
pub(super) fn pipeline_folders(store: &Store) -> impl Iterator<Item = PathBuf> + use<> {
    entries(store.root()).filter(|path| {
        let name = name(path).to_string_lossy();
        let is_other = name.starts_with('.') || NOT_PIPELINES.contains(&name.as_ref());
        let is_link =
            |path: PathBuf| std::fs::read_link(path).is_ok_and(|to| named_key(&to).is_some());
        !is_other && path.is_dir() && (path.join("logs").is_dir() || entries(path).any(is_link))
    })
}

/// Folders under keys that are not needed. What has another name is not ours.
fn results(store: &Store, need: &Need) -> Vec<PathBuf> {
    let unneeded = |path: &PathBuf| named_key(path).is_some_and(|key| !need.keys.contains(&key));
    entries(&store.results()).filter(unneeded).collect()
}

/// Links in the folder of a pipeline that lead to no result that stays, or are names of no task or figure of a plan;
/// and the tasks whose links stay.
fn links(folder: &Path, need: &Need) -> (Vec<PathBuf>, BTreeSet<OsString>) {
    let planned = need.names.get(name(folder));
    let mut going = Vec::new();
    let mut staying = BTreeSet::new();
    for path in entries(folder) {
        let Some(key) = std::fs::read_link(&path)
            .ok()
            .and_then(|target| named_key(&target))
        else {
            continue;
        };
        let task = name(&path);
        let unplanned = planned.is_some_and(|names| {
            // Earlier versions named links by the ids of tasks; the next run replaces them.
            let renamed = file_name(&task.to_string_lossy());
            !names.tasks.contains(task) && !names.tasks.contains(OsStr::new(&renamed))
        });
        match need.keys.contains(&key) && !unplanned {
            true => {
                staying.insert(task.to_owned());
            }
            false => going.push(path),
        }
    }
    let pictures = entries(&folder.join("figures")).filter(|path| is_result_link(path));
    for path in pictures {
        let Ok(target) = std::fs::read_link(&path) else {
            continue;
        };
        let task = target.parent().map(name).unwrap_or_default();
        let unplanned = planned.is_some_and(|names| !names.figures.contains(name(&path)));
        if unplanned || !staying.contains(task) {
            going.push(path);
        }
    }
    (going, staying)
}

/// Logs of tasks that are neither planned nor have a result.
fn logs(folder: &Path, need: &Need, staying: &BTreeSet<OsString>) -> Vec<PathBuf> {
    let planned = need.names.get(name(folder));
    let is_needed = |task: &OsStr| {
        staying.contains(task) || planned.is_some_and(|names| names.tasks.contains(task))
    };
    with_extension(&folder.join("logs"), "log")
        .filter(|path| !is_needed(path.file_stem().unwrap_or_default()))
        .collect()
}

/// All ledgers but the latest.
fn ledgers(store: &Store, keep: usize) -> Vec<PathBuf> {
    let mut ledgers = ledger::ledgers(store);
    ledgers.truncate(ledgers.len().saturating_sub(keep));
    ledgers
}

fn code(store: &Store, need: &Need) -> Vec<PathBuf> {
    let is_needed = |path: &PathBuf| {
        let fingerprint = path.file_stem().unwrap_or_default().to_string_lossy();
        need.code.contains(fingerprint.as_ref())
    };
    let known = with_extension(&store.code_folder(), "json");
    known.filter(|path| !is_needed(path)).collect()
}

pub(super) fn with_extension(
    folder: &Path,
    extension: &'static str,
) -> impl Iterator<Item = PathBuf> + use<> {
    entries(folder).filter(move |path| path.extension().is_some_and(|other| other == extension))
}
