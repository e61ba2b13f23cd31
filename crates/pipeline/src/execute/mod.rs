//! Running what is stale: child processes within a budget of threads and memory, or jobs of a cluster.
//!
//! One thread decides and keeps the state (`schedule`, `completion`). Where a task runs is behind one seam (`executor`): on this
//! machine (`local`) each running task has a thread that starts its program, listens to it (`program_run`) and commits
//! its result (`attempt`). Stopping for any reason is the same: no new
//! tasks, the standard input of the running ones is closed, and what has not ended then is killed. A result
//! is committed as soon as its task ends, so stopping, or being killed, loses no finished work.

mod attempt;
mod bars;
mod budget;
mod cards;
mod completion;
mod dry_run;
mod executor;
mod failure;
mod forecast;
mod lines;
mod local;
mod lookups;
mod observer;
mod places;
mod process;
mod program_run;
mod recorder;
mod schedule;
pub mod slurm;
mod task_states;

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

pub use bars::{Bars, Width, stderr_observer};
pub use cards::Cards;
pub use dry_run::{DryRun, DryRunTask, dry_run};
pub use failure::{TaskFailure, chain};
pub use lines::{Lines, duration};
pub use observer::{Notification, Observer, RunCounts, RunEvent, Silent};
#[cfg(fuzzing)]
pub(crate) use process::lines_of;

use self::recorder::Recorder;
use self::slurm::{CommandError, SetupFailure, SlurmOptions};
use crate::ledger::Ledger;
use crate::sharing::{Miss, Origin, Sharing};
use crate::store::{Store, StoreError, check_names, figure_names};
use crate::survey::{State, Survey, Surveyor};
use crate::watch::Counts;
use eigenscope_plan::programs::Programs;
use eigenscope_plan::progress::Progress;
use eigenscope_plan::{Plan, PlannedTask, needed};
use eigenscope_stage::Device;

/// Damaged results that are named.
const DAMAGE_SHOWN: usize = 20;

#[derive(Debug, Clone)]
pub struct Options {
    /// Threads that all running tasks may use together.
    pub jobs: usize,
    /// Memory that all running tasks may use together, in MiB.
    pub memory_mib: u64,
    /// Whether to go on with what does not depend on a failed task.
    pub keep_going: bool,
    /// Where the user keeps data files.
    pub data_dir: PathBuf,
    /// Whether missing data files may be downloaded.
    pub download: bool,
    /// Start ready tasks in an order drawn from this seed, not the most urgent first. For tests: no result depends on it.
    pub shuffle: Option<u64>,
    /// The graphics cards of this machine, or why there is none.
    pub cards: Result<Cards, String>,
    /// Run tasks as jobs of Slurm, not on this machine.
    pub slurm: Option<SlurmOptions>,
    /// Where results are looked for before they are computed.
    pub sharing: Option<Arc<Sharing>>,
    /// Whether what is not found elsewhere is computed.
    pub compute: bool,
    /// Set by the caller to stop the run.
    pub cancel: Arc<AtomicBool>,
    /// Counts the tasks that are looked at before the first one starts.
    pub progress: Progress,
}

impl Options {
    /// All cores, no limit of memory, stop at the first failure, no downloads.
    pub fn new(data_dir: &Path) -> Self {
        Self {
            jobs: cores(),
            memory_mib: u64::MAX,
            keep_going: false,
            data_dir: data_dir.to_owned(),
            download: false,
            shuffle: None,
            cards: Err("nobody looked for one".to_owned()),
            slurm: None,
            sharing: None,
            compute: true,
            cancel: Arc::default(),
            progress: Progress::default(),
        }
    }
}

