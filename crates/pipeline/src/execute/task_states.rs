//! The states of the tasks of a run.
//!
//! ```text
//!           last input is current                    fits the budget
//! Waiting ───┬───────────────────────┬────> Ready ─────────────────> Running ──> Ended (done, failed or stopped)
//!    │       │                       │        │
//!    │       └──> Sought ── missed ──┘        │
//!    │              │                         │
//!    └──────────────┴─ its result is there ───┴──> Ended (taken or reused)
//! ```
//!
//! Tasks that are current from the start have no state here. What a task has ended with is part of the run's outcome.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::store::Key;

/// Where a task is in its run.
#[derive(Debug)]
enum TaskState {
    /// Some of its inputs are not current, so its key is not known.
    Waiting {
        /// How many of the tasks that it reads are not current.
        missing: usize,
    },
    /// All its inputs are current, its result is not in the store, and is looked for elsewhere.
    Sought,
    /// All its inputs are current, and its result is not in the store.
    Ready {
        /// Its place in the queue.
        rank: Rank,
    },
    Running,
    /// It ran, or turned out to be current, or failed.
    Ended,
}

/// A task whose program runs.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) key: Key,
    /// Time since the run began.
    pub(super) start_seconds: f64,
    /// Message of its last progress report.
    pub(super) message: String,
    /// Its own threads.
    pub(super) threads: usize,
}

/// Place in the queue of ready tasks: the most urgent first, among equals the first in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// Bits of the duration of the chain that it begins: for numbers that are not negative they are in the same order.
    seconds: Reverse<u64>,
    task: usize,
}

/// The states of all tasks that were not current when the run began. A transition that the module does not show does
/// nothing.
#[derive(Debug, Default)]
pub(super) struct TaskStates {
    states: BTreeMap<usize, TaskState>,
    /// The keys of the ready tasks.
    queue: BTreeMap<Rank, Key>,
    /// How many ready tasks have a key.
    with_key: HashMap<Key, usize>,
    /// For each task, the waiting tasks that read its outputs.
    dependants: BTreeMap<usize, BTreeSet<usize>>,
    running: BTreeMap<usize, Running>,
    /// How many running tasks have a key.
    running_keys: HashMap<Key, usize>,
}

impl TaskStates {
    /// Adds a task that waits for `inputs`.
    pub(super) fn add_waiting(&mut self, task: usize, inputs: &BTreeSet<usize>) {
        let missing = inputs.len();
        self.states.insert(task, TaskState::Waiting { missing });
        for &input in inputs {
            self.dependants.entry(input).or_default().insert(task);
        }
    }

    /// Makes a task ready that is new, that waits for nothing any more, or whose key has changed.
    pub(super) fn make_ready(&mut self, task: usize, key: Key, seconds: f64) {
        match self.states.get(&task) {
            Some(TaskState::Running | TaskState::Ended) => return,
            Some(TaskState::Waiting { missing }) if *missing > 0 => return,
            Some(&TaskState::Ready { rank }) => self.leave_queue(rank),
            Some(TaskState::Waiting { .. } | TaskState::Sought) | None => {}
        }
        let seconds = Reverse(seconds.max(0.0).to_bits());
        let rank = Rank { seconds, task };
        self.queue.insert(rank, key);
        *self.with_key.entry(key).or_default() += 1;
        self.states.insert(task, TaskState::Ready { rank });
    }

    /// Has the result of a task looked for that is new, or waits for nothing any more; returns whether it is.
    pub(super) fn seek(&mut self, task: usize) -> bool {
        let may = match self.states.get(&task) {
            Some(TaskState::Waiting { missing }) => *missing == 0,
            Some(TaskState::Ready { .. } | TaskState::Running | TaskState::Ended) => false,
            Some(TaskState::Sought) | None => true,
        };
        if may {
            self.states.insert(task, TaskState::Sought);
        }
        may
    }

    /// Starts a ready task.
    pub(super) fn start(&mut self, task: usize, running: Running) {
        if let Some(&TaskState::Ready { rank }) = self.states.get(&task) {
            self.leave_queue(rank);
            self.states.insert(task, TaskState::Running);
            *self.running_keys.entry(running.key).or_default() += 1;
            self.running.insert(task, running);
        }
    }

    /// Ends a running task, and returns what it was running with.
    pub(super) fn end(&mut self, task: usize) -> Option<Running> {
        let running = self.running.remove(&task)?;
        count_down(&mut self.running_keys, running.key);
        self.states.insert(task, TaskState::Ended);
        Some(running)
    }

    /// Ends a task that has not started: its result is in the store.
    pub(super) fn reuse(&mut self, task: usize) {
        match self.states.get(&task) {
            Some(&TaskState::Ready { rank }) => {
                self.leave_queue(rank);
                self.states.insert(task, TaskState::Ended);
            }
            Some(TaskState::Waiting { .. } | TaskState::Sought) => {
                self.states.insert(task, TaskState::Ended);
            }
            Some(TaskState::Running | TaskState::Ended) | None => {}
        }
    }

    /// Returns the tasks for which `task`, which is current now, was the last input that they waited for.
    pub(super) fn became_current(&mut self, task: usize) -> Vec<usize> {
        let mut complete = Vec::new();
        for dependant in self.dependants.remove(&task).unwrap_or_default() {
            if let Some(TaskState::Waiting { missing }) = self.states.get_mut(&dependant) {
                *missing -= 1;
                if *missing == 0 {
                    complete.push(dependant);
                }
            }
        }
        complete
    }

