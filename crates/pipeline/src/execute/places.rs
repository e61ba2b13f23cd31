//! The executors of a run, and which task belongs to which.

use std::sync::atomic::AtomicBool;
use std::sync::mpsc::Sender;
use std::thread::Scope;

use super::attempt::Attempt;
use super::budget::Budget;
use super::cards::CardBudget;
use super::executor::{Executor, Expected, Handed, Message};
use super::local::LocalProcesses;
use super::schedule::RunContext;
use super::slurm::SlurmJobs;
use eigenscope_plan::PlannedTask;

/// Where the tasks of a run run.
pub(super) struct Places<'scope, 'a: 'scope> {
    local: Box<dyn Executor<'a> + 'scope>,
    /// Where the tasks run that do not stay on this machine.
    cluster: Option<Box<dyn Executor<'a> + 'scope>>,
    /// For each task of the plan, whether it belongs on the cluster, if there is one.
    on_cluster: Vec<bool>,
}

impl<'scope, 'a: 'scope> Places<'scope, 'a> {
    /// The executors that the options ask for. Their threads are of `scope`, and they report through `sender`.
    pub(super) fn new<'env>(
        context: RunContext<'a>,
        scope: &'scope Scope<'scope, 'env>,
        stop: &'scope AtomicBool,
        sender: &Sender<Message>,
    ) -> Self
    where
        'env: 'scope,
    {
        let options = context.options;
        let budget = Budget::new(options.jobs, options.memory_mib);
        let cards = CardBudget::new(options.cards.clone().ok());
        let local = LocalProcesses::new(scope, stop, context.store, sender.clone(), budget, cards);
        let mut places = Self {
            local: Box::new(local),
            cluster: None,
            on_cluster: Vec::new(),
        };
        if let Some(slurm) = &options.slurm {
            let plan = context.plan;
            let jobs = SlurmJobs::new(scope, context.store, &plan.name, slurm, sender);
            let tasks = plan.tasks.iter();
            places.on_cluster = tasks.map(|task| !slurm.settings.is_local(task)).collect();
            places.cluster = Some(Box::new(jobs));
        }
        places
    }

    fn executor(&self, task: usize) -> &(dyn Executor<'a> + 'scope) {
        match &self.cluster {
            Some(cluster) if self.on_cluster.get(task) == Some(&true) => cluster.as_ref(),
            _ => self.local.as_ref(),
        }
    }

    fn executor_mut(&mut self, task: usize) -> &mut (dyn Executor<'a> + 'scope) {
        match &mut self.cluster {
            Some(cluster) if self.on_cluster.get(task) == Some(&true) => cluster.as_mut(),
            _ => self.local.as_mut(),
        }
    }

    fn all(&mut self) -> impl Iterator<Item = &mut Box<dyn Executor<'a> + 'scope>> {
        [&mut self.local].into_iter().chain(&mut self.cluster)
    }

    /// Threads that a task gets.
    pub(super) fn threads(&self, index: usize, task: &PlannedTask) -> usize {
        self.executor(index).threads(task)
    }

    /// Returns whether no task at all can start now.
    pub(super) fn are_full(&self) -> bool {
        let cluster = self.cluster.as_ref();
        self.local.is_full() && cluster.is_none_or(|cluster| cluster.is_full())
    }

    /// Returns whether a task can start now.
    pub(super) fn has_room(&self, index: usize, task: &PlannedTask) -> bool {
        self.executor(index).has_room(task)
    }

    pub(super) fn start(&mut self, attempt: Attempt<'a>, expected: Expected) -> Handed {
        self.executor_mut(attempt.index).start(attempt, expected)
    }

    /// Everything that can start now has been started.
    pub(super) fn all_started(&mut self) {
        self.all().for_each(|executor| executor.all_started());
    }

    /// A task has ended.
    pub(super) fn ended(&mut self, task: usize) {
        self.executor_mut(task).ended(task);
    }

    pub(super) fn lend_idle_threads(&self, seconds_left: &dyn Fn(usize) -> f64) {
        self.local.lend_idle_threads(seconds_left);
    }

    /// Returns whether everything that was started goes on without this process.
    pub(super) fn can_be_left(&self) -> bool {
        let cluster = self.cluster.as_ref();
        self.local.can_be_left() && cluster.is_none_or(|cluster| cluster.can_be_left())
    }

    /// Stops everything that runs.
    pub(super) fn stop(&mut self) {
        self.all().for_each(|executor| executor.stop());
    }
}
