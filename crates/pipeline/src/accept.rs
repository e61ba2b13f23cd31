//! Accepting: results of older code are declared valid for the code as it is now.
//!
//! Nothing is computed. A result is accepted only if its code is all that differs and it is intact; it then stands under the
//! key of the new code as well, and its record names the code that it was computed by. Its files say what they always
//! said. What depends on an accepted result is up to date unless its own code changed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use eigenscope_artifact::KindName;

use crate::store::{Previous, Record, Store, StoreError, check_names, figure_names};
use crate::survey::{FormerTable, FormerTables, Reason, State, StoredOutputs, Survey, Surveyor};
use eigenscope_plan::{Plan, needed};

/// What was accepted and what was not.
#[derive(Debug, Default)]
pub struct Acceptance {
    /// Targets whose result was accepted, or would be.
    pub accepted: Vec<Accepted>,
    /// Targets that were up to date.
    pub current: Vec<usize>,
    /// Targets that have to run.
    pub refused: Vec<Refused>,
}

/// A result that is valid for the new code.
#[derive(Debug)]
pub struct Accepted {
    /// Index into the plan.
    pub task: usize,
    /// Fingerprint of the code that it was valid for.
    pub old: String,
    /// Fingerprint of the code that it is valid for now.
    pub new: String,
    /// How the code differs: always [`Reason::CodeChanged`].
    pub reason: Reason,
}

/// A task whose last result differs in more than its code.
#[derive(Debug)]
pub struct Refused {
    /// Index into the plan.
    pub task: usize,
    /// What forbids it; never empty.
    pub reasons: Vec<Reason>,
    /// Tables that seem to have been renamed by hand.
    pub former: BTreeSet<FormerTable>,
}

/// Accepts the results of `targets`, those that others depend on first. With `dry_run` it only says what would be
/// accepted.
pub fn accept(
    plan: &Plan,
    targets: &[usize],
    store: &Store,
    data_dir: &Path,
    dry_run: bool,
) -> Result<Acceptance, StoreError> {
    check_names(plan)?;
    let _lock = match dry_run {
        true => None,
        false => {
            let lock = store.lock()?;
            store.record_pipeline(&plan.file)?;
            Some(lock)
        }
    };
    let mut accepting = Accepting {
        plan,
        store,
        surveyor: Surveyor::new(plan, store, data_dir),
        survey: Survey::default(),
        acceptance: Acceptance::default(),
        records: BTreeMap::new(),
    };
    let targets: BTreeSet<usize> = targets.iter().copied().collect();
    let needed = needed(plan, &targets.iter().copied().collect::<Vec<_>>());
    let needed = needed.iter().enumerate().filter(|(_, needed)| **needed);
    for (index, _) in needed {
        let state = accepting.surveyor.assess(index, &accepting.survey);
        let state = match targets.contains(&index) {
            true => accepting.target(index, state),
            false => state,
        };
        accepting.survey.set(index, state);
    }
    accepting.surveyor.save();
    accepting.find_former_tables();
    if !dry_run {
        accepting.commit()?;
    }
    Ok(accepting.acceptance)
}

struct Accepting<'a> {
    plan: &'a Plan,
    store: &'a Store,
    surveyor: Surveyor<'a>,
    survey: Survey,
    acceptance: Acceptance,
    /// The accepted results as they are recorded from now on, by task.
    records: BTreeMap<usize, Record>,
}

impl Accepting<'_> {
    /// The state of a target once its result is accepted, if it can be.
    fn target(&mut self, index: usize, state: State) -> State {
        let State::Stale { key, reasons } = &state else {
            match &state {
                State::Blocked { reasons } => self.refuse(index, reasons.clone()),
                _ => self.acceptance.current.push(index),
            }
            return state;
        };
        let [Reason::CodeChanged { old, new, .. }] = reasons.as_slice() else {
            self.refuse(index, reasons.clone());
            return state;
        };
        match self.accepted_record(index) {
            Err(faults) => {
                self.refuse(index, faults);
                state
            }
            Ok(record) => {
                let output = |kind: &KindName| record.outputs.get(kind).copied();
                let outputs = StoredOutputs::new(&self.plan.tasks[index], output);
                let warnings = record.warnings.clone();
                self.records.insert(index, record);
                self.acceptance.accepted.push(Accepted {
                    task: index,
                    old: old.clone(),
                    new: new.clone(),
                    reason: reasons[0].clone(),
                });
                State::Current {
                    key: *key,
                    outputs,
                    warnings,
                }
            }
        }
    }

    fn refuse(&mut self, task: usize, reasons: Vec<Reason>) {
        let former = BTreeSet::new();
        self.acceptance.refused.push(Refused {
            task,
            reasons,
            former,
        });
    }

    fn find_former_tables(&mut self) {
        if self.acceptance.refused.is_empty() {
            return;
        }
        let tables = FormerTables::new(self.plan, self.store);
        for refused in &mut self.acceptance.refused {
            refused.former = tables.of(refused.task, &self.survey);
        }
    }

    /// The record of a task's last result, as it is when the result is accepted; or what is wrong with the result.
    fn accepted_record(&mut self, index: usize) -> Result<Record, Vec<Reason>> {
        let task = &self.plan.tasks[index];
        let Previous::Record(last) = self.surveyor.previous(task, None) else {
            return Err(vec![Reason::NeverMade]);
        };
        let intact = self.surveyor.stored(task, last.key_inputs.key())?;
        let mut record = *intact
            .map(|_| last)
            .ok_or_else(|| vec![Reason::ResultRemoved])?;
        let key_inputs = self.surveyor.key_inputs(task, &self.survey);
        record.accepted_from.push(record.key_inputs.fingerprint);
        record.key_inputs = key_inputs;
        Ok(record)
    }

    /// Commits all accepted results and links their readable names.
    fn commit(&self) -> Result<(), StoreError> {
        let figures = figure_names(self.plan);
        for Accepted {
            task: index, new, ..
        } in &self.acceptance.accepted
        {
            let Some(record) = self.records.get(index) else {
                continue;
            };
            let key = record.key_inputs.key();
            let task = &self.plan.tasks[*index];
            let link = self.store.last_link(&self.plan.name, &task.id);
            self.store.commit_again(&link, record)?;
            if let Some(parts) = self.plan.code.get(new) {
                self.store.keep_code(new, parts)?;
            }
            self.store.link_result(self.plan, *index, &figures, key)?;
        }
        Ok(())
    }
}
