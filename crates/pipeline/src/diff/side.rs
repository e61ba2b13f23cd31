//! One side of a comparison.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use eigenscope_plan::progress::Progress;
use eigenscope_plan::{Plan, needed};

use crate::ledger::{ledgers, number, read_ledger};
use crate::store::{Key, KeyInputs, Record, Store, StoreError};
use crate::survey::{State, Surveyor};

/// What was asked for, and what came out.
#[derive(Debug)]
pub struct Side {
    /// What it is called.
    pub name: String,
    /// Whether a task that is not here is none of the side's: a run does not say what others had made before it.
    pub(super) is_whole: bool,
    /// By task id.
    tasks: BTreeMap<String, SideTask>,
}

#[derive(Debug)]
pub(super) struct SideTask {
    /// Place in the order of the pipeline.
    position: usize,
    /// The id that it had at first, if it is known to have been renamed.
    first_id: Option<String>,
    pub(super) key_inputs: KeyInputs,
    /// Whether the content of all inputs is known.
    pub(super) is_complete: bool,
    /// Its result, if it is up to date.
    pub(super) result: Option<(Key, Record)>,
}

/// There is no run of this number, or none of the pipeline up to it.
#[derive(Debug, thiserror::Error)]
pub enum UnknownRun {
    #[error(
        "there is no run {run} of the pipeline `{pipeline}`{}",
        known_in_words(known)
    )]
    Unknown {
        run: u64,
        pipeline: String,
        /// Numbers of its runs.
        known: Vec<u64>,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Runs in a message at most.
const SHOWN: usize = 5;

fn known_in_words(known: &[u64]) -> String {
    let latest = known.iter().rev().take(SHOWN).map(u64::to_string);
    match latest.collect::<Vec<_>>() {
        latest if latest.is_empty() => "; it has never run".to_owned(),
        latest => format!("; its latest runs are {}", latest.join(", ")),
    }
}

impl Side {
    /// What a plan asks for, with the results in the store that are up to date.
    pub fn planned(
        name: String,
        plan: &Plan,
        targets: &[usize],
        store: &Store,
        data_dir: &Path,
        progress: &Progress,
    ) -> Self {
        let mut surveyor = Surveyor::new(plan, store, data_dir);
        let survey = surveyor.walk(&needed(plan, targets), progress, &AtomicBool::new(false));
        surveyor.save();
        let tasks = survey.iter().map(|(position, state)| {
            let task = &plan.tasks[position];
            let key_inputs = surveyor.key_inputs(task, &survey);
            let result = match state {
                State::Current { key, .. } => store.record(*key).ok().flatten(),
                State::Stale { .. } | State::Blocked { .. } => None,
            };
            let side_task = SideTask {
                position,
                first_id: task.formerly.as_ref().map(|_| task.first_id().into_owned()),
                is_complete: key_inputs.inputs.len() == task.inputs.len(),
                key_inputs,
                result: state.key().zip(result),
            };
            (task.id.clone(), side_task)
        });
        Self {
            name,
            is_whole: true,
            tasks: tasks.collect(),
        }
    }

    /// What there was after a run of a pipeline: of each task the last result that it had computed until then. Results that have been removed since
    /// are left out.
    ///
    /// # Errors
    /// [`UnknownRun`] if there was no such run.
    pub fn after_run(
        name: String,
        pipeline: &str,
        run: u64,
        store: &Store,
    ) -> Result<Self, UnknownRun> {
        let mut known = Vec::new();
        let mut tasks = BTreeMap::new();
        // The ids that tasks had last, by their first ids.
        let mut present: HashMap<String, String> = HashMap::new();
        for ledger in ledgers(store) {
            let rows = read_ledger(&ledger)?;
            let mut of_pipeline = rows.into_iter().filter(|row| row.pipeline == pipeline);
            let (Some(number), Some(first)) = (number(&ledger), of_pipeline.next()) else {
                continue;
            };
            known.push(number);
            if number > run {
                continue;
            }
            for row in std::iter::once(first).chain(of_pipeline) {
                let key = row.key.parse::<Key>().ok();
                let Some(key) = key.filter(|_| row.outcome == "done") else {
                    continue;
                };
                let Ok(Some(record)) = store.record(key) else {
                    continue;
                };
                let first = record.formerly.as_ref().unwrap_or(&row.task);
                let before = present.insert(first.clone(), row.task.clone());
                // A task that has been renamed since is not there under both names.
                if let Some(id) = before.filter(|id| *id != row.task) {
                    tasks.remove(&id);
                }
                let side_task = SideTask {
                    position: tasks.len(),
                    first_id: record.formerly.clone(),
                    key_inputs: record.key_inputs.clone(),
                    is_complete: true,
                    result: Some((key, record)),
                };
                tasks.insert(row.task, side_task);
            }
        }
        match known.contains(&run) {
            true => Ok(Self {
                name,
                is_whole: false,
                tasks,
            }),
            false => Err(UnknownRun::Unknown {
                run,
                pipeline: pipeline.to_owned(),
                known,
            }),
        }
    }

    /// Tasks that `other` does not have, in the order of the pipeline.
    pub(super) fn without(&self, other: &Self) -> Vec<String> {
        let partners = other.by_first_id();
        let tasks = self.tasks.iter();
        let mut only: Vec<_> = tasks
            .filter(|(id, task)| other.partner(&partners, self, id, task).is_none())
            .collect();
        only.sort_by_key(|(_, task)| task.position);
        only.into_iter().map(|(id, _)| id.clone()).collect()
    }

    /// Tasks of both sides, in the order of `other` and with the ids that they have there.
    pub(super) fn pairs<'a>(
        &'a self,
        other: &'a Self,
    ) -> Vec<(&'a str, &'a SideTask, &'a SideTask)> {
        let partners = self.by_first_id();
        let pair = |(id, after): (&'a String, &'a SideTask)| {
            let before = self.partner(&partners, other, id, after)?;
            Some((id.as_str(), before, after))
        };
        let mut pairs: Vec<_> = other.tasks.iter().filter_map(pair).collect();
        pairs.sort_by_key(|(_, _, after)| after.position);
        pairs
    }

    /// Those tasks that have been renamed, by their first ids.
    fn by_first_id(&self) -> BTreeMap<&str, &SideTask> {
        let tasks = self.tasks.values();
        tasks
            .filter_map(|task| Some((task.first_id.as_deref()?, task)))
            .collect()
    }

    /// The task of this side that a task of `other` is: that of its first id, as its present one may have been another's before. Where a
    /// run does not say first ids, that of its present id.
    fn partner<'a>(
        &'a self,
        by_first_id: &BTreeMap<&str, &'a SideTask>,
        other: &Self,
        id: &str,
        task: &SideTask,
    ) -> Option<&'a SideTask> {
        let first = task.first_id.as_deref().unwrap_or(id);
        let unnamed = self.tasks.get(first);
        let unnamed = unnamed.filter(|found| found.first_id.is_none());
        let known = by_first_id.get(first).copied().or(unnamed);
        known.or_else(|| {
            let found = self.tasks.get(id)?;
            let is_same = match (&found.first_id, &task.first_id) {
                (None, Some(_)) => !self.is_whole,
                (Some(first), None) => !other.is_whole && !other.tasks.contains_key(first),
                _ => false,
            };
            is_same.then_some(found)
        })
    }
}
