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
mod first_few;
mod former;
mod links;
mod outputs;
mod pictures;
mod reason;
mod stored;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use eigenscope_artifact::KindName;
use eigenscope_stage::Device;
use rayon::prelude::*;

pub use code_change::CodeChange;
pub use explain::{chain, explain};
pub use first_few::first_few;
pub use former::{FormerTable, FormerTables};
pub use links::unlinked;
pub use outputs::StoredOutputs;
pub use reason::Reason;

pub(crate) use stored::Intact;

use crate::store::{
    BorrowedInput, BorrowedKeyInputs, Committed, InputRecord, Key, KeyInputs, Listing,
    OutputRecord, Previous, Stamps, Store, named_key,
};
use eigenscope_plan::progress::{Activity, Progress};
use eigenscope_plan::{CodeParts, Plan, PlannedInput, PlannedTask, needed};

/// Fewer tasks than this are not worth a thread.
pub(crate) const FEW: usize = 256;

/// A survey of more tasks than this is worth stopping.
const LONG: usize = 10_000;

/// A store that holds at least one in so many of the tasks is looked at task by task.
const FULL: usize = 4;

/// Whether a task is up to date.
#[derive(Debug, Clone)]
pub enum State {
    /// Its result is in the store and intact.
    Current {
        key: Key,
        outputs: StoredOutputs,
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
    /// `None`: the task was not part of the survey.
    states: Vec<Option<State>>,
}

impl Survey {
    /// State of a task; `None` if it was not part of the survey.
    pub fn get(&self, task: usize) -> Option<&State> {
        self.states.get(task)?.as_ref()
    }

    /// The warnings of a task, as [`State::all_warnings`]; none if it was not part of the survey.
    pub fn warnings<'a>(&'a self, plan: &'a Plan, task: usize) -> Vec<&'a str> {
        let state = self.get(task);
        state.map_or_else(Vec::new, |state| state.all_warnings(&plan.tasks[task]))
    }

    /// All states in plan order.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &State)> {
        let states = self.states.iter().enumerate();
        states.filter_map(|(task, state)| Some((task, state.as_ref()?)))
    }

