//! What the pipelines need: keys, names and code.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rayon::prelude::*;

use super::Options;
use crate::store::{
    Key, Record, Store, entries, figure_files, figure_names, link_names, named_key,
};
use crate::survey::survey;
use eigenscope_plan::Plan;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Names that the plans of one pipeline give in its folder.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) tasks: HashSet<OsString>,
    pub(super) figures: HashSet<OsString>,
}

#[derive(Debug, Default)]
pub(super) struct Need {
    /// Results in the store that stay.
    pub(super) keys: BTreeSet<Key>,
    /// How many of them stay only because they may not be removed.
    pub(super) spared: usize,
    /// By name of the pipeline.
    pub(super) names: BTreeMap<OsString, Names>,
    /// Fingerprints of code that the plans and the results that stay name.
    pub(super) code: BTreeSet<String>,
}

impl Need {
    pub(super) fn of(plans: &[Plan], store: &Store, data_dir: &Path, options: &Options) -> Self {
        let mut need = Self::default();
        for plan in plans {
            let all: Vec<usize> = (0..plan.tasks.len()).collect();
            let states = survey(plan, &all, store, data_dir);
            need.keys
                .extend(states.iter().filter_map(|(_, state)| state.key()));
            let tasks = plan.tasks.iter();
            need.keys
                .extend(tasks.filter_map(|task| store.linked(&plan.name, &task.id)));
            need.code.extend(plan.code.keys().cloned());
            let names = need.names.entry((&plan.name).into()).or_default();
            names.tasks.extend(link_names(plan));
            names
                .figures
                .extend(figure_files(plan, &figure_names(plan)));
        }
        let stored: BTreeMap<Key, _> = entries(&store.results())
            .filter_map(|path| Some((named_key(&path)?, path)))
            .collect();
        need.keys.retain(|key| stored.contains_key(key));
        let young = stored
            .iter()
            .filter(|(_, path)| is_young(path, options.keep_days));
        need.keys.extend(young.map(|(key, _)| *key));
        if let Some(removable) = &options.removable {
            let needed = need.keys.len();
            let others = stored.keys().filter(|key| !removable.contains(key));
            need.keys.extend(others);
            need.spared = need.keys.len() - needed;
        }
        let named = need.keys.par_iter().fold(BTreeSet::new, |mut named, key| {
            // A record that cannot be read names no code.
            if let Ok(Some(record)) = Record::read(&store.folder(*key)) {
                named.insert(record.key_inputs.fingerprint);
                named.extend(record.accepted_from);
            }
            named
        });
        let named = named.reduce(BTreeSet::new, |mut one, mut other| {
            one.append(&mut other);
            one
        });
        need.code.extend(named);
        need
    }
}

/// Returns whether a folder was made in the last days. A folder of unknown age counts as new.
fn is_young(path: &Path, days: u32) -> bool {
    let made = path.metadata().and_then(|metadata| metadata.modified());
    let age = made.map(|made| SystemTime::now().duration_since(made).unwrap_or_default());
    days > 0 && age.map_or(true, |age| age < DAY * days)
}