    /// The ready tasks with their keys, in the order in which they should start.
    pub(super) fn ready(&self) -> impl Iterator<Item = (usize, Key)> {
        self.queue.iter().map(|(rank, &key)| (rank.task, key))
    }

    /// The ready tasks with this key.
    pub(super) fn ready_with(&self, key: Key) -> Vec<usize> {
        // Two tasks rarely have one key, and looking through all that are ready whenever one ends takes too long.
        match self.with_key.contains_key(&key) {
            true => {
                let ready = self.ready().filter(|(_, other)| *other == key);
                ready.map(|(task, _)| task).collect()
            }
            false => Vec::new(),
        }
    }

    fn leave_queue(&mut self, rank: Rank) {
        if let Some(key) = self.queue.remove(&rank) {
            count_down(&mut self.with_key, key);
        }
    }

    /// Returns whether a task with this key is running.
    pub(super) fn is_running(&self, key: Key) -> bool {
        self.running_keys.contains_key(&key)
    }

    /// The task, if it is running.
    pub(super) fn running_mut(&mut self, task: usize) -> Option<&mut Running> {
        self.running.get_mut(&task)
    }

    /// The running tasks in plan order.
    pub(super) fn running(&self) -> impl Iterator<Item = usize> {
        self.running.keys().copied()
    }

    /// Returns whether a task is running.
    pub(super) fn is_any_running(&self) -> bool {
        !self.running.is_empty()
    }

    /// Returns whether a task is ready.
    pub(super) fn is_any_ready(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Number of tasks that were not current when the run began.
    pub(super) fn len(&self) -> usize {
        self.states.len()
    }
}

/// One task less has this key.
fn count_down(tasks: &mut HashMap<Key, usize>, key: Key) {
    if let Some(count) = tasks.get_mut(&key) {
        *count -= 1;
        if *count == 0 {
            tasks.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        "00".repeat(32).parse().expect("a key")
    }

    fn running() -> Running {
        Running {
            key: key(),
            start_seconds: 0.0,
            message: String::new(),
            threads: 1,
        }
    }

    fn ready(states: &TaskStates) -> Vec<usize> {
        states.ready().map(|(task, _)| task).collect()
    }

    #[test]
    fn the_longest_come_first_then_the_first_in_the_plan() {
        let mut states = TaskStates::default();
        for (task, seconds) in [
            (0, 1.0),
            (1, 30.0),
            (2, 1.0),
            (3, f64::NAN),
            (4, -1.0),
            (1, 0.5),
        ] {
            states.make_ready(task, key(), seconds);
        }
        states.reuse(4);
        assert_eq!(ready(&states), [0, 2, 1, 3]);
        assert_eq!(states.len(), 5);
    }

    #[test]
    fn a_task_is_complete_with_the_last_of_its_inputs() {
        let mut states = TaskStates::default();
        states.make_ready(0, key(), 1.0);
        states.make_ready(1, key(), 1.0);
        states.add_waiting(2, &BTreeSet::from([0, 1]));
        states.make_ready(2, key(), 1.0);
        assert_eq!(ready(&states), [0, 1], "it still waits");
        states.start(0, running());
        assert!(states.end(0).is_some());
        assert_eq!(states.became_current(0), [0; 0]);
        states.reuse(1);
        assert_eq!(states.became_current(1), [2]);
        states.make_ready(2, key(), 1.0);
        assert_eq!(ready(&states), [2]);
        assert_eq!(states.became_current(1), [0; 0], "once only");
    }

    #[test]
    fn what_is_looked_for_is_found_or_becomes_ready() {
        let mut states = TaskStates::default();
        assert!(states.seek(0) && states.seek(1));
        states.add_waiting(2, &BTreeSet::from([0]));
        assert!(!states.seek(2), "it still waits");
        assert!(!states.is_any_ready());
        states.make_ready(1, key(), 1.0);
        assert!(!states.seek(1), "once only");
        states.reuse(0);
        assert_eq!(states.became_current(0), [2]);
        assert!(states.seek(2));
        assert_eq!(ready(&states), [1]);
        assert_eq!(states.len(), 3);
    }

    #[test]
    fn ready_tasks_are_found_by_their_key_until_they_start() {
        let mut states = TaskStates::default();
        let other: Key = "11".repeat(32).parse().expect("a key");
        for task in [0, 1] {
            states.make_ready(task, key(), 1.0);
        }
        states.make_ready(2, other, 1.0);
        assert_eq!(states.ready_with(key()), [0, 1]);
        states.start(0, running());
        assert_eq!(states.ready_with(key()), [1]);
        states.make_ready(1, other, 1.0);
        assert_eq!(states.ready_with(key()), [0; 0]);
        states.reuse(1);
        assert_eq!(states.ready_with(other), [2]);
    }

    #[test]
    fn other_transitions_do_nothing() {
        let mut states = TaskStates::default();
        states.add_waiting(0, &BTreeSet::from([1]));
        states.start(0, running());
        assert!(states.end(0).is_none(), "it has not started");
        states.make_ready(1, key(), 1.0);
        states.start(1, running());
        states.start(1, running());
        states.make_ready(1, key(), 1.0);
        states.reuse(1);
        assert!(states.is_any_running() && !states.is_any_ready());
        assert!(states.end(1).is_some());
        assert!(states.end(1).is_none(), "it has ended");
        states.make_ready(1, key(), 1.0);
        states.start(1, running());
        assert!(!states.is_any_running() && !states.is_any_ready());
    }
}