/// What a run did. Every list is of indices into the plan.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Tasks that were up to date from the start.
    pub current: Vec<usize>,
    /// Tasks that ran and ended well, in the order in which they ended.
    pub ran: Vec<usize>,
    /// Tasks whose results were taken from elsewhere, in the order in which they came.
    pub taken: Vec<(usize, Origin)>,
    /// Why the others that were looked for elsewhere were not taken.
    pub misses: BTreeMap<usize, Miss>,
    /// Tasks found up to date after their inputs came out as before.
    pub reused: Vec<usize>,
    pub failures: Vec<TaskFailure>,
    /// Tasks that are not up to date and did not end: those that were stopped, not started, or depend on a failure.
    pub left: Vec<usize>,
    /// Of these, the tasks that the run has left queued or running on a cluster.
    pub submitted: Vec<usize>,
    /// Whether the caller stopped the run.
    pub interrupted: bool,
    /// What there is to know about the results, old and new ([`Survey::warnings`](crate::survey::Survey::warnings)).
    pub warnings: BTreeMap<usize, Vec<String>>,
}

impl Outcome {
    /// The caller has stopped the run while it looked at what there is.
    fn stopped_early(survey: &Survey, needed: &[bool]) -> Self {
        let is_current = |task: usize| survey.get(task).is_some_and(State::is_current);
        let needed = needed.iter().enumerate().filter(|(_, needed)| **needed);
        let (current, left) = needed
            .map(|(task, _)| task)
            .partition(|&task| is_current(task));
        Self {
            current,
            left,
            interrupted: true,
            ..Self::default()
        }
    }

