//! Cleaning: removing results, whether needed or not.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::need::Need;
use super::removals::{is_file, measured, pipeline_folders, with_extension};
use super::{Collection, RemovalKind, check_readable, remove};
use crate::ledger::{ledgers, read_ledger};
use crate::store::{Key, Store, StoreError, entries, is_result_link, named_key};
use crate::watch::STATE_NAME;

/// Files that a command writes into the folder of a pipeline unless told otherwise.
const PAGES: [&str; 4] = [
    "report.html",
    "timeline.svg",
    "timeline.png",
    "timeline.pdf",
];

/// Removes everything that runs have left in the store, or with `dry_run` only finds it. Other files stay.
///
/// # Errors
/// A run is under way, or the folder cannot be used.
pub fn clean_all(store: &Store, dry_run: bool) -> Result<Collection, StoreError> {
    clean(store, dry_run, |store| {
        let mut found = Found::default();
        found.add(
            RemovalKind::Result,
            keys(store).map(|key| store.folder(key)),
        );
        found.add(RemovalKind::Leftover, store.leftovers());
        for batch in store.batches() {
            let id = batch.file_name().unwrap_or_default().to_string_lossy();
            found.add(RemovalKind::Leftover, store.batch_work_folders(&id));
            found.add(RemovalKind::Leftover, [batch]);
        }
        for folder in pipeline_folders(store) {
            found.add_pipeline(&folder);
        }
        found.add(RemovalKind::Ledger, ledgers(store));
        found.add(
            RemovalKind::Code,
            with_extension(&store.code_folder(), "json"),
        );
        found.add(
            RemovalKind::Record,
            store.records().into_iter().filter(|path| path.exists()),
        );
        found
    })
}

/// Removes what the pipelines of these names have left in the store, or with `dry_run` only finds it: their links, logs and
/// pages, and the results that their links lead to or that their runs have made. Results that links of another pipeline lead
/// to, or that the runs of another have made which has links or logs here, stay.
///
/// # Errors
/// A run is under way, or the folder cannot be used.
pub fn clean_pipelines(
    store: &Store,
    names: &BTreeSet<String>,
    dry_run: bool,
) -> Result<Collection, StoreError> {
    clean(store, dry_run, |store| {
        let is_named = |name: &str| names.contains(name);
        let mut found = Found::default();
        let (mut theirs, mut others) = (BTreeSet::new(), BTreeSet::new());
        let mut present = BTreeSet::new();
        for folder in pipeline_folders(store) {
            let name = folder.file_name().unwrap_or_default().to_string_lossy();
            let keys = match is_named(&name) {
                true => {
                    found.add_pipeline(&folder);
                    &mut theirs
                }
                false => &mut others,
            };
            let targets = entries(&folder).filter_map(|path| std::fs::read_link(path).ok());
            keys.extend(targets.filter_map(|target| named_key(&target)));
            present.insert(name.into_owned());
        }
        for row in ledgers(store)
            .iter()
            .flat_map(|path| read_ledger(path).unwrap_or_default())
        {
            if let Ok(key) = row.key.parse::<Key>() {
                match is_named(&row.pipeline) {
                    true => theirs.insert(key),
                    false => present.contains(&row.pipeline) && others.insert(key),
                };
            }
        }
        let going = keys(store).filter(|key| theirs.contains(key) && !others.contains(key));
        found.add(RemovalKind::Result, going.map(|key| store.folder(key)));
        found
    })
}

fn clean(
    store: &Store,
    dry_run: bool,
    find: impl FnOnce(&Store) -> Found,
) -> Result<Collection, StoreError> {
    if !store.root().exists() {
        return Ok(Collection::default());
    }
    let _lock = match dry_run {
        true => store.lock_for_reading()?,
        false => store.lock_as_it_is()?,
    };
    check_readable(store)?;
    let found = find(store).items;
    let mut collection = measured(store, &Need::default(), &found);
    collection.kept_results = keys(store).count();
    collection.kept_results -= found
        .iter()
        .filter(|(kind, _)| *kind == RemovalKind::Result)
        .count();
    collection.unknown_pipelines.clear();
    if !dry_run {
        remove(store, &collection.removed)?;
        for folder in [store.results(), store.ledger(), store.code_folder()] {
            // One that still holds something stays.
            let _ = std::fs::remove_dir(folder);
        }
    }
    Ok(collection)
}

/// The results in the store.
fn keys(store: &Store) -> impl Iterator<Item = Key> {
    entries(&store.results()).filter_map(|path| named_key(&path))
}

/// What is to be removed.
#[derive(Default)]
struct Found {
    items: Vec<(RemovalKind, PathBuf)>,
}

impl Found {
    fn add(&mut self, kind: RemovalKind, paths: impl IntoIterator<Item = PathBuf>) {
        self.items
            .extend(paths.into_iter().map(|path| (kind, path)));
    }

    /// All that a pipeline has in its folder.
    fn add_pipeline(&mut self, folder: &Path) {
        let links = entries(folder).chain(entries(&folder.join("figures")));
        self.add(RemovalKind::Link, links.filter(|path| is_result_link(path)));
        self.add(
            RemovalKind::Log,
            with_extension(&folder.join("logs"), "log"),
        );
        let pages = PAGES.map(|name| folder.join(name)).into_iter();
        self.add(RemovalKind::Page, pages.filter(|path| path.is_file()));
        let state = Some(folder.join(STATE_NAME));
        self.add(RemovalKind::Record, state.filter(|path| is_file(path)));
    }
}
