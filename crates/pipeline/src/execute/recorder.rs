//! Records what a run is doing while it tells an observer.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::failure::chain;
use super::{Ended, Notification, Observer, RunEvent};
use crate::sharing::Miss;
use crate::store::Store;
use crate::watch::{
    self, Counts, FailedTask, LISTED_FAILURES, LISTED_TASKS, Process, RunOutcome, RunState,
    STATE_VERSION, TaskProgress, now,
};

/// Shortest time between two times that the file is written.
const INTERVAL: Duration = Duration::from_secs(1);

/// Longest time: a watcher elsewhere takes the file's age as a sign of life.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Longest message of a task that is kept, in characters.
const LONGEST: usize = 300;

/// Hands all events on, and keeps what they mean in a file.
pub(super) struct Recorder<'a> {
    observer: &'a mut dyn Observer,
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

struct Shared {
    store: Store,
    kept: Mutex<Kept>,
    /// Something is new, or the run has ended.
    news: Condvar,
}

/// What the thread that writes and the one that records have in common.
struct Kept {
    state: RunState,
    under_way: BTreeMap<usize, TaskProgress>,
    is_new: bool,
    has_ended: bool,
}

impl RunOutcome {
    /// What the end of a run comes to. `computes`: whether it was to compute what was not found elsewhere.
    pub fn of(ended: &Ended, computes: bool) -> Self {
        let Ended { outcome, broken } = ended;
        let is_well = outcome.failures.is_empty()
            && match computes {
                // A task that was left to a cluster is no failure.
                true => outcome.left.is_empty() || !outcome.submitted.is_empty(),
                false => !outcome.misses.values().any(Miss::is_fault),
            };
        match broken {
            None if outcome.interrupted => Self::Stopped,
            None if is_well => Self::Ok,
            _ => Self::Failed,
        }
    }
}

impl<'a> Recorder<'a> {
    /// A recorder for the run with this name.
    pub(super) fn start(
        observer: &'a mut dyn Observer,
        store: &Store,
        pipeline: &str,
        run: &str,
        counts: Counts,
    ) -> Self {
        let state = RunState {
            version: STATE_VERSION,
            run: run.to_owned(),
            pipeline: pipeline.to_owned(),
            process: Process::this(),
            begun: now(),
            written: now(),
            outcome: None,
            reason: None,
            counts,
            seconds_left: 0.0,
            tasks: Vec::new(),
            failures: Vec::new(),
        };
        let shared = Arc::new(Shared {
            store: store.clone(),
            kept: Mutex::new(Kept {
                state,
                under_way: BTreeMap::new(),
                is_new: counts.total > 0,
                has_ended: false,
            }),
            news: Condvar::new(),
        });
        let writing = Arc::clone(&shared);
        // A run that has nothing to do ends before anybody could watch it.
        let writer = (counts.total > 0).then(|| std::thread::spawn(move || writing.write_on()));
        Self {
            observer,
            shared,
            writer,
        }
    }

    /// Records how the run has ended.
    pub(super) fn finish(mut self, ended: &Ended, computes: bool) {
        self.stop_writing();
        let mut kept = self.shared.kept();
        kept.state.outcome = Some(RunOutcome::of(ended, computes));
        let broken = ended.broken.as_ref();
        kept.state.reason = broken.map(|error| chain(error).join(": "));
        kept.state.seconds_left = 0.0;
        kept.state.counts.queued = 0;
        self.shared.write(&kept.snapshot());
    }

    fn stop_writing(&mut self) {
        self.shared.kept().has_ended = true;
        self.shared.news.notify_all();
        if let Some(writer) = self.writer.take() {
            // A thread that failed has nothing left to write.
            let _ = writer.join();
        }
    }
}

