//! Verifying: tasks are computed once more in a scratch folder, and their outputs compared with the store and with the
//! lock file.
//!
//! What the chosen tasks read is taken from the store, unless it is chosen, too. Nothing in the store changes.

mod comparison;
mod devices;
mod figure;
mod lock_file;
mod scratch;
mod summary;
mod tolerance;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use eigenscope_artifact::{ArtifactError, Digest, KindName};

pub use comparison::{ColumnDifference, Comparison, Verdict};
pub use lock_file::{LOCK_VERSION, LockError, LockFile};
pub use summary::{ColumnSummary, OutputSummary};
pub use tolerance::{RELATIVE, Tolerance, Tolerances};

pub use crate::machine::Machine;

use crate::execute::{ExecuteError, Observer, Options, TaskFailure, run};
use crate::store::{Key, Store, StoreError, create_folder};
use crate::survey::{State, Survey, survey_any_device};
use devices::Devices;
use eigenscope_plan::programs::Programs;
use eigenscope_plan::{Plan, needed};
use scratch::Scratch;

/// What is to be verified, and against what.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub plan: &'a Plan,
    /// The tasks to compute again, as indices into it.
    pub tasks: &'a [usize],
    pub programs: &'a Programs,
    pub store: &'a Store,
    /// What a difference is measured by.
    pub tolerances: &'a Tolerances,
    /// The lock file, if results are compared with it as well.
    pub lock: Option<&'a LockFile>,
    /// Whether results that are only equal within tolerance do not hold.
    pub bytes: bool,
}

#[derive(Debug, Default)]
pub struct Verification {
    /// The tasks that were computed again, in plan order.
    pub checks: Vec<Check>,
    /// Tasks that failed. Their logs are those of the real artifacts folder.
    pub failures: Vec<TaskFailure>,
    /// Tasks without a result to compare with: they are not up to date, and no lock file was given.
    pub missing: Vec<usize>,
    /// Tasks of the lock file that the plan does not have.
    pub unknown: Vec<String>,
    /// Whether the caller stopped it.
    pub interrupted: bool,
}

/// One task that was computed again.
#[derive(Debug)]
pub struct Check {
    /// Index into the plan.
    pub task: usize,
    /// Every output beside what it is compared with.
    pub outputs: Vec<OutputCheck>,
}

/// One output beside what it is compared with.
#[derive(Debug)]
pub struct OutputCheck {
    pub kind: KindName,
    pub against: Against,
    pub comparison: Comparison,
}

/// What an output is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// The file in the store.
    Store,
    /// The lock file, of the same kind of machine or of another.
    Lock,
}

impl Check {
    /// The worst of its comparisons.
    pub fn verdict(&self) -> Verdict {
        let verdicts = self.outputs.iter().map(|output| output.comparison.verdict);
        verdicts.max().unwrap_or(Verdict::Equal)
    }
}

impl Verification {
    /// Tasks with this verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        let checks = self.checks.iter();
        checks.filter(|check| check.verdict() == verdict).count()
    }

    /// Returns whether everything that was asked for was compared and holds.
    pub fn holds(&self) -> bool {
        !self.interrupted
            && self.failures.is_empty()
            && self.missing.is_empty()
            && self.unknown.is_empty()
            && self.count(Verdict::Differs) == 0
    }
}

/// `count` of `tasks`, drawn by `seed` and the ids: other tasks of the plan do not matter.
pub fn sample(plan: &Plan, tasks: &[usize], count: usize, seed: u64) -> Vec<usize> {
    let rank = |&task: &usize| {
        let id = plan.tasks.get(task).map_or("", |task| task.id.as_str());
        Digest::of(format!("{seed} {id}").as_bytes())
    };
    let mut drawn = tasks.to_vec();
    drawn.sort_by_cached_key(rank);
    drawn.truncate(count);
    drawn.sort_unstable();
    drawn
}

/// Computes the requested tasks again and compares. The scratch folder is gone when this returns, whatever happened.
pub fn verify(
    request: Request<'_>,
    options: &Options,
    observer: &mut dyn Observer,
) -> Result<Verification, ExecuteError> {
    let Request {
        plan,
        tasks,
        programs,
        store,
        lock,
        ..
    } = request;
    let _lock = store.lock().or_else(|error| match error {
        error if error.is_read_only() => store.lock_for_reading(),
        error => Err(error),
    })?;
    let survey = survey_any_device(plan, tasks, store, &options.data_dir);
    let is_current = |task: usize| survey.get(task).is_some_and(State::is_current);
    let comparable = |&task: &usize| lock.is_some() || is_current(task);
    let (tasks, missing): (Vec<usize>, Vec<usize>) =
        tasks.iter().partition(|task| comparable(task));
    let mut verification = Verification {
        missing,
        unknown: lock.map_or_else(Vec::new, |lock| unknown(plan, lock)),
        ..Verification::default()
    };
    if tasks.is_empty() {
        return Ok(verification);
    }
    let scratch = Scratch::new(store)?;
    let chosen: BTreeSet<usize> = tasks.iter().copied().collect();
    let needed = needed(plan, &tasks);
    let needed = needed.iter().enumerate().filter(|(_, needed)| **needed);
    for (task, _) in needed.filter(|(task, _)| !chosen.contains(task)) {
        if let Some(State::Current { key, .. }) = survey.get(task) {
            scratch.borrow(store, *key)?;
        }
    }
    let devices = Devices::new(plan, store, &survey, &chosen);
    let accepting = devices.accepting(plan);
    let plan = accepting.as_ref().unwrap_or(plan);
    let outcome = run(plan, &tasks, programs, &scratch.store, options, observer)?;
    verification.interrupted = outcome.interrupted;
    verification.failures = outcome.failures;
    for failure in &mut verification.failures {
        keep_log(failure, plan, store)?;
    }
    let again = crate::survey::survey(plan, &tasks, &scratch.store, &options.data_dir);
    let checking = Checking {
        request,
        expected: &survey,
        found: &again,
        scratch: &scratch.store,
        same_machine: lock.is_some_and(|lock| lock.machine == Machine::this()),
        devices,
    };
    for task in tasks {
        if again.get(task).is_some_and(State::is_current) {
            verification
                .checks
                .push(checking.check(task).map_err(StoreError::from)?);
        }
    }
    Ok(verification)
}

