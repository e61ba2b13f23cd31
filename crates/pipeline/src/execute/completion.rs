//! What happens when a task ends: its dependants become ready, or turn out to be up to date.

use eigenscope_artifact::KindName;
use eigenscope_stage::Event;

use super::executor::{AttemptError, AttemptOutcome};
use super::schedule::{RunContext, Schedule};
use super::task_states::Running;
use super::{Notification, RunCounts, RunEvent, cores};
use crate::ledger::LedgerRow;
use crate::store::{Key, Record, StoreError};
use crate::survey::{State, StoredOutputs};

impl Schedule<'_> {
    pub(super) fn event(&mut self, index: usize, event: &Event) {
        match event {
            Event::Progress {
                done,
                total,
                unit,
                message,
            } => {
                self.forecast.progressed(index, *done, *total);
                if let Some(running) = self.states.running_mut(index) {
                    running.message.clone_from(message);
                }
                let (done, total) = (*done, *total);
                self.notify(
                    index,
                    RunEvent::Progress {
                        done,
                        total,
                        unit,
                        message,
                    },
                );
            }
            Event::Warning { message } => self.notify(index, RunEvent::Warning { message }),
            Event::File(_)
            | Event::Absent { .. }
            | Event::Pictures { .. }
            | Event::Failed { .. }
            | Event::Usage { .. } => {}
        }
    }

    pub(super) fn ended(&mut self, index: usize, ended: AttemptOutcome) {
        self.forecast.ended(index);
        let Some(running) = self.states.end(index) else {
            return;
        };
        let outcome = match &ended.result {
            Ok(_) => "done",
            Err(AttemptError::Stopped) => "stopped",
            Err(AttemptError::Failed(_) | AttemptError::Store(_)) => "failed",
        };
        let row = self.ledger_row(index, &running, &ended, outcome);
        if let Err(error) = self.ledger.push(row) {
            self.fatal.get_or_insert(error.into());
        }
        match ended.result {
            Ok(committed) => {
                self.outcome.ran.push(index);
                self.surveyor.remember(running.key, &committed);
                let Record {
                    outputs, warnings, ..
                } = committed.record;
                self.becomes_current(
                    index,
                    State::Current {
                        key: running.key,
                        outputs: StoredOutputs::new(self.task(index), |kind: &KindName| {
                            outputs.get(kind).copied()
                        }),
                        warnings,
                    },
                );
                self.notify(
                    index,
                    RunEvent::Finished {
                        seconds: ended.seconds,
                        cpu_seconds: ended.cpu_seconds,
                        peak_bytes: ended.peak_bytes,
                        message: &running.message,
                    },
                );
                self.reuse_twins(running.key);
                self.unblock_dependants(index);
            }
            Err(AttemptError::Stopped) => self.notify(index, RunEvent::Stopped),
            Err(AttemptError::Failed(failure)) => {
                self.notify(index, RunEvent::Failed { failure: &failure });
                self.outcome.failures.push(failure);
            }
            Err(AttemptError::Store(error)) => {
                if let StoreError::Damaged { path } = &error {
                    self.surveyor.forget(path);
                }
                self.notify(index, RunEvent::Stopped);
                self.fatal.get_or_insert(error.into());
            }
        }
    }

    /// Ready tasks with the key of the one that has just ended well need not run.
    pub(super) fn reuse_twins(&mut self, key: Key) {
        let ready = self.states.ready_with(key);
        for twin in ready.into_iter().chain(self.lookups.remove(key)) {
            self.reassess(twin);
        }
    }

    /// The last missing input of a task gives it a key: it is ready, or its result exists already.
    pub(super) fn unblock_dependants(&mut self, index: usize) {
        for dependant in self.states.became_current(index) {
            self.reassess(dependant);
        }
    }

    fn reassess(&mut self, index: usize) {
        match self.surveyor.assess(index, &self.survey) {
            state @ State::Current { .. } => {
                self.states.reuse(index);
                self.forecast.ended(index);
                self.outcome.reused.push(index);
                self.becomes_current(index, state);
                self.notify(index, RunEvent::Reused);
                self.unblock_dependants(index);
            }
            state => {
                if let State::Stale { key, .. } = state {
                    self.offer(index, key);
                }
                self.survey.set(index, state);
            }
        }
    }

    pub(super) fn becomes_current(&mut self, index: usize, state: State) {
        let key = state.key();
        self.survey.set(index, state);
        if let Some(key) = key {
            self.link(index, key);
        }
    }

    pub(super) fn link(&mut self, index: usize, key: Key) {
        let RunContext {
            plan,
            figures,
            store,
            ..
        } = self.context;
        let linked = store.link_result(plan, index, figures, key);
        if let Err(error) = linked {
            self.fatal.get_or_insert(error.into());
        }
    }

    pub(super) fn notify(&mut self, index: usize, event: RunEvent<'_>) {
        let counts = RunCounts {
            done: self.outcome.ran.len() + self.outcome.taken.len() + self.outcome.reused.len(),
            total: self.total,
            seconds_left: self.forecast.seconds_left(),
        };
        let task = self.task(index);
        self.observer.notify(&Notification {
            index,
            task,
            counts,
            event,
        });
    }

    fn ledger_row(
        &self,
        index: usize,
        running: &Running,
        ended: &AttemptOutcome,
        outcome: &str,
    ) -> LedgerRow {
        let task = self.task(index);
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        LedgerRow {
            run: self.ledger.run().to_owned(),
            pipeline: self.context.plan.name.clone(),
            task: task.id.clone(),
            key: running.key.to_string(),
            section: task.stage.name().to_owned(),
            kind: task.kind.to_string(),
            start_seconds: self.start_seconds(running, ended),
            wall_seconds: ended.seconds,
            cpu_seconds: ended.cpu_seconds,
            peak_bytes: ended.peak_bytes,
            threads: count(running.threads),
            outcome: outcome.to_owned(),
            host_cores: count(cores()),
        }
    }

    /// When the program of a task started, counted from the start of the run.
    fn start_seconds(&self, running: &Running, ended: &AttemptOutcome) -> f64 {
        let Some(began) = ended.began else {
            return running.start_seconds;
        };
        // One that an earlier run has started began before this one.
        let since = began.duration_since(self.begun_at).unwrap_or_default();
        since.as_secs_f64()
    }
}
