//! Events of a run, for whoever shows its progress.

use super::TaskFailure;
use crate::sharing::Origin;
use eigenscope_plan::PlannedTask;

/// Receives the events of a run. Called by one thread, in the order of events.
pub trait Observer {
    /// Something happened to a task.
    fn notify(&mut self, notification: &Notification<'_>);

    /// Something that belongs to no task, for the user to know.
    fn note(&mut self, _text: &str) {}

    /// Estimate of the time left, about once a second.
    fn time_left(&mut self, _seconds: f64) {}

    /// So many tasks run on a cluster, and so many wait there.
    fn elsewhere(&mut self, _running: usize, _queued: usize) {}
}

/// Something that happened to a task.
#[derive(Debug, Clone, Copy)]
pub struct Notification<'a> {
    /// Index of the task in the plan.
    pub index: usize,
    pub task: &'a PlannedTask,
    /// How far the whole run is, this event included.
    pub counts: RunCounts,
    pub event: RunEvent<'a>,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RunCounts {
    /// Tasks that ran or turned out to be up to date.
    pub done: usize,
    /// Tasks that were not up to date at the start.
    pub total: usize,
    /// Estimate of the time left, in seconds.
    pub seconds_left: f64,
}

/// The events of a task.
#[derive(Debug, Clone, Copy)]
pub enum RunEvent<'a> {
    Started,
    /// It runs on a cluster.
    StartedElsewhere,
    /// It ran on a cluster, and waits there to be started again.
    Requeued,
    /// Its program reported progress (the latest report, at most ten times a second).
    Progress {
        done: u64,
        total: u64,
        unit: &'a str,
        /// Current state, such as loss and accuracy.
        message: &'a str,
    },
    /// Its program warned about something.
    Warning {
        message: &'a str,
    },
    /// Its result is in place.
    Finished {
        seconds: f64,
        /// User and system time of its program, if it reported that.
        cpu_seconds: Option<f64>,
        /// Largest resident set of its program, if it reported that.
        peak_bytes: Option<u64>,
        /// Message of the last progress report; empty if there was none.
        message: &'a str,
    },
    /// Its result was taken from elsewhere.
    Taken {
        origin: &'a Origin,
    },
    /// Its inputs came out as before, so its result is up to date.
    Reused,
    Failed {
        failure: &'a TaskFailure,
    },
    /// It was stopped together with the run.
    Stopped,
}

/// An observer that ignores everything.
#[derive(Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn notify(&mut self, _: &Notification<'_>) {}
}
