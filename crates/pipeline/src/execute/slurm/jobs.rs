//! Slurm as an executor: hands tasks to the thread that knows the jobs, and never waits for it.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Scope;

use eigenscope_plan::PlannedTask;
use eigenscope_plan::settings::Slurm;

use super::super::attempt::Attempt;
use super::super::executor::{Executor, Expected, Handed, Message};
use super::commits::{self, THREADS};
use super::worker::Worker;
use crate::store::Store;

/// How a run uses Slurm.
#[derive(Debug, Clone)]
pub struct SlurmOptions {
    pub settings: Slurm,
    /// The program that elements of job arrays run, with the arguments before the folder of their batch. An absolute path on the
    /// file system that all nodes share.
    pub element_command: Vec<PathBuf>,
    /// Whether the run ends when everything that can be submitted has been, and leaves the jobs to a later run.
    pub detach: bool,
}

/// The tasks that were started and cannot be left to Slurm: it has not taken them yet, or an earlier run's job has brought them to
/// an end that nobody has dealt with.
#[derive(Debug, Clone, Default)]
pub(super) struct Unsubmitted(Arc<Mutex<HashSet<usize>>>);

impl Unsubmitted {
    pub(super) fn add(&self, task: usize) {
        self.tasks().insert(task);
    }

    pub(super) fn remove(&self, task: usize) {
        self.tasks().remove(&task);
    }

    fn is_empty(&self) -> bool {
        self.tasks().is_empty()
    }

    fn tasks(&self) -> MutexGuard<'_, HashSet<usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the thread of the jobs is told.
pub(super) enum Command<'a> {
    Start(Box<Attempt<'a>>, Expected),
    /// Everything that can start now has been started.
    AllStarted,
    /// The result of a task is in the store, or the run knows why not.
    Settled(String, usize),
    Stop,
    /// The jobs are left alone from now on.
    Leave,
}

/// The jobs of a run.
pub(in super::super) struct SlurmJobs<'a> {
    settings: &'a Slurm,
    commands: Sender<Command<'a>>,
    unsubmitted: Unsubmitted,
    stop: Arc<AtomicBool>,
    has_news: bool,
}

impl<'a> SlurmJobs<'a> {
    /// Starts the threads that look after the jobs. They are of `scope`, and report through `sender`.
    pub(in super::super) fn new<'scope>(
        scope: &'scope Scope<'scope, '_>,
        store: &'scope Store,
        pipeline: &'a str,
        options: &'a SlurmOptions,
        sender: &Sender<Message>,
    ) -> Self
    where
        'a: 'scope,
    {
        let (commands, received) = channel();
        let (finished, receiver) = channel();
        let receiver = Arc::new(Mutex::new(receiver));
        let visibility = options.settings.visibility;
        for _ in 0..THREADS {
            let (receiver, sender, commands) =
                (Arc::clone(&receiver), sender.clone(), commands.clone());
            scope.spawn(move || commits::place(&receiver, store, visibility, &sender, &commands));
        }
        let (unsubmitted, stop) = (Unsubmitted::default(), Arc::default());
        let worker = Worker::new(
            store,
            pipeline,
            options,
            sender.clone(),
            finished,
            unsubmitted.clone(),
            Arc::clone(&stop),
        );
        scope.spawn(move || worker.run(&received));
        Self {
            settings: &options.settings,
            commands,
            unsubmitted,
            stop,
            has_news: false,
        }
    }

    /// The thread of the jobs outlives this: sending cannot fail.
    fn tell(&self, command: Command<'a>) {
        drop(self.commands.send(command));
    }
}

impl<'a> Executor<'a> for SlurmJobs<'a> {
    fn threads(&self, task: &PlannedTask) -> usize {
        let set = self.settings.task(task).threads;
        set.unwrap_or(task.resources.threads).max(1)
    }

    fn is_full(&self) -> bool {
        false
    }

    fn has_room(&self, _: &PlannedTask) -> bool {
        true
    }

    fn start(&mut self, attempt: Attempt<'a>, expected: Expected) -> Handed {
        self.unsubmitted.add(attempt.index);
        self.has_news = true;
        self.tell(Command::Start(Box::new(attempt), expected));
        Handed::Queued
    }

    fn all_started(&mut self) {
        if std::mem::take(&mut self.has_news) {
            self.tell(Command::AllStarted);
        }
    }

    fn ended(&mut self, task: usize) {
        self.unsubmitted.remove(task);
    }

    fn stop(&mut self) {
        if !self.stop.swap(true, Ordering::SeqCst) {
            self.tell(Command::Stop);
        }
    }

    fn can_be_left(&self) -> bool {
        self.unsubmitted.is_empty()
    }
}

impl Drop for SlurmJobs<'_> {
    fn drop(&mut self) {
        self.tell(Command::Leave);
    }
}