fn unknown(plan: &Plan, lock: &LockFile) -> Vec<String> {
    let known: BTreeSet<&str> = plan.tasks.iter().map(|task| task.id.as_str()).collect();
    let locked = lock.task.keys();
    locked
        .filter(|task| !known.contains(task.as_str()))
        .cloned()
        .collect()
}

/// The log outlives the scratch folder: it stands beside the others or, where that cannot be written to, among the system's
/// temporary files.
fn keep_log(failure: &mut TaskFailure, plan: &Plan, store: &Store) -> Result<(), StoreError> {
    let log = store.log(&plan.name, &format!("{}.verify", failure.id));
    let kept = create_folder(log.parent().unwrap_or(&log)).and_then(|()| {
        std::fs::copy(&failure.log, &log).map_err(|source| StoreError::io("write", &log, source))
    });
    failure.log = match kept {
        Ok(_) => log,
        Err(error) if error.is_read_only() => keep_temporary(&failure.log)
            .map_err(|source| StoreError::io("write", &std::env::temp_dir(), source))?,
        Err(error) => return Err(error),
    };
    Ok(())
}

/// Copies a log to a temporary file that stays.
fn keep_temporary(log: &Path) -> std::io::Result<PathBuf> {
    let mut builder = tempfile::Builder::new();
    let (_, copy) = builder
        .prefix("eigenscope-")
        .suffix(".log")
        .tempfile()?
        .keep()?;
    std::fs::copy(log, &copy)?;
    Ok(copy)
}

struct Checking<'a> {
    request: Request<'a>,
    expected: &'a Survey,
    found: &'a Survey,
    scratch: &'a Store,
    same_machine: bool,
    devices: Devices,
}

impl Checking<'_> {
    fn check(&self, index: usize) -> Result<Check, ArtifactError> {
        let Request { plan, lock, .. } = self.request;
        let key = |survey: &Survey| match survey.get(index) {
            Some(State::Current { key, .. }) => Some(*key),
            _ => None,
        };
        let mut outputs = Vec::new();
        let Some((task, found)) = plan.tasks.get(index).zip(key(self.found)) else {
            return Ok(Check {
                task: index,
                outputs,
            });
        };
        for kind in task.outputs.iter() {
            if let Some(expected) = key(self.expected) {
                outputs.push(OutputCheck {
                    kind: kind.clone(),
                    against: Against::Store,
                    comparison: self.with_store(index, kind, found, expected)?,
                });
            }
            if let Some(lock) = lock {
                let locked = lock.task.get(&task.id);
                outputs.push(OutputCheck {
                    kind: kind.clone(),
                    against: Against::Lock,
                    comparison: self.with_lock(index, kind, found, locked)?,
                });
            }
        }
        Ok(Check {
            task: index,
            outputs,
        })
    }

    fn with_store(
        &self,
        task: usize,
        kind: &KindName,
        found: Key,
        expected: Key,
    ) -> Result<Comparison, ArtifactError> {
        let found = self.scratch.output(found, kind);
        let expected = self.request.store.output(expected, kind);
        let tolerances = self.request.tolerances;
        let mut comparison = comparison::with_file(&found, &expected, task, kind, tolerances)?;
        if let Some(device) = self.devices.other(task) {
            if comparison.verdict == Verdict::Within {
                comparison.reason = Some(format!(
                    "other device: the stored result was computed on {device}"
                ));
            }
        } else if self.request.bytes && comparison.verdict == Verdict::Within {
            comparison.verdict = Verdict::Differs;
            comparison.reason = Some("its bytes must be equal here".to_owned());
        }
        Ok(comparison)
    }

    fn with_lock(
        &self,
        task: usize,
        kind: &KindName,
        found: Key,
        locked: Option<&BTreeMap<KindName, OutputSummary>>,
    ) -> Result<Comparison, ArtifactError> {
        let Some(expected) = locked.and_then(|outputs| outputs.get(kind)) else {
            let reason =
                "it is not in the lock file, which `eigenscope lock` writes anew".to_owned();
            return Ok(Comparison::differs(reason));
        };
        let found = self.scratch.output(found, kind);
        let tolerances = self.request.tolerances;
        let same = self.same_machine && !self.devices.is_on_card(task);
        comparison::with_summary(&found, expected, same, task, kind, tolerances)
    }
}
