//! Dry runs: what a run would do, and how long it may take.

use std::path::Path;

use super::ExecuteError;
use super::forecast::{Forecast, Width};
use super::slurm::{PlannedSubmissions, SlurmOptions, planned};
use crate::ledger::Durations;
use crate::store::{Store, check_names};
use crate::survey::{Reason, State, survey_showing};
use eigenscope_plan::Plan;
use eigenscope_plan::progress::Progress;

/// A run that has not been started.
#[derive(Debug)]
pub struct DryRun {
    /// Tasks that would run or, waiting for inputs, may run; inputs first.
    pub tasks: Vec<DryRunTask>,
    /// Number of tasks that are up to date.
    pub current: usize,
    /// Estimated duration, if all of them run and keep all threads busy.
    pub seconds: f64,
    /// What would be submitted to Slurm.
    pub submissions: Option<PlannedSubmissions>,
}

/// A task that would run, or may.
#[derive(Debug)]
pub struct DryRunTask {
    /// Index into the plan.
    pub task: usize,
    /// Stale or blocked.
    pub state: State,
    /// Whether it runs in any case. One that only waits for inputs runs if these come out other than before.
    pub is_sure: bool,
    /// Estimated duration: that of its last run, else the mean of its kind, else what its kind says.
    pub seconds: f64,
}

/// Says what [`run`](super::run) would do for `targets` with `jobs` threads, or with Slurm. Changes no result.
pub fn dry_run(
    plan: &Plan,
    targets: &[usize],
    store: &Store,
    data_dir: &Path,
    jobs: usize,
    slurm: Option<&SlurmOptions>,
    progress: &Progress,
) -> Result<DryRun, ExecuteError> {
    check_names(plan)?;
    let survey = survey_showing(plan, targets, store, data_dir, progress);
    let waiting = || survey.iter().filter(|(_, state)| !state.is_current());
    let tasks = waiting().map(|(task, _)| task);
    let forecast = Forecast::new(plan, tasks, &Durations::load(store), Width::Known(jobs));
    let submissions = slurm.map(|options| {
        let keys = waiting().map(|(task, state)| match state {
            State::Stale { key, .. } => (task, Some(*key)),
            _ => (task, None),
        });
        planned(plan, &keys.collect::<Vec<_>>(), &forecast, store, options)
    });
    Ok(DryRun {
        submissions,
        tasks: waiting()
            .map(|(task, state)| DryRunTask {
                task,
                state: state.clone(),
                is_sure: state
                    .reasons()
                    .iter()
                    .any(|reason| !matches!(reason, Reason::WaitsFor { .. })),
                seconds: forecast.seconds(task),
            })
            .collect(),
        current: survey.iter().count() - waiting().count(),
        seconds: forecast.seconds_left(),
    })
}