impl Observer for Recorder<'_> {
    fn notify(&mut self, notification: &Notification<'_>) {
        let mut kept = self.shared.kept();
        kept.record(notification);
        kept.is_new = true;
        drop(kept);
        self.shared.news.notify_all();
        self.observer.notify(notification);
    }

    fn note(&mut self, text: &str) {
        self.observer.note(text);
    }

    fn time_left(&mut self, seconds: f64) {
        self.shared.kept().state.seconds_left = seconds;
        self.observer.time_left(seconds);
    }

    fn elsewhere(&mut self, running: usize, queued: usize) {
        let mut kept = self.shared.kept();
        kept.is_new |= kept.state.counts.queued != queued;
        kept.state.counts.queued = queued;
        drop(kept);
        self.shared.news.notify_all();
        self.observer.elsewhere(running, queued);
    }
}

impl Drop for Recorder<'_> {
    fn drop(&mut self) {
        self.stop_writing();
    }
}

impl Shared {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes whenever it is time, until the run has ended.
    fn write_on(&self) {
        let mut written: Option<Instant> = None;
        let mut kept = self.kept();
        while !kept.has_ended {
            let age = written.map_or(HEARTBEAT, |written| written.elapsed());
            let due = if kept.is_new { INTERVAL } else { HEARTBEAT };
            if age >= due {
                kept.is_new = false;
                let state = kept.snapshot();
                drop(kept);
                self.write(&state);
                written = Some(Instant::now());
                kept = self.kept();
                continue;
            }
            let waited = self.news.wait_timeout(kept, due.saturating_sub(age));
            (kept, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// That nobody can watch stops no run.
    fn write(&self, state: &RunState) {
        if let Err(error) = watch::write(&self.store, state) {
            tracing::debug!("cannot write what the run is doing: {error}");
        }
    }
}

impl Kept {
    fn record(&mut self, notification: &Notification<'_>) {
        let Notification {
            index,
            task,
            counts,
            event,
        } = *notification;
        let state = &mut self.state;
        state.seconds_left = counts.seconds_left;
        match event {
            RunEvent::Started | RunEvent::StartedElsewhere => {
                let started = TaskProgress {
                    task: task.id.clone(),
                    since: now(),
                    done: 0,
                    total: 0,
                    unit: String::new(),
                    message: String::new(),
                };
                self.under_way.insert(index, started);
            }
            RunEvent::Progress {
                done,
                total,
                unit,
                message,
            } => {
                if let Some(progress) = self.under_way.get_mut(&index) {
                    progress.done = done;
                    progress.total = total;
                    unit.clone_into(&mut progress.unit);
                    progress.message = message.chars().take(LONGEST).collect();
                }
            }
            RunEvent::Requeued => {
                self.under_way.remove(&index);
            }
            RunEvent::Warning { .. } => {}
            RunEvent::Finished { .. } | RunEvent::Taken { .. } => {
                self.under_way.remove(&index);
                state.counts.done += 1;
            }
            RunEvent::Reused => {
                self.under_way.remove(&index);
                state.counts.reused += 1;
            }
            RunEvent::Failed { failure } => {
                self.under_way.remove(&index);
                state.counts.failed += 1;
                let message = failure.messages.join(": ");
                state.failures.push(FailedTask {
                    task: failure.id.clone(),
                    message: message.chars().take(LONGEST).collect(),
                });
                if state.failures.len() > LISTED_FAILURES {
                    state.failures.remove(0);
                }
            }
            RunEvent::Stopped => {
                self.under_way.remove(&index);
                state.counts.stopped += 1;
            }
        }
    }

    /// The state as it is now.
    fn snapshot(&self) -> RunState {
        let mut state = self.state.clone();
        let counts = &mut state.counts;
        counts.running = self.under_way.len();
        let others = [
            counts.queued,
            counts.running,
            counts.done,
            counts.reused,
            counts.failed,
            counts.stopped,
        ];
        counts.waiting = counts.total.saturating_sub(others.iter().sum());
        let listed = self.under_way.values().take(LISTED_TASKS);
        state.tasks = listed.cloned().collect();
        state.written = now();
        state
    }
}
