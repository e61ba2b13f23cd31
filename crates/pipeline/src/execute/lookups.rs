//! Looking for results elsewhere, beside what is being computed.
//!
//! A task whose key is known is looked for once, before it may run. Lookups wait for network and disks, not for cores, so they are
//! counted apart from the budget.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::Scope;

use super::executor::Message;
use super::schedule::Schedule;
use super::{RunEvent, missing_card};
use crate::sharing::{Lookup, Miss, Origin, PARALLEL, Wanted};
use crate::store::{Committed, Key};
use crate::survey::State;

/// The lookups of a run.
#[derive(Debug, Default)]
pub(super) struct Lookups {
    /// What is still to be looked for, in the order of the plan as far as it is known.
    left: VecDeque<(usize, Key)>,
    /// Keys that are being looked for, with their tasks.
    under_way: Vec<(usize, Key)>,
    /// Whether the run is stopping: what comes now is no answer.
    is_stopped: bool,
    /// Tasks and keys that were looked for, so that none is a second time.
    asked: BTreeSet<(usize, Key)>,
}

impl Lookups {
    pub(super) fn is_any_under_way(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// Returns whether something is or will be looked for.
    pub(super) fn is_any_left(&self) -> bool {
        !self.left.is_empty() || self.is_any_under_way()
    }

    /// Takes the tasks out that wait to be looked for under this key.
    pub(super) fn remove(&mut self, key: Key) -> Vec<usize> {
        let all = std::mem::take(&mut self.left).into_iter();
        let (twins, left): (VecDeque<_>, VecDeque<_>) = all.partition(|(_, other)| *other == key);
        self.left = left;
        twins.into_iter().map(|(task, _)| task).collect()
    }

    /// The next to look for. Of two tasks with one key the second waits for the first.
    fn next(&mut self, is_running: impl Fn(Key) -> bool) -> Option<(usize, Key)> {
        if self.under_way.len() >= PARALLEL {
            return None;
        }
        let is_free = |(_, key): &(usize, Key)| {
            !is_running(*key) && !self.under_way.iter().any(|(_, other)| other == key)
        };
        let place = self.left.iter().position(is_free)?;
        let next = self.left.remove(place)?;
        self.under_way.push(next);
        Some(next)
    }
}

/// What threads that look for results need: a scope to live in, and somebody to report to.
pub(super) struct Seekers<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    sender: Sender<Message>,
}

impl<'scope, 'env> Seekers<'scope, 'env> {
    pub(super) fn new(scope: &'scope Scope<'scope, 'env>, sender: &Sender<Message>) -> Self {
        let sender = sender.clone();
        Self { scope, sender }
    }
}

impl<'a> Schedule<'a> {
    /// A task needs a result with this key, which is not in the store: it is looked for elsewhere, or made.
    pub(super) fn offer(&mut self, index: usize, key: Key) {
        let is_shared = self.context.options.sharing.is_some();
        if is_shared && self.lookups.asked.insert((index, key)) && self.states.seek(index) {
            self.lookups.left.push_back((index, key));
        } else if self.context.options.compute {
            let missed = self.outcome.misses.get(&index);
            match missing_card(self.task(index), self.context.options, missed) {
                Some(error) => {
                    self.fatal.get_or_insert(error);
                }
                None => self.states.make_ready(index, key, self.urgency(index)),
            }
        }
    }

    pub(super) fn start_lookups<'scope>(&mut self, seekers: &Seekers<'scope, '_>)
    where
        'a: 'scope,
    {
        let Some(sharing) = self.context.options.sharing.clone() else {
            return;
        };
        loop {
            let states = &self.states;
            let Some((index, key)) = self.lookups.next(|key| states.is_running(key)) else {
                return;
            };
            let task = self.task(index);
            let key_inputs = self.surveyor.key_inputs(task, &self.survey);
            let wanted = Wanted {
                pipeline: &self.context.plan.name,
                task,
                key,
                key_inputs,
            };
            let (sender, store, sharing) = (
                seekers.sender.clone(),
                self.context.store,
                Arc::clone(&sharing),
            );
            seekers.scope.spawn(move || {
                let lookup = sharing.take(store, &wanted);
                // The receiver outlives every thread of the scope.
                let _ = sender.send(Message::LookedUp(index, Box::new(lookup)));
            });
        }
    }

    /// Ends what is being looked for: what waits for a server would keep the run waiting.
    pub(super) fn stop_lookups(&mut self) {
        self.lookups.left.clear();
        self.lookups.is_stopped = true;
        // What tries whether something can be pushed waits for it, too.
        if let Some(sharing) = &self.context.options.sharing {
            sharing.stop();
        }
    }

    pub(super) fn looked_up(&mut self, index: usize, lookup: Lookup) {
        let mut under_way = self.lookups.under_way.iter();
        let Some(place) = under_way.position(|(task, _)| *task == index) else {
            return;
        };
        let (_, key) = self.lookups.under_way.swap_remove(place);
        match lookup {
            Lookup::Taken(committed, origin) => self.taken(index, key, &committed, origin),
            Lookup::Missed(miss) => self.missed(index, key, miss),
            Lookup::Store(error) => {
                self.fatal.get_or_insert(error.into());
            }
        }
    }

    fn taken(&mut self, index: usize, key: Key, committed: &Committed, origin: Origin) {
        self.surveyor.remember(key, committed);
        // It may have been made from files of another content than those that are here.
        match self.surveyor.assess(index, &self.survey) {
            state @ State::Current { .. } => {
                self.keep_code(index);
                self.states.reuse(index);
                self.forecast.ended(index);
                self.outcome.taken.push((index, origin.clone()));
                self.becomes_current(index, state);
                self.notify(index, RunEvent::Taken { origin: &origin });
                self.reuse_twins(key);
                self.unblock_dependants(index);
            }
            state => {
                let reasons = state.reasons().to_vec();
                self.missed(index, key, Miss::OtherFiles { reasons });
            }
        }
    }

    fn missed(&mut self, index: usize, key: Key, miss: Miss) {
        if self.lookups.is_stopped {
            return;
        }
        tracing::info!(task = %self.task(index).id, "not taken: {miss}");
        self.outcome.misses.insert(index, miss);
        self.offer(index, key);
    }
}