    pub(crate) fn set(&mut self, task: usize, state: State) {
        if self.states.len() <= task {
            self.states.resize_with(task + 1, || None);
        }
        self.states[task] = Some(state);
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
    survey_showing(plan, targets, store, data_dir, &Progress::default())
}

/// As [`survey`], counting the tasks.
pub fn survey_showing(
    plan: &Plan,
    targets: &[usize],
    store: &Store,
    data_dir: &Path,
    progress: &Progress,
) -> Survey {
    let surveyor = Surveyor::new(plan, store, data_dir);
    survey_with(surveyor, plan, targets, progress)
}

/// As [`survey`], but a result of any device is up to date: to compare devices.
pub(crate) fn survey_any_device(
    plan: &Plan,
    targets: &[usize],
    store: &Store,
    data_dir: &Path,
) -> Survey {
    let mut surveyor = Surveyor::new(plan, store, data_dir);
    surveyor.accepts_any_device = true;
    survey_with(surveyor, plan, targets, &Progress::default())
}

/// As [`survey`], but reads every file, even if its size and times have not changed: a disk that loses bits changes neither.
pub fn rescan(
    plan: &Plan,
    targets: &[usize],
    store: &Store,
    data_dir: &Path,
    progress: &Progress,
) -> Survey {
    let mut surveyor = Surveyor::new(plan, store, data_dir);
    surveyor.stamps.invalidate_cache();
    survey_with(surveyor, plan, targets, progress)
}

fn survey_with(
    mut surveyor: Surveyor<'_>,
    plan: &Plan,
    targets: &[usize],
    progress: &Progress,
) -> Survey {
    let needed = needed(plan, targets);
    let survey = surveyor.walk(&needed, progress, &AtomicBool::new(false));
    surveyor.save();
    survey
}

/// Assesses one task after the other, inputs first.
pub(crate) struct Surveyor<'a> {
    plan: &'a Plan,
    store: &'a Store,
    data_dir: &'a Path,
    stamps: Stamps,
    accepts_any_device: bool,
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
            accepts_any_device: false,
            code: Mutex::default(),
        }
    }

    /// Assesses all tasks marked in `needed`; of very many only those that are being looked at once `cancel` is set.
    pub(crate) fn walk(&self, needed: &[bool], progress: &Progress, cancel: &AtomicBool) -> Survey {
        let needed = needed.iter().enumerate().filter(|(_, needed)| **needed);
        let tasks: Vec<usize> = needed.map(|(index, _)| index).collect();
        progress.begin(Activity::Surveying, tasks.len());
        let is_long = tasks.len() > LONG;
        let listing = is_long.then(|| Listing::of(self.store, &self.plan.name, tasks.len() / FULL));
        let listing = listing.flatten();
        let mut survey = Survey::default();
        survey.states.resize_with(self.plan.tasks.len(), || None);
        let mut rest = tasks.as_slice();
        while let Some(&first) = rest.first() {
            // Tasks that read nothing from the first on can be assessed together.
            let reads_later = |&task: &usize| {
                let inputs = &self.plan.tasks[task].inputs;
                inputs.iter().any(|input| input.task >= first)
            };
            let together = rest.iter().position(reads_later).unwrap_or(rest.len());
            let (batch, after) = rest.split_at(together.max(1));
            let assess = |&task: &usize| {
                if is_long && cancel.load(Ordering::Relaxed) {
                    return None;
                }
                progress.advance();
                Some((task, self.assess_in(task, &survey, listing.as_ref())))
            };
            let states: Vec<_> = batch.par_iter().with_min_len(FEW).map(assess).collect();
            for (task, state) in states.into_iter().flatten() {
                survey.states[task] = Some(state);
            }
            rest = after;
        }
        survey
    }

    /// State of one task, given those of its inputs.
    pub(crate) fn assess(&self, index: usize, survey: &Survey) -> State {
        self.assess_in(index, survey, None)
    }

    /// The same in a store whose names are known.
    fn assess_in(&self, index: usize, survey: &Survey, listing: Option<&Listing>) -> State {
        let task = &self.plan.tasks[index];
        let Some(key) = self.key(task, task.device.computes, survey) else {
            let missing = |input: &&PlannedInput| survey.output(input.task, &input.kind).is_none();
            let waits_for: BTreeSet<usize> = task
                .inputs
                .iter()
                .filter(missing)
                .map(|input| input.task)
                .collect();
            let mut reasons = self.differences(task, None, survey, listing);
            reasons.extend(waits_for.into_iter().map(|input| Reason::WaitsFor {
                task: self.plan.tasks[input].id.clone(),
            }));
            return State::Blocked { reasons };
        };
        let stored = match listing {
            Some(listing) if !listing.has_result(key) => Ok(None),
            _ => self.stored(task, key),
        };
        match stored {
            Ok(Some(Intact { outputs, warnings })) => State::Current {
                key,
                outputs,
                warnings,
            },
            Ok(None) => self.accepted(task, survey).unwrap_or_else(|| State::Stale {
                key,
                reasons: self.differences(task, Some(key), survey, listing),
            }),
            Err(reasons) => self
                .accepted(task, survey)
                .unwrap_or(State::Stale { key, reasons }),
        }
    }

    /// The state of a task whose result of another device is there and counts as well.
    fn accepted(&self, task: &PlannedTask, survey: &Survey) -> Option<State> {
        let device = match self.accepts_any_device {
            true => Some(task.device.computes.other()),
            false => task.device.accepts,
        };
        let key = self.key(task, device?, survey)?;
        let Intact { outputs, warnings } = self.stored(task, key).ok()??;
        Some(State::Current {
            key,
            outputs,
            warnings,
        })
    }

    /// The key of a task on a device; `None` if the outputs of some task that it reads are not known yet.
    fn key(&self, task: &PlannedTask, device: Device, survey: &Survey) -> Option<Key> {
        let content = |input: &PlannedInput| {
            let output = survey.output(input.task, &input.kind)?;
            Some(output.content)
        };
        let contents: Option<Vec<_>> = task.inputs.iter().map(content).collect();
        let inputs = task.inputs.iter().zip(contents?).map(|(input, content)| {
            let source = &self.plan.tasks[input.task];
            BorrowedInput {
                role: &input.role,
                task: source.id_for(task.stage),
                labels: &source.labels,
                content,
                renamed: Cow::Owned(self.plan.renamed(task.stage, source)),
            }
        });
        let kind = kind_name(task);
        let key_inputs = BorrowedKeyInputs {
            kind: &kind,
            parameters: &task.parameters,
            seed: task.random.then_some(task.seed),
            device: device.name(),
            fingerprint: &task.fingerprint,
        };
        Some(key_inputs.key(inputs))
    }

    /// As [`key_inputs`].
    pub(crate) fn key_inputs(&self, task: &PlannedTask, survey: &Survey) -> KeyInputs {
        key_inputs(self.plan, task, survey)
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

    /// How a task differs from the last time it was made; `key` is its key, if all its inputs are known.
    fn differences(
        &self,
        task: &PlannedTask,
        key: Option<Key>,
        survey: &Survey,
        listing: Option<&Listing>,
    ) -> Vec<Reason> {
        let complete = key.is_some();
        let reasons = match self.previous(task, listing) {
            Previous::None => vec![Reason::NeverMade],
            Previous::Gone(old) if complete && old != key => vec![Reason::NeverMade],
            Previous::Gone(_) => vec![Reason::ResultRemoved],
            Previous::Unreadable(reason) => vec![Reason::RecordUnreadable { reason }],
            Previous::Record(record) => {
                let old = record.key_inputs;
                let new = self.key_inputs(task, survey);
                let changes = self.code_changes(&old.fingerprint, &new.fingerprint);
                differences::all(&old, &new, changes, complete)
            }
        };
        // Equal key inputs have an equal key; a store written under other rules is all that is left.
        if reasons.is_empty() && complete {
            return vec![Reason::NeverMade];
        }
        reasons
    }

    /// The last result of a task: under its id, or else under the one that it had at first.
    pub(crate) fn previous(&self, task: &PlannedTask, listing: Option<&Listing>) -> Previous {
        let of = |id: &str| match listing {
            Some(listing) if !listing.has_link(id) => Previous::None,
            _ => self.store.previous(&self.plan.name, id),
        };
        match of(&task.id) {
            Previous::None if task.formerly.is_some() => of(&task.first_id()),
            previous => previous,
        }
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

/// What differs between the key inputs of another result of a task and those of now. Inputs are compared only if `complete`: all are
/// known.
pub(crate) fn compare_key_inputs(old: &KeyInputs, new: &KeyInputs, complete: bool) -> Vec<Reason> {
    differences::all(old, new, Vec::new(), complete)
}

/// What determines the result of a task; of what it reads, that whose content is known.
pub(crate) fn key_inputs(plan: &Plan, task: &PlannedTask, survey: &Survey) -> KeyInputs {
    let inputs = task.inputs.iter().filter_map(|input| {
        let source = &plan.tasks[input.task];
        let output = survey.output(input.task, &input.kind)?;
        Some(InputRecord {
            role: input.role.to_string(),
            task: source.id_for(task.stage).into_owned(),
            labels: (*source.labels).clone(),
            content: output.content,
            renamed: plan.renamed(task.stage, source),
        })
    });
    KeyInputs {
        kind: kind_name(task),
        parameters: (*task.parameters).clone(),
        seed: task.random.then_some(task.seed),
        device: task.device.computes.name().to_owned(),
        fingerprint: task.fingerprint.to_string(),
        inputs: inputs.collect(),
    }
}

/// Name of a task's kind across sections, such as `train/bilinear`.
pub(crate) fn kind_name(task: &PlannedTask) -> String {
    format!("{}/{}", task.stage.name(), task.kind)
}
