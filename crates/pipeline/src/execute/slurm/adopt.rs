//! What earlier runs have left with Slurm: found by the folders of their batches and the names of their jobs.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use super::super::ExecuteError;
use super::batch::Batch;
use super::commands::CommandError;
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
        let mut flight = Flight::new(batch, job);
        let useful = usable(&flight.batch, job, queue);
        let mut is_of_use = vec![false; flight.batch.about.tasks.len()];
        for (number, key) in useful {
            let place = (flight.batch.id.clone(), number);
            if !self.store.folder(key).exists() {
                self.left.insert(key, place);
                is_of_use[number] = true;
            }
        }
        for (number, (_, _, element)) in flight.batch.about.tasks.iter().enumerate() {
            if !is_of_use[number] && !queue.is_alive((job, *element)) {
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
fn usable(batch: &Batch, job: u64, queue: &Queue) -> HashMap<usize, Key> {
    let ended = batch.ended();
    let tasks = batch.about.tasks.iter().enumerate();
    let usable = tasks.filter(|(number, (_, _, element))| {
        let is_alive = queue.is_alive((job, *element));
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

/// A task that is queued or runs on a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submitted {
    pub key: Key,
    /// What Slurm calls its job.
    pub job: String,
    pub is_running: bool,
    /// Why it waits, in Slurm's words.
    pub reason: String,
}

/// The tasks that were submitted from a store and have not ended, as Slurm says now. Asks nothing if there are none.
///
/// # Errors
/// Slurm does not answer.
pub fn submitted(store: &Store) -> Result<Vec<Submitted>, CommandError> {
    let folders = store.batches();
    if folders.is_empty() {
        return Ok(Vec::new());
    }
    let queue = Queue::ask()?;
    let mut found = Vec::new();
    for batch in folders.iter().filter_map(|folder| Batch::open(folder).ok()) {
        let Some(job) = batch.job(&queue) else {
            continue;
        };
        let ended = batch.ended();
        for (number, (_, key, element)) in batch.about.tasks.iter().enumerate() {
            let (is_running, reason) = match queue.elements.get(&(job, *element)) {
                Some(ElementState::Running) => (true, String::new()),
                Some(ElementState::Queued(reason)) => (false, reason.clone()),
                _ => continue,
            };
            let is_over = ended.binary_search(&number).is_ok()
                || super::batch::settled(&batch.folder, number).exists();
            if let (false, Ok(key)) = (is_over, key.parse()) {
                found.push(Submitted {
                    key,
                    job: format!("{job}_{element}"),
                    is_running,
                    reason,
                });
            }
        }
    }
    Ok(found)
}
