//! `eigenscope __element`: what an element of a job array of Slurm runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use eigenscope_pipeline::execute::slurm::{ElementPlace, run_element};
use eigenscope_pipeline::host::host_name;

use crate::arguments::Element;
use crate::cards;
use crate::exit;

pub(crate) fn run(command: &Element) -> Result<u8> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    // Slurm says with SIGTERM that the time is over, or that somebody has cancelled the job.
    ctrlc::set_handler(move || flag.store(true, Ordering::SeqCst))
        .context("cannot listen for signals")?;
    let place = ElementPlace {
        element: command.index,
        restarts: command.restarts,
        host: host(&command.host),
    };
    let all_well = run_element(&command.batch, &place, &stop, &cards::first)?;
    Ok(match all_well {
        true => exit::OK,
        false => exit::FAILED,
    })
}

/// The name that Slurm gives the node, else that of the machine.
fn host(given: &str) -> String {
    if !given.is_empty() {
        return given.to_owned();
    }
    match host_name() {
        name if name.is_empty() => "a node".to_owned(),
        name => name,
    }
}
