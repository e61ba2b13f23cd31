//! The seam between a run and the places where its tasks run: this machine, or a cluster.
//!
//! One thread decides and keeps the state of the run; an executor starts what it is given and reports through a channel of
//! [`Message`]s. Nothing else knows where a task runs.

use std::time::SystemTime;

use eigenscope_plan::PlannedTask;
use eigenscope_stage::Event;

use super::attempt::Attempt;
use super::{ExecuteError, TaskFailure};
use crate::sharing::Lookup;
use crate::store::{Committed, StoreError};

/// What an executor reports, and who looks for results elsewhere.
pub(super) enum Message {
    /// The program of a task has said something.
    Event(usize, Event),
    /// A task has ended; if it ended well, its result is in the store.
    Ended(usize, Box<AttemptOutcome>),
    /// A result has been looked for elsewhere.
    LookedUp(usize, Box<Lookup>),
    /// Something that the user should know and that belongs to no task.
    Note(String),
    /// How many tasks run elsewhere, and how many wait there.
    Elsewhere { running: usize, queued: usize },
    /// A task that was queued elsewhere runs there now.
    Began(usize),
    /// A task that ran elsewhere is queued there again.
    Requeued(usize),
    /// The executor can start nothing more.
    Broken(Box<ExecuteError>),
}

/// How an attempt ended, and what it cost.
pub(super) struct AttemptOutcome {
    pub(super) result: Result<Committed, AttemptError>,
    /// When its program started, if that was not when the task was handed to the executor.
    pub(super) began: Option<SystemTime>,
    pub(super) seconds: f64,
    pub(super) cpu_seconds: Option<f64>,
    pub(super) peak_bytes: Option<u64>,
}

/// Why there is no result.
pub(super) enum AttemptError {
    /// The run is stopping.
    Stopped,
    Failed(TaskFailure),
    /// The artifacts folder cannot be used.
    Store(StoreError),
}

impl From<StoreError> for AttemptError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// How long a task is expected to take.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Expected {
    pub(super) seconds: f64,
    /// Whether it has run before; if not, its kind guesses.
    pub(super) is_known: bool,
}

/// What has become of a task that was handed to an executor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Handed {
    /// Its program runs.
    Running,
    /// It will run when there is room for it.
    Queued,
}

/// A place where tasks run. Its methods return at once: the thread that decides must not wait for it.
pub(super) trait Executor<'a> {
    /// Threads that a task gets here.
    fn threads(&self, task: &PlannedTask) -> usize;

    /// Returns whether no task at all can start now.
    fn is_full(&self) -> bool;

    /// Returns whether a task can start now.
    fn has_room(&self, task: &PlannedTask) -> bool;

    /// Starts a task. What an earlier run has started and left under the same key is adopted in place of that.
    fn start(&mut self, attempt: Attempt<'a>, expected: Expected) -> Handed;

    /// Everything that can start now has been started.
    fn all_started(&mut self) {}

    /// A task that was started here has ended, and what it used is free.
    fn ended(&mut self, task: usize);

    /// Lets tasks use threads that would be idle; `seconds_left` estimates how long a task still takes.
    fn lend_idle_threads(&self, _seconds_left: &dyn Fn(usize) -> f64) {}

    /// Stops all tasks that were started here; each is reported as ended.
    fn stop(&mut self);

    /// Returns whether what was started here goes on without this process.
    fn can_be_left(&self) -> bool;
}
