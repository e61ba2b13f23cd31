//! `eigenscope run`: bring results up to date.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use eigenscope_pipeline::execute::{Ended, ExecuteError, Outcome, chain, duration};
use eigenscope_pipeline::sharing::{Check, Sharing};
use eigenscope_pipeline::tone::{Tone, fitted};
use eigenscope_pipeline::watch::RunOutcome;

use super::{dry_run, push, relative, tallied, tell, warnings};
use crate::arguments::{ProjectArguments, Run};
use crate::budget::{self, SecondSignal};
use crate::cards;
use crate::exit;
use crate::invocation::Invocation;
use crate::json;
use crate::notify::{End, Failure, notify};
use crate::project::Project;
use crate::settings;
use crate::sharing::{self, Shared, tell_misses};

pub(crate) fn run(arguments: &ProjectArguments, command: &Run) -> Result<u8> {
    let (project, targets) = Project::open_targets(arguments, &command.targets)?;
    project.refuse_unusable_files(&targets)?;
    let settings = &project.settings;
    let slurm = settings::slurm(settings, arguments, command)?;
    if let Some(slurm) = &slurm {
        let slurm = &slurm.settings;
        let of_patterns = slurm.pattern_warnings(&project.plan, &project.programs);
        for warning in slurm.option_warnings.iter().chain(&of_patterns) {
            tell(warning);
        }
    }
    // An empty command does nothing.
    let notified = command.notify.clone().or_else(|| settings.notify.clone());
    if command.dry_run {
        return dry_run::run(&project, &targets, command, slurm.as_ref());
    }
    let second = match slurm {
        None => SecondSignal::IsIgnored,
        Some(_) => SecondSignal::Ends,
    };
    // With a command to be told how the run ended, it ends as runs do.
    let planning = notified.is_none().then(|| project.progress.clone());
    let mut options = budget::options(&project.data_dir, &command.budget, planning, second)?;
    options.slurm = slurm;
    options.cards = cards::for_plan(&project.plan);
    options.keep_going = command.keep_going;
    options.download = !command.offline;
    let shared = match command.no_remote {
        true => Shared::new(settings).without_remote(),
        false => Shared::new(settings),
    };
    let sharing = shared.sharing_of_run()?.map(Arc::new);
    options.sharing.clone_from(&sharing);
    options.progress = project.progress.clone();
    let begun = Instant::now();
    let ended = project.execute(&targets, &options);
    let told = match &ended {
        Ok(ended) => tell_outcome(
            &project,
            &ended.outcome,
            begun.elapsed(),
            sharing.as_deref(),
        ),
        Err(_) => Ok(()),
    };
    if let (
        Ok(Ended {
            outcome,
            broken: None,
        }),
        Some(sharing),
    ) = (&ended, &sharing)
    {
        push_results(&project, &shared, sharing, outcome, &options.cancel);
    }
    if let Some(text) = &notified {
        // From now on Ctrl-C is for the command.
        options.cancel.store(false, Ordering::SeqCst);
        let end = end(&project.plan.name, &ended, options.compute, begun.elapsed());
        notify(text, &end, &options.cancel);
    }
    told?;
    let advised = |error| cards::advised(error, arguments, &project.plan);
    let ended = ended.map_err(advised)?;
    let outcome = RunOutcome::of(&ended, options.compute);
    match ended.broken {
        Some(error) => Err(advised(error)),
        None => Ok(exit::of_run(outcome)),
    }
}

/// Says what was left to Slurm, and how to go on.
fn tell_submitted(outcome: &Outcome, invocation: &Invocation) {
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
        "{submitted} {} queued or running with Slurm{waiting}; `{}` goes on with them, `{}` shows them",
        if submitted == 1 {
            "task is"
        } else {
            "tasks are"
        },
        invocation.command("run"),
        invocation.command("status")
    ));
}

