//! What a run is doing, for whoever watches it: a small file in the folder of its pipeline.
//!
//! A run replaces `artifacts/<pipeline>/.run.json` in one step, about once a second when something has changed and every ten
//! seconds otherwise. The file lists some of the tasks that run and the last failures, so it is small however many
//! tasks there are. Reading it needs no lock and no stage program. Nothing of it enters a result.

mod process;
mod state_file;

pub use process::{Liveness, Process};
pub(crate) use state_file::{STATE_NAME, write};
pub use state_file::{WatchError, latest, read, recorded};

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Version of the file; one of another version is not read.
pub const STATE_VERSION: u32 = 1;

/// Running tasks that are listed.
pub const LISTED_TASKS: usize = 50;

/// Failures that are listed, the latest ones.
pub const LISTED_FAILURES: usize = 10;

/// What is known of a run, or of the last one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunState {
    pub version: u32,
    /// Its name, which its ledger has too.
    pub run: String,
    pub pipeline: String,
    pub process: Process,
    /// When it began, in seconds since 1970.
    pub begun: f64,
    /// When this was written, in the same unit.
    pub written: f64,
    /// How it ended; `None` while it runs.
    pub outcome: Option<RunOutcome>,
    /// Why it could not go on.
    #[serde(default)]
    pub reason: Option<String>,
    pub counts: Counts,
    /// Estimate of the time left.
    pub seconds_left: f64,
    /// Tasks that run, at most [`LISTED_TASKS`].
    pub tasks: Vec<TaskProgress>,
    /// The latest failures, at most [`LISTED_FAILURES`].
    pub failures: Vec<FailedTask>,
}

/// The present, in seconds since 1970.
pub fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs_f64()
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunOutcome {
    /// Everything asked for was done: it is up to date, left to a cluster, or, where nothing is computed, taken as far as it is there.
    Ok,
    /// A task failed or could not be taken, or the run could not go on.
    Failed,
    /// It was interrupted.
    Stopped,
}

impl RunOutcome {
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }
}

/// How many tasks of a run are in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Tasks that were not up to date when the run began; all of the following but `current`.
    pub total: usize,
    /// Tasks that were up to date from the start.
    pub current: usize,
    /// Neither started nor queued.
    pub waiting: usize,
    /// Handed to a cluster, and waiting there for a place.
    pub queued: usize,
    pub running: usize,
    /// Ran and ended well.
    pub done: usize,
    /// Found up to date after their inputs came out as before.
    pub reused: usize,
    pub failed: usize,
    /// Stopped together with the run.
    pub stopped: usize,
}

impl Counts {
    /// Tasks that have not ended well.
    pub fn left(&self) -> usize {
        self.total.saturating_sub(self.done + self.reused)
    }
}

/// A task that runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskProgress {
    pub task: String,
    /// When it started, in seconds since 1970.
    pub since: f64,
    /// Steps that it has done, of `total`; both 0 before it has said so.
    #[serde(default)]
    pub done: u64,
    #[serde(default)]
    pub total: u64,
    /// What these steps are, such as epochs.
    #[serde(default)]
    pub unit: String,
    /// What it says about itself, such as loss and accuracy.
    #[serde(default)]
    pub message: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FailedTask {
    pub task: String,
    pub message: String,
}
