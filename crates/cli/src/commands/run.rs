//! `eigenscope run`: bring results up to date.

use anyhow::Result;
use eigenscope_pipeline::execute::{self, Outcome, stderr_observer};

use super::tell;
use crate::arguments::{ProjectArguments, Run};
use crate::budget;
use crate::exit;
use crate::project::Project;

pub(crate) fn run(arguments: &ProjectArguments, command: &Run) -> Result<u8> {
    let (project, targets) = Project::open_targets(arguments, &command.targets)?;
    let mut options = budget::options(&project.data_dir, &command.budget)?;
    options.keep_going = command.keep_going;
    options.dry_run = command.dry_run;
    options.download = !command.offline;
    let mut observer = stderr_observer();
    let outcome = execute::run(
        &project.plan,
        &targets,
        &project.programs,
        &project.store,
        &options,
        observer.as_mut(),
    )?;
    drop(observer);

    if command.dry_run {
        for &task in &outcome.left {
            super::print(&format!("{}\n", project.plan.tasks[task].id))?;
        }
        return Ok(exit::OK);
    }
    for failure in &outcome.failures {
        tell(&format!("\nerror: {failure}"));
    }
    tell(&summary(&outcome));
    let figures = project.store.figures(&project.plan.name);
    if outcome.is_complete() && figures.is_dir() {
        tell(&format!("figures are in {}", relative(&figures)));
    }
    Ok(match outcome {
        Outcome {
            interrupted: true, ..
        } => exit::INTERRUPTED,
        outcome if outcome.is_complete() => exit::OK,
        _ => exit::FAILED,
    })
}

fn summary(outcome: &Outcome) -> String {
    let mut parts = Vec::new();
    for (count, words) in [
        (outcome.ran.len(), "ran"),
        (outcome.reused.len(), "came out as before"),
        (outcome.current.len(), "up to date"),
        (outcome.failures.len(), "failed"),
        (outcome.left.len(), "left to do"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {words}"));
        }
    }
    let interrupted = if outcome.interrupted {
        "interrupted; "
    } else {
        ""
    };
    format!("{interrupted}tasks: {}", parts.join(", "))
}

/// The path from here, where it is below here.
fn relative(path: &std::path::Path) -> String {
    let below = std::env::current_dir()
        .ok()
        .and_then(|here| path.strip_prefix(here).ok().map(ToOwned::to_owned));
    below.as_deref().unwrap_or(path).display().to_string()
}
