//! Tasks as child processes on this machine, within a budget of threads and memory: a thread for each that runs.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::thread::Scope;

use eigenscope_stage::{Resources, ThreadBudget};

use super::attempt::Attempt;
use super::budget::Budget;
use super::cards::CardBudget;
use super::executor::{Executor, Expected, Handed, Message};
use crate::store::Store;
use eigenscope_plan::PlannedTask;

/// The child processes of a run.
pub(super) struct LocalProcesses<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    stop: &'scope AtomicBool,
    store: &'scope Store,
    sender: Sender<Message>,
    budget: Budget,
    cards: CardBudget,
    running: BTreeMap<usize, Running>,
}

struct Running {
    resources: Resources,
    /// Its own threads and those lent to it.
    thread_budget: ThreadBudget,
}

impl<'scope, 'env> LocalProcesses<'scope, 'env> {
    /// None run yet. Their threads are of `scope`; they stop when `stop` is set.
    pub(super) fn new(
        scope: &'scope Scope<'scope, 'env>,
        stop: &'scope AtomicBool,
        store: &'scope Store,
        sender: Sender<Message>,
        budget: Budget,
        cards: CardBudget,
    ) -> Self {
        Self {
            scope,
            stop,
            store,
            sender,
            budget,
            cards,
            running: BTreeMap::new(),
        }
    }
}

impl<'a: 'scope, 'scope> Executor<'a> for LocalProcesses<'scope, '_> {
    fn threads(&self, task: &PlannedTask) -> usize {
        self.budget.threads(&task.resources)
    }

    fn is_full(&self) -> bool {
        self.budget.is_full()
    }

    fn has_room(&self, task: &PlannedTask) -> bool {
        self.budget.fits(&task.resources) && self.cards.fits(task.device)
    }

    fn start(&mut self, mut attempt: Attempt<'a>, _: Expected) -> Handed {
        let index = attempt.index;
        let resources = attempt.task.resources;
        self.budget.take(index, &resources);
        attempt.program_run.task.card = self.cards.take(index, attempt.task.device);
        let thread_budget = ThreadBudget::new(attempt.program_run.task.threads);
        let running = Running {
            resources,
            thread_budget: thread_budget.clone(),
        };
        self.running.insert(index, running);
        let (sender, store, stop) = (self.sender.clone(), self.store, self.stop);
        self.scope.spawn(move || {
            // The receiver outlives every thread of the scope: sending cannot fail.
            let report = |event| drop(sender.send(Message::Event(index, event)));
            let ended = attempt.run(store, stop, &thread_budget, report);
            drop(sender.send(Message::Ended(index, Box::new(ended))));
        });
        Handed::Running
    }

    fn ended(&mut self, task: usize) {
        self.budget.give_back(task);
        self.cards.give_back(task);
        self.running.remove(&task);
    }

    /// Divides the threads that no task needs among running tasks that can use them, first the one with most left to
    /// do. What was lent before is taken back: a task that has just started needs its own.
    fn lend_idle_threads(&self, seconds_left: &dyn Fn(usize) -> f64) {
        let mut idle = self.budget.idle_threads();
        let mut borrowers: Vec<_> = self.running.iter().collect();
        borrowers.sort_by(|(a, _), (b, _)| seconds_left(**b).total_cmp(&seconds_left(**a)));
        for (_, running) in borrowers {
            let lent = idle.min(running.resources.extra_threads);
            idle -= lent;
            let own = self.budget.threads(&running.resources);
            running.thread_budget.set(own + lent);
        }
    }

    fn can_be_left(&self) -> bool {
        self.running.is_empty()
    }

    fn stop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
