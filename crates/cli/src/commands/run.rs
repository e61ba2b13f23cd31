//! `eigenscope run`: bring results up to date.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use eigenscope_pipeline::execute::{self, Options, Outcome, stderr_observer};

use super::{dry_run, relative, tell};
use crate::arguments::{ProjectArguments, Run};
use crate::exit;
use crate::project::Project;

pub(crate) fn run(arguments: &ProjectArguments, command: &Run) -> Result<u8> {
    let (project, targets) = Project::open_targets(arguments, &command.targets)?;
    if command.dry_run {
        return dry_run::run(&project, &targets, command);
    }
    let cancel = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&cancel);
    ctrlc::set_handler(move || flag.store(true, Ordering::SeqCst))
        .context("cannot listen for Ctrl-C")?;

    let mut options = Options::new(&project.data_dir);
    options.jobs = command.jobs.map_or(options.jobs, usize::from);
    options.memory_mib = command
        .memory
        .or_else(machine_memory_mib)
        .unwrap_or(options.memory_mib);
    options.keep_going = command.keep_going;
    options.download = !command.offline;
    options.cancel = cancel;
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

/// Four fifths of the machine's memory, where the system says how much there is.
fn machine_memory_mib() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib / 1024 * 4 / 5)
}
