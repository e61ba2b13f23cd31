//! `eigenscope push`: make results available to others.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use eigenscope_pipeline::execute::Options;
use eigenscope_pipeline::sharing::{Check, PushProgress, PushRequest, Pushed, push};
use eigenscope_pipeline::survey::Survey;
use eigenscope_plan::Plan;

use super::gc::bytes;
use super::{plural, tallied, tell};
use crate::arguments::{ProjectArguments, Push, Terminal};
use crate::budget::{self, SecondSignal};
use crate::exit;
use crate::project::Project;
use crate::sharing::{Shared, replacing, tell_given_up};

/// Faults that are named.
const SHOWN: usize = 10;

pub(crate) fn run(arguments: &ProjectArguments, command: &Push) -> Result<u8> {
    let (project, targets) = Project::open_targets(arguments, &command.targets)?;
    let shared = Shared::of(&project)?;
    let mut options = Options::new(&project.data_dir);
    budget::listen(&mut options, None, SecondSignal::IsIgnored)?;
    let survey = project.survey(&targets);
    let tasks: Vec<usize> = survey.iter().map(|(task, _)| task).collect();
    let check = match command.check {
        true => Check::Bytes,
        false => Check::Lengths,
    };
    let is_well = push_tasks(&project, &shared, &tasks, &survey, check, &options.cancel)?;
    Ok(match is_well {
        _ if options.cancel.load(Ordering::Relaxed) => exit::INTERRUPTED,
        true => exit::OK,
        false => exit::FAILED,
    })
}

/// Pushes the results of `tasks` and says what became of them; returns whether all is well.
pub(super) fn push_tasks(
    project: &Project,
    shared: &Shared,
    tasks: &[usize],
    survey: &Survey,
    check: Check<'_>,
    cancel: &AtomicBool,
) -> Result<bool> {
    let remote = shared.remote_to_push_to()?;
    let redraws = Terminal::of_stderr().redraws;
    let request = PushRequest {
        plan: &project.plan,
        tasks,
        survey,
        store: &project.store,
        check,
    };
    let pushed = push(&request, &remote, cancel, &mut |progress| {
        if redraws {
            draw(progress);
        }
    });
    if redraws {
        // The line of the progress makes way.
        let _ = write!(std::io::stderr(), "\r\x1b[K");
    }
    for (what, faults) in [
        ("not replaced", &pushed.conflicts),
        ("not replaced", &pushed.damaged),
        ("not pushed", &pushed.failed),
    ] {
        tell_faults(&project.plan, what, faults);
    }
    tell_given_up(&remote);
    tell(&summary(&pushed, remote.url()));
    if !pushed.conflicts.is_empty() {
        tell(&format!(
            "`{}` tells whether results that are there with another content are computed here the same again",
            project.invocation.command("verify")
        ));
    }
    if !pushed.damaged.is_empty() {
        tell(&replacing(&project.invocation));
    }
    let not_well = [&pushed.conflicts, &pushed.damaged, &pushed.failed];
    Ok(not_well.iter().all(|faults| faults.is_empty()) && pushed.left.is_empty())
}

fn draw(progress: PushProgress) {
    let PushProgress { done, total, .. } = progress;
    let sent = bytes(progress.bytes);
    // A terminal that is gone does not stop anything.
    let _ = write!(std::io::stderr(), "\r\x1b[K{done}/{total} results  {sent}");
}

fn tell_faults(plan: &Plan, what: &str, faults: &[(usize, String)]) {
    for (task, reason) in faults.iter().take(SHOWN) {
        tell(&format!("{what}: {}: {reason}", plan.tasks[*task].id));
    }
    match faults.len().saturating_sub(SHOWN) {
        0 => {}
        more => tell(&format!("{what}: {more} more")),
    }
}

fn summary(pushed: &Pushed, url: &str) -> String {
    let count = pushed.pushed.len();
    let others = tallied([
        (
            pushed.repaired.len(),
            "of them in place of what was damaged or not whole there",
        ),
        (pushed.there.len(), "there already"),
        (pushed.conflicts.len(), "there with another content"),
        (pushed.damaged.len(), "damaged there"),
        (
            pushed.foreign.len(),
            "of another kind of machine, not ours to push",
        ),
        (pushed.failed.len(), "failed"),
        (pushed.not_current.len(), "not up to date"),
        (pushed.left.len(), "left to do"),
    ]);
    let others = match others.as_str() {
        "" => String::new(),
        others => format!("; {others}"),
    };
    let (results, size) = (plural(count, "result"), bytes(pushed.bytes));
    format!("pushed {count} {results} ({size}) to {url}{others}")
}
