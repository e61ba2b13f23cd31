//! Options of commands that compute: threads, memory, and Ctrl-C.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use eigenscope_pipeline::execute::Options;
use eigenscope_plan::progress::Progress;

use crate::arguments::Budget;
use crate::commands::tell;
use crate::exit;

/// What a second Ctrl-C does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SecondSignal {
    /// Nothing: the run is ending.
    IsIgnored,
    /// It ends the program at once.
    Ends,
}

/// The options of a run in this budget. Called once: from now on Ctrl-C is the run's to handle, or ends the program at once while
/// `planning` goes on, before anything has been started.
pub(crate) fn options(
    data_dir: &Path,
    budget: &Budget,
    planning: Option<Progress>,
    second: SecondSignal,
) -> Result<Options> {
    let mut options = Options::new(data_dir);
    listen(&mut options, planning, second)?;
    options.jobs = budget.jobs.map_or(options.jobs, usize::from);
    options.memory_mib = budget
        .memory
        .or_else(machine_memory_mib)
        .unwrap_or(options.memory_mib);
    options.shuffle = budget.shuffle;
    Ok(options)
}

/// Lets Ctrl-C cancel what these options are for, or end the program at once while `planning` goes on. Called once.
pub(crate) fn listen(
    options: &mut Options,
    planning: Option<Progress>,
    second: SecondSignal,
) -> Result<()> {
    let cancel = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&cancel);
    let handler = move || {
        let is_second = flag.swap(true, Ordering::SeqCst);
        if planning
            .as_ref()
            .is_some_and(|planning| !planning.has_finished())
        {
            tell("interrupted before anything was started");
            // A plan of a million tasks takes a second to be given back.
            std::process::exit(exit::INTERRUPTED.into());
        }
        if is_second && second == SecondSignal::Ends {
            std::process::exit(exit::INTERRUPTED.into());
        }
    };
    ctrlc::set_handler(handler).context("cannot listen for Ctrl-C")?;
    options.cancel = cancel;
    Ok(())
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