    /// Returns whether all targets are up to date now.
    pub fn is_complete(&self) -> bool {
        self.failures.is_empty() && self.left.is_empty()
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// What it did until then.
    pub outcome: Outcome,
    /// Why it could not go on, if it could not.
    pub broken: Option<ExecuteError>,
}

/// The run itself could not go on; failed tasks are part of [`Outcome`].
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// The artifacts folder cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A target that is not in the plan.
    #[error("there is no task number {target}: the plan has {tasks}")]
    NoSuchTask { target: usize, tasks: usize },
    /// A task needs a graphics card, and there is none.
    #[error(
        "`{task}` computes on a graphics card, and there is none here: {reason}{missed}",
        missed = missed.as_ref().map_or_else(String::new, |missed| format!("; not taken: {missed}"))
    )]
    NoCard {
        task: String,
        reason: String,
        /// Why its result was not taken from elsewhere, if it was looked for.
        missed: Option<Miss>,
    },
    /// The cluster cannot be used.
    #[error("cannot run tasks with Slurm")]
    Slurm(#[from] CommandError),
    /// Jobs cannot begin their work on the nodes.
    #[error(
        "jobs of Slurm cannot begin: {0}\nmodules, setup and the folder of the programs must be there on each node; a line of `setup` \
         that may fail ends in `|| true`"
    )]
    SlurmSetup(SetupFailure),
    /// The data directory has no absolute path.
    #[error("cannot find the data directory {path}", path = path.display())]
    DataDirectory {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

/// Brings `targets` (indices into the plan) and everything they need up to date.
///
/// # Errors
/// The run could not begin, or not go on.
pub fn run(
    plan: &Plan,
    targets: &[usize],
    programs: &Programs,
    store: &Store,
    options: &Options,
    observer: &mut dyn Observer,
) -> Result<Outcome, ExecuteError> {
    let ended = run_to_end(plan, targets, programs, store, options, observer)?;
    ended.broken.map_or(Ok(ended.outcome), Err)
}

/// As [`run`], and says what was done even if it could not go on.
///
/// # Errors
/// The run could not begin.
pub fn run_to_end(
    plan: &Plan,
    targets: &[usize],
    programs: &Programs,
    store: &Store,
    options: &Options,
    observer: &mut dyn Observer,
) -> Result<Ended, ExecuteError> {
    let tasks = plan.tasks.len();
    if let Some(&target) = targets.iter().find(|&&target| target >= tasks) {
        return Err(ExecuteError::NoSuchTask { target, tasks });
    }
    check_names(plan)?;
    let data_dir = std::path::absolute(&options.data_dir).map_err(|source| {
        let path = options.data_dir.clone();
        ExecuteError::DataDirectory { path, source }
    })?;
    let _lock = store.lock_as_it_is()?;
    store.record_pipeline(&plan.file)?;
    let needed = needed(plan, targets);
    let mut surveyor = Surveyor::new(plan, store, &data_dir);
    let (survey, figures) = std::thread::scope(|scope| {
        scope.spawn(|| store.remove_leftovers(&options.cancel));
        let figures = scope.spawn(|| figure_names(plan));
        let survey = surveyor.walk(&needed, &options.progress, &options.cancel);
        (
            survey,
            figures.join().unwrap_or_else(|panic| resume_unwind(panic)),
        )
    });
    let is_whole = (0..tasks).all(|task| !needed[task] || survey.get(task).is_some());
    if !is_whole {
        options.progress.finish();
        return Ok(Ended {
            outcome: Outcome::stopped_early(&survey, &needed),
            broken: None,
        });
    }
    surveyor.save();
    check_cards(plan, &survey, options)?;
    let context = schedule::RunContext {
        plan,
        figures: &figures,
        programs,
        store,
        options,
        data_dir: &data_dir,
    };
    options.progress.finish();
    let mut ledger = Ledger::start(store);
    tell_damage(plan, &survey, observer);
    let waiting = survey.iter().filter(|(_, state)| !state.is_current());
    let total = waiting.count();
    let counts = Counts {
        total,
        current: survey.iter().count() - total,
        ..Counts::default()
    };
    let mut recorder = Recorder::start(observer, store, &plan.name, ledger.run(), counts);
    let schedule = schedule::Schedule::new(context, surveyor, survey, &mut ledger, &mut recorder);
    let Ended { outcome, broken } = schedule.run();
    // The ledger is written even if the run had to end early.
    let written = ledger.write();
    let tidy = || -> Result<(), ExecuteError> {
        written?;
        // Links of another file of this name are left to it.
        let is_shared = !store.of_same_name(&plan.file)?.is_empty();
        if outcome.is_complete() && needed.iter().all(|&needed| needed) && !is_shared {
            store.remove_stale_links(plan, &figures)?;
        }
        Ok(())
    };
    let broken = broken.or_else(|| tidy().err());
    let ended = Ended { outcome, broken };
    recorder.finish(&ended, options.compute);
    Ok(ended)
}

/// Refuses tasks that need a graphics card where there is none, unless their results may be elsewhere.
fn check_cards(plan: &Plan, survey: &Survey, options: &Options) -> Result<(), ExecuteError> {
    if !options.compute || options.sharing.is_some() {
        return Ok(());
    }
    let waiting = survey.iter().filter(|(_, state)| !state.is_current());
    let mut lacking =
        waiting.filter_map(|(task, _)| missing_card(&plan.tasks[task], options, None));
    lacking.next().map_or(Ok(()), Err)
}

/// That a task has to compute on a graphics card of this machine, and there is none. `missed` is why its result was not taken from elsewhere.
fn missing_card(
    task: &PlannedTask,
    options: &Options,
    missed: Option<&Miss>,
) -> Option<ExecuteError> {
    let reason = options.cards.as_ref().err()?;
    let slurm = options.slurm.as_ref();
    let is_here = slurm.is_none_or(|slurm| slurm.settings.is_local(task));
    let lacks_one = task.device.computes == Device::Cuda && is_here;
    lacks_one.then(|| ExecuteError::NoCard {
        task: task.id.clone(),
        reason: reason.clone(),
        missed: missed.cloned(),
    })
}

/// Names the results that are there, but not as they were written.
fn tell_damage(plan: &Plan, survey: &Survey, observer: &mut dyn Observer) {
    let damaged = survey.iter().filter_map(|(task, state)| {
        let damage = state.reasons().iter().find(|reason| reason.is_damage())?;
        Some((task, damage))
    });
    let damaged: Vec<_> = damaged.collect();
    for (task, damage) in damaged.iter().take(DAMAGE_SHOWN) {
        let id = &plan.tasks[*task].id;
        observer.note(&format!("{id}: {damage}; it is computed again"));
    }
    match damaged.len().saturating_sub(DAMAGE_SHOWN) {
        0 => {}
        more => observer.note(&format!("{more} more results are damaged")),
    }
}

/// Cores of this machine.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