/// Pushes what the run has made, if the settings say so. What is damaged on the remote is replaced. That something cannot be pushed is
/// said, and is no failure of the run.
fn push_results(
    project: &Project,
    shared: &Shared,
    sharing: &Sharing,
    outcome: &Outcome,
    cancel: &AtomicBool,
) {
    if outcome.ran.is_empty() || outcome.interrupted || !sharing.pushes() {
        return;
    }
    let survey = project.survey(&outcome.ran);
    let damaged = sharing::damaged_there(outcome, sharing);
    let check = Check::BytesOf(&damaged);
    let pushed = push::push_tasks(project, shared, &outcome.ran, &survey, check, cancel);
    if let Err(error) = pushed {
        tell(&format!("warning: nothing was pushed: {error:#}"));
    }
}

/// Says what failed, what was done, and where the figures are.
fn tell_outcome(
    project: &Project,
    outcome: &Outcome,
    took: Duration,
    sharing: Option<&Sharing>,
) -> Result<()> {
    for failure in &outcome.failures {
        tell(&failure.log_end());
    }
    let took = duration(took.as_secs_f64());
    tell(&format!("{}; it took {took}", summary(outcome)));
    tell_submitted(outcome, &project.invocation);
    if let Some(sharing) = sharing {
        tell_misses(project, outcome, sharing);
    }
    tell_warnings(project, outcome);
    project.tell_shared_name()?;
    let figures = project.store.figures(&project.plan.name);
    if outcome.is_complete() && figures.is_dir() {
        tell(&format!(
            "figures are in {}; `{}` puts them on one page",
            relative(&figures),
            project.invocation.command("report")
        ));
    }
    Ok(())
}

/// How the run has ended, for the command that is told.
fn end(
    pipeline: &str,
    ended: &std::result::Result<Ended, ExecuteError>,
    computes: bool,
    took: Duration,
) -> End {
    let mut end = End {
        version: json::VERSION,
        pipeline: pipeline.to_owned(),
        outcome: ended
            .as_ref()
            .map_or(RunOutcome::Failed, |ended| RunOutcome::of(ended, computes)),
        ran: 0,
        taken: 0,
        reused: 0,
        current: 0,
        left: 0,
        seconds: took.as_secs_f64(),
        summary: String::new(),
        failures: Vec::new(),
    };
    match ended {
        Err(error) => end.summary = chain(error).join(": "),
        Ok(Ended { outcome, broken }) => {
            end.ran = outcome.ran.len();
            end.taken = outcome.taken.len();
            end.reused = outcome.reused.len();
            end.current = outcome.current.len();
            end.left = outcome.left.len();
            end.summary = fitted(&summary(outcome), false).into_owned();
            if let Some(error) = broken {
                end.summary.push_str("; ");
                end.summary.push_str(&chain(error).join(": "));
            }
            let failures = outcome.failures.iter().map(|failure| Failure {
                task: failure.id.clone(),
                messages: failure.messages.clone(),
                log: failure.log.display().to_string(),
            });
            end.failures = failures.collect();
        }
    }
    end
}

/// Lists the warnings of the tasks that ran, and counts the other results that have some.
fn tell_warnings(project: &Project, outcome: &Outcome) {
    let ran: BTreeSet<usize> = outcome.ran.iter().copied().collect();
    let (new, old): (Vec<_>, Vec<_>) = outcome
        .warnings
        .iter()
        .partition(|(task, _)| ran.contains(task));
    let new = new.into_iter();
    let new = new.flat_map(|(&task, texts)| texts.iter().map(move |text| (task, text.as_str())));
    let list = warnings::list(&project.plan, &project.invocation, new, warnings::SHOWN);
    if !list.is_empty() {
        tell(list.trim_end());
    }
    let status = project.invocation.command("status");
    match old.len() {
        0 => {}
        1 => tell(&format!("1 other task has warnings; `{status}` lists them")),
        count => tell(&format!(
            "{count} other tasks have warnings; `{status}` lists them"
        )),
    }
}

pub(super) fn summary(outcome: &Outcome) -> String {
    let counts = tallied([
        (outcome.ran.len(), "ran"),
        (outcome.taken.len(), "taken"),
        (outcome.reused.len(), "came out as before"),
        (outcome.current.len(), "up to date"),
        (outcome.failures.len(), &Tone::Bad.of("failed")),
        (outcome.left.len(), "left to do"),
    ]);
    let interrupted = match outcome.interrupted {
        true => Tone::Notable.of("interrupted") + "; ",
        false => String::new(),
    };
    format!("{interrupted}tasks: {counts}")
}
