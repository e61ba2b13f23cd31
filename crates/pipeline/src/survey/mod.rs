//! The survey: which tasks are up to date and why the others are not, found in one walk.
//!
//! A task is current if the folder of its key exists, its outputs have the recorded digests, the files
//! it read outside the store are as they were (or gone, with nothing in their place), and nothing stands where it looked for a file
//! in vain. Otherwise its key inputs are compared with those
//! of its last result, which its readable link leads to. The key depends on the content of all inputs, so
//! a task whose inputs are not current has no key yet and is blocked; it is assessed again when they are.
//! A result that comes out as before therefore stops there: what depends on it is found to be current.

mod code_change;
mod differences;
mod explain;
mod pictures;
mod reason;
mod stored;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use eigenscope_artifact::KindName;
use rayon::prelude::*;

pub use code_change::CodeChange;
pub use explain::{chain, explain};
pub use reason::Reason;

pub(crate) use stored::Intact;

use crate::store::{
    Committed, InputRecord, Key, KeyInputs, OutputRecord, Outputs, Previous, Stamps, Store,
    named_key,
};
use eigenscope_plan::{CodeParts, Plan, PlannedTask, needed};

/// Fewer tasks than this are not worth a thread.
pub(crate) const FEW: usize = 256;

/// Kind of device that tasks compute on.
pub const DEVICE: &str = "cpu";

/// Whether a task is up to date.
#[derive(Debug, Clone)]
pub enum State {
    /// Its result is in the store and intact.
    Current {
        key: Key,
        outputs: Arc<Outputs>,
        /// What the task warned of when it ran.
        warnings: Vec<String>,
    },
    /// All inputs are there; the task has to run.
    Stale {
        /// Where its result will be.
        key: Key,
        reasons: Vec<Reason>,
    },
    /// It waits for inputs: what it needs is not known before they are made.
    Blocked {
        /// The tasks it waits for, after what already differs apart from the inputs.
        reasons: Vec<Reason>,
    },
}

impl State {
    /// Returns whether the result is in the store and intact.
    pub fn is_current(&self) -> bool {
        matches!(self, Self::Current { .. })
    }

    /// The key, where it is known.
    pub fn key(&self) -> Option<Key> {
        match self {
            Self::Current { key, .. } | Self::Stale { key, .. } => Some(*key),
            Self::Blocked { .. } => None,
        }
    }

    /// Why the task is not current; empty if it is.
    pub fn reasons(&self) -> &[Reason] {
        match self {
            Self::Current { .. } => &[],
            Self::Stale { reasons, .. } | Self::Blocked { reasons } => reasons,
        }
    }

    /// What there is to know about `task` besides its state: first what follows from the pipeline file, then what it
    /// warned of when it ran.
    pub fn all_warnings<'a>(&'a self, task: &'a PlannedTask) -> Vec<&'a str> {
        let found = match self {
            Self::Current { warnings, .. } => warnings.as_slice(),
            Self::Stale { .. } | Self::Blocked { .. } => &[],
        };
        let planned = task.warnings.iter();
        let found = found.iter().filter(|text| !task.warnings.contains(text));
        planned.chain(found).map(String::as_str).collect()
    }

    /// One word for tables.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Current { .. } => "current",
            Self::Stale { .. } => "stale",
            Self::Blocked { .. } => "blocked",
        }
    }
}

/// States of the surveyed tasks, by index in the plan.
#[derive(Debug, Clone, Default)]
pub struct Survey {
    states: BTreeMap<usize, State>,
}

impl Survey {
    /// State of a task; `None` if it was not part of the survey.
    pub fn get(&self, task: usize) -> Option<&State> {
        self.states.get(&task)
    }

    /// The warnings of a task, as [`State::all_warnings`]; none if it was not part of the survey.
    pub fn warnings<'a>(&'a self, plan: &'a Plan, task: usize) -> Vec<&'a str> {
        let state = self.get(task);
        state.map_or_else(Vec::new, |state| state.all_warnings(&plan.tasks[task]))
    }

