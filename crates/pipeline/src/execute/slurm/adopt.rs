//! What earlier runs have left with Slurm: found by the folders of their batches and the names of their jobs.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use super::super::ExecuteError;
use super::batch::Batch;
use super::commands::{self, CommandError};
use super::end::{TaskEnd, TaskResult};
use super::flight::Flight;
use super::queue::{ElementState, Queue};
use super::worker::Worker;
use crate::store::{Key, Store};

impl Worker<'_, '_> {
    /// Finds the batches of earlier runs, and forgets those of which nothing is left.
    pub(super) fn find_left(&mut self) -> Result<(), ExecuteError> {
        let folders = self.store.batches();
        if folders.is_empty() {
            return Ok(());
        }
        let Some(queue) = self.first_answer(Queue::ask)? else {
            return Ok(());
        };
        for folder in folders {
            match Batch::open(&folder) {
                Ok(batch) => self.adopt(batch, &queue),
                Err(error) => self.cannot_adopt(&folder, &error),
            }
        }
        Ok(())
    }

    /// Forgets the batches whose results are all in the store, without asking what has become of their jobs: one that still runs ends
    /// when its folder is gone.
    pub(super) fn forget_what_is_in_the_store(&self) {
        for folder in self.store.batches() {
            let Ok(batch) = Batch::open(&folder) else {
                continue;
            };
            let is_there = |key: &str| {
                let key = key.parse::<Key>();
                key.is_ok_and(|key| self.store.folder(key).exists())
            };
            if batch.about.tasks.iter().all(|(_, key, _)| is_there(key)) {
                batch.remove(self.store);
            }
        }
    }

    fn cannot_adopt(&self, folder: &Path, error: &io::Error) {
        self.note(format!(
            "slurm: cannot tell what was submitted from {}: {error}; it is left as it is",
            folder.display()
        ));
    }

    fn adopt(&mut self, batch: Batch, queue: &Queue) {
        let Some(job) = batch.job(queue) else {
            // The run was killed before Slurm had taken the job. One that comes all the same finds no folder, and ends.
            batch.remove(self.store);
            return;
        };
        if let Err(error) = batch.note_job(job) {
            return self.broken(error.into());
        }
        let has_failed = batch.setup_failure().is_some();
        if has_failed {
            // What is queued would fail alike. Whether it was cancelled matters little: its folder goes.
            let _ = commands::run("scancel", &[&job.to_string()]);
        }
        let is_alive = |element| !has_failed && queue.is_alive((job, element));
        let mut flight = Flight::new(batch, job);
        let useful = usable(&flight.batch, is_alive);
        let mut is_of_use = vec![false; flight.batch.about.tasks.len()];
        for (number, key) in useful {
            let place = (flight.batch.id.clone(), number);
            if !self.store.folder(key).exists() {
                self.left.insert(key, place);
                is_of_use[number] = true;
            }
        }
        for (number, (_, _, element)) in flight.batch.about.tasks.iter().enumerate() {
            if !is_of_use[number] && !is_alive(*element) {
                flight.settled.insert(number);
            }
        }
        for element in 0..flight.batch.elements() {
            flight.update(element, queue);
        }
        self.flights.push(flight);
    }
}

/// The tasks of a batch that have ended well or whose element lives, with their keys.
fn usable(batch: &Batch, is_alive: impl Fn(usize) -> bool) -> HashMap<usize, Key> {
    let ended = batch.ended();
    let tasks = batch.about.tasks.iter().enumerate();
    let usable = tasks.filter(|(number, (_, _, element))| {
        let is_alive = is_alive(*element);
        match ended.binary_search(number) {
            Ok(_) => match TaskEnd::read(&batch.end(*number)).map(|end| end.result) {
                Ok(TaskResult::Done) => true,
                Ok(TaskResult::Stopped) => is_alive,
                _ => false,
            },
            Err(_) => is_alive && !super::batch::settled(&batch.folder, *number).exists(),
        }
    });
    let keys = usable.filter_map(|(number, (_, key, _))| Some((number, key.parse().ok()?)));
    keys.collect()
}

/// A task that was submitted to a cluster, and with whose end no run has dealt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    pub key: Key,
    /// What Slurm calls its job.
    pub job: String,
    pub state: SubmittedState,
}

/// What has become of a submitted task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SubmittedState {
    Running,
    /// It waits, for the reason that Slurm gives.
    Queued(String),
    /// It has ended well; the next run places its result.
    Ended,
    /// It has failed, and said why.
    Failed(String),
    /// Its job has ended without a word of it; what Slurm says.
    Gone(String),
}

/// The tasks that were submitted from a store and with whose end no run has dealt. Asks nothing if there are none. Without an answer of
/// Slurm, only those that have ended and said so are known; the error is why.
pub fn submitted(store: &Store) -> (Vec<Submitted>, Option<CommandError>) {
    let folders = store.batches();
    if folders.is_empty() {
        return (Vec::new(), None);
    }
    let (queue, error) = match Queue::ask() {
        Ok(queue) => (queue, None),
        Err(error) => (Queue::default(), Some(error)),
    };
    let mut found = Vec::new();
    for batch in folders.iter().filter_map(|folder| Batch::open(folder).ok()) {
        let Some(job) = batch.job(&queue) else {
            continue;
        };
        let ended = batch.ended();
        let setup_failure = batch.setup_failure();
        for (number, (_, key, element)) in batch.about.tasks.iter().enumerate() {
            let Ok(key) = key.parse() else { continue };
            let end = ended.binary_search(&number).is_ok();
            let end = end
                .then(|| TaskEnd::read(&batch.end(number)).ok())
                .flatten();
            let known = queue.elements.get(&(job, *element));
            let state = match (end.and_then(said_by), known) {
                (Some(state), _) => state,
                (None, Some(ElementState::Running)) => SubmittedState::Running,
                (None, Some(ElementState::Queued(reason))) => {
                    SubmittedState::Queued(reason.clone())
                }
                _ if super::batch::settled(&batch.folder, number).exists() => continue,
                (None, _) if setup_failure.is_some() => {
                    let failure = setup_failure.as_ref().map(ToString::to_string);
                    SubmittedState::Failed(failure.unwrap_or_default())
                }
                (None, Some(ElementState::Ended(ending))) => {
                    SubmittedState::Gone(ending.to_string())
                }
                (None, None) if error.is_some() => continue,
                (None, None) => SubmittedState::Gone("Slurm does not know it any more".to_owned()),
            };
            found.push(Submitted {
                key,
                job: format!("{job}_{element}"),
                state,
            });
        }
    }
    (found, error)
}

/// What the end that a task has left says of it; `None` for one that Slurm has stopped, and may start again.
fn said_by(end: TaskEnd) -> Option<SubmittedState> {
    match end.result {
        TaskResult::Done => Some(SubmittedState::Ended),
        TaskResult::Stopped => None,
        TaskResult::Failed { messages, .. } | TaskResult::Folder { messages } => {
            Some(SubmittedState::Failed(messages.join(": ")))
        }
        TaskResult::Damaged { path } => Some(SubmittedState::Failed(format!(
            "{} is damaged",
            path.display()
        ))),
    }
}
