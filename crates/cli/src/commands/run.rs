//! `eigenscope run`: bring results up to date.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Result;
use eigenscope_pipeline::execute::{self, Outcome, stderr_observer};
use eigenscope_plan::Plan;

use super::{dry_run, push, relative, tallied, tell, warnings};
use crate::arguments::{ProjectArguments, Run, Terminal};
use crate::budget::{self, SecondSignal};
use crate::exit;
use crate::project::Project;
use crate::settings;
use crate::sharing::{Shared, tell_misses};

pub(crate) fn run(arguments: &ProjectArguments, command: &Run) -> Result<u8> {
    let (project, targets) = Project::open_targets(arguments, &command.targets)?;
    project.refuse_absent_files(&targets)?;
    let slurm = settings::slurm(&project, command)?;
    if command.dry_run {
        return dry_run::run(&project, &targets, command, slurm.as_ref());
    }
    let second = match slurm {
        None => SecondSignal::IsIgnored,
        Some(_) => SecondSignal::Ends,
    };
    let mut options = budget::options(&project.data_dir, &command.budget, second)?;
    options.slurm = slurm;
    options.keep_going = command.keep_going;
    options.download = !command.offline;
    let shared = match command.no_remote {
        true => Shared::without_remote(&project)?,
        false => Shared::of(&project)?,
    };
    let sharing = shared.sharing()?.map(Arc::new);
    options.sharing.clone_from(&sharing);
    let mut observer = stderr_observer(Terminal::of_stderr().redraws);
    let outcome = execute::run(
        &project.plan,
        &targets,
        &project.programs,
        &project.store,
        &options,
        observer.as_mut(),
    )?;
    drop(observer);

    for failure in &outcome.failures {
        tell(&failure.log_end());
    }
    tell(&summary(&outcome));
    tell_submitted(&outcome, &command.targets.pipeline);
    if let Some(sharing) = &sharing {
        tell_misses(&project.plan, &outcome, sharing);
    }
    let has_pushed = push_results(&project, &shared, &outcome, &options.cancel)?;
    tell_warnings(&project.plan, &outcome);
    project.tell_shared_name()?;
    let figures = project.store.figures(&project.plan.name);
    if outcome.is_complete() && figures.is_dir() {
        tell(&format!("figures are in {}", relative(&figures)));
    }
    Ok(match outcome {
        Outcome {
            interrupted: true, ..
        } => exit::INTERRUPTED,
        // Those that were left to Slurm are not missed.
        outcome if outcome.failures.is_empty() && !outcome.submitted.is_empty() => exit::OK,
        outcome if outcome.is_complete() && has_pushed => exit::OK,
        _ => exit::FAILED,
    })
}

/// Says what was left to Slurm, and how to go on.
fn tell_submitted(outcome: &Outcome, pipeline: &str) {
    let submitted = outcome.submitted.len();
    if submitted == 0 {
        return;
    }
    let waiting = outcome.left.len().saturating_sub(submitted);
    let waiting = match waiting {
        0 => String::new(),
        1 => " and 1 waits for them".to_owned(),
        waiting => format!(" and {waiting} wait for them"),
    };
    tell(&format!(
        "{submitted} {} queued or running with Slurm{waiting}; `eigenscope run {pipeline}` goes on with them, `eigenscope status \
         {pipeline}` shows them",
        if submitted == 1 {
            "task is"
        } else {
            "tasks are"
        }
    ));
}

/// Pushes what the run has made, if the settings say so; returns whether all is well.
fn push_results(
    project: &Project,
    shared: &Shared,
    outcome: &Outcome,
    cancel: &AtomicBool,
) -> Result<bool> {
    if outcome.ran.is_empty() || outcome.interrupted || !shared.pushes() {
        return Ok(true);
    }
    let survey = project.survey(&outcome.ran);
    push::push_tasks(project, shared, &outcome.ran, &survey, cancel)
}

/// Lists the warnings of the tasks that ran, and counts the other results that have some.
fn tell_warnings(plan: &Plan, outcome: &Outcome) {
    let ran: BTreeSet<usize> = outcome.ran.iter().copied().collect();
    let (new, old): (Vec<_>, Vec<_>) = outcome
        .warnings
        .iter()
        .partition(|(task, _)| ran.contains(task));
    let new = new.into_iter();
    let new = new.flat_map(|(&task, texts)| texts.iter().map(move |text| (task, text.as_str())));
    let list = warnings::list(plan, new, warnings::SHOWN);
    if !list.is_empty() {
        tell(list.trim_end());
    }
    match old.len() {
        0 => {}
        1 => tell(&format!(
            "1 other task has warnings; `eigenscope status {}` lists them",
            plan.name
        )),
        count => tell(&format!(
            "{count} other tasks have warnings; `eigenscope status {}` lists them",
            plan.name
        )),
    }
}

pub(super) fn summary(outcome: &Outcome) -> String {
    let counts = tallied([
        (outcome.ran.len(), "ran"),
        (outcome.taken.len(), "taken"),
        (outcome.reused.len(), "came out as before"),
        (outcome.current.len(), "up to date"),
        (outcome.failures.len(), "failed"),
        (outcome.left.len(), "left to do"),
    ]);
    let interrupted = if outcome.interrupted {
        "interrupted; "
    } else {
        ""
    };
    format!("{interrupted}tasks: {counts}")
}