    /// All states in plan order.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &State)> {
        self.states.iter().map(|(&task, state)| (task, state))
    }

    pub(crate) fn set(&mut self, task: usize, state: State) {
        self.states.insert(task, state);
    }

    /// An output of a task, if the task is current.
    pub(crate) fn output(&self, task: usize, kind: &KindName) -> Option<&OutputRecord> {
        match self.get(task)? {
            State::Current { outputs, .. } => outputs.get(kind),
            _ => None,
        }
    }
}

/// Surveys `targets` and everything they need. `data_dir` is where the user keeps data files.
pub fn survey(plan: &Plan, targets: &[usize], store: &Store, data_dir: &Path) -> Survey {
    survey_with(Surveyor::new(plan, store, data_dir), plan, targets)
}

/// As [`survey`], but reads every file, even if its size and times have not changed: a disk that loses bits changes neither.
pub fn rescan(plan: &Plan, targets: &[usize], store: &Store, data_dir: &Path) -> Survey {
    let mut surveyor = Surveyor::new(plan, store, data_dir);
    surveyor.stamps.invalidate_cache();
    survey_with(surveyor, plan, targets)
}

fn survey_with(mut surveyor: Surveyor<'_>, plan: &Plan, targets: &[usize]) -> Survey {
    let survey = surveyor.walk(&needed(plan, targets));
    surveyor.save();
    survey
}

/// Assesses one task after the other, inputs first.
pub(crate) struct Surveyor<'a> {
    plan: &'a Plan,
    store: &'a Store,
    data_dir: &'a Path,
    stamps: Stamps,
    /// Parts of the code of earlier results, by fingerprint.
    code: Mutex<BTreeMap<String, Option<Arc<CodeParts>>>>,
}

impl<'a> Surveyor<'a> {
    pub(crate) fn new(plan: &'a Plan, store: &'a Store, data_dir: &'a Path) -> Self {
        Self {
            plan,
            store,
            data_dir,
            stamps: Stamps::load(store),
            code: Mutex::default(),
        }
    }

    /// Assesses all tasks marked in `needed`.
    pub(crate) fn walk(&self, needed: &[bool]) -> Survey {
        let needed = needed.iter().enumerate().filter(|(_, needed)| **needed);
        let tasks: Vec<usize> = needed.map(|(index, _)| index).collect();
        let mut survey = Survey::default();
        let mut rest = tasks.as_slice();
        while let Some(&first) = rest.first() {
            // Tasks that read nothing from the first on can be assessed together.
            let reads_later = |&task: &usize| {
                let inputs = &self.plan.tasks[task].inputs;
                inputs.iter().any(|input| input.task >= first)
            };
            let together = rest.iter().position(reads_later).unwrap_or(rest.len());
            let (batch, after) = rest.split_at(together.max(1));
            let assess = |&task: &usize| (task, self.assess(task, &survey));
            let states: Vec<_> = batch.par_iter().with_min_len(FEW).map(assess).collect();
            survey.states.extend(states);
            rest = after;
        }
        survey
    }

    /// State of one task, given those of its inputs.
    pub(crate) fn assess(&self, index: usize, survey: &Survey) -> State {
        let task = &self.plan.tasks[index];
        let (key_inputs, waits_for) = self.key_inputs(task, survey);
        if !waits_for.is_empty() {
            let mut reasons = self.differences(task, &key_inputs, false);
            reasons.extend(waits_for.into_iter().map(|input| Reason::WaitsFor {
                task: self.plan.tasks[input].id.clone(),
            }));
            return State::Blocked { reasons };
        }
        let key = key_inputs.key();
        match self.stored(task, key) {
            Ok(Some(Intact { outputs, warnings })) => State::Current {
                key,
                outputs: Arc::new(outputs),
                warnings,
            },
            Ok(None) => State::Stale {
                key,
                reasons: self.differences(task, &key_inputs, true),
            },
            Err(reasons) => State::Stale { key, reasons },
        }
    }

    /// What determines the result of a task, and the tasks whose outputs are not known yet.
    pub(crate) fn key_inputs(
        &self,
        task: &PlannedTask,
        survey: &Survey,
    ) -> (KeyInputs, BTreeSet<usize>) {
        let mut waits_for = BTreeSet::new();
        let mut inputs = Vec::with_capacity(task.inputs.len());
        for input in &task.inputs {
            let source = &self.plan.tasks[input.task];
            match survey.output(input.task, &input.kind) {
                Some(output) => inputs.push(InputRecord {
                    role: input.role.clone(),
                    task: source.id.clone(),
                    labels: source.labels.clone(),
                    content: output.content,
                }),
                None => {
                    waits_for.insert(input.task);
                }
            }
        }
        let key_inputs = KeyInputs {
            kind: kind_name(task),
            parameters: task.parameters.clone(),
            seed: task.random.then_some(task.seed),
            device: DEVICE.to_owned(),
            fingerprint: task.fingerprint.clone(),
            inputs,
        };
        (key_inputs, waits_for)
    }

    /// A result has just been placed: its outputs need not be read again.
    pub(crate) fn remember(&self, key: Key, committed: &Committed) {
        self.stamps.learn_result(key, &committed.known);
    }

    /// A file of a result is not as its size and times say: the result is read the next time.
    pub(crate) fn forget(&self, path: &Path) {
        if let Some(key) = path.parent().and_then(named_key) {
            self.stamps.forget_result(key);
        }
    }

    /// Keeps what was learnt about unchanged files for the next time.
    pub(crate) fn save(&mut self) {
        self.stamps.save();
    }

    /// How a task differs from the last time it was made. `complete`: all its inputs are known.
    fn differences(&self, task: &PlannedTask, new: &KeyInputs, complete: bool) -> Vec<Reason> {
        let reasons = match self.store.previous(&self.plan.name, &task.id) {
            Previous::None => vec![Reason::NeverMade],
            Previous::Gone(key) if complete && key != Some(new.key()) => vec![Reason::NeverMade],
            Previous::Gone(_) => vec![Reason::ResultRemoved],
            Previous::Unreadable(reason) => vec![Reason::RecordUnreadable { reason }],
            Previous::Record(record) => {
                let old = record.key_inputs;
                let changes = self.code_changes(&old.fingerprint, &new.fingerprint);
                differences::all(&old, new, changes, complete)
            }
        };
        // Equal key inputs have an equal key; a store written under other rules is all that is left.
        if reasons.is_empty() && complete {
            return vec![Reason::NeverMade];
        }
        reasons
    }

    /// What differs between two versions of code, as far as is known.
    fn code_changes(&self, old: &str, new: &str) -> Vec<CodeChange> {
        if old == new {
            return Vec::new();
        }
        let mut code = self.code.lock().unwrap_or_else(PoisonError::into_inner);
        let known = code.entry(old.to_owned());
        let known = known.or_insert_with(|| self.store.code(old).map(Arc::new));
        let old = known.clone();
        drop(code);
        let new = self.plan.code.get(new);
        old.zip(new)
            .map(|(old, new)| code_change::code_changes(&old, new))
            .unwrap_or_default()
    }
}

/// What differs between the key inputs of another result of a task and those of now, all of whose inputs are known.
pub(crate) fn compare_key_inputs(old: &KeyInputs, new: &KeyInputs) -> Vec<Reason> {
    differences::all(old, new, Vec::new(), true)
}

/// Name of a task's kind across sections, such as `train/bilinear`.
pub(crate) fn kind_name(task: &PlannedTask) -> String {
    format!("{}/{}", task.stage.name(), task.kind)
}
