//! The budget of a run: threads and memory.

use std::collections::BTreeMap;

use eigenscope_stage::Resources;

/// Threads and memory, and who uses how much of them.
#[derive(Debug)]
pub(super) struct Budget {
    threads: usize,
    memory_mib: u64,
    used: BTreeMap<usize, (usize, u64)>,
}

impl Budget {
    pub(super) fn new(threads: usize, memory_mib: u64) -> Self {
        Self {
            threads: threads.max(1),
            memory_mib,
            used: BTreeMap::new(),
        }
    }

    /// Threads that a task gets: what it can use, never more than there are.
    pub(super) fn threads(&self, resources: &Resources) -> usize {
        resources.threads.clamp(1, self.threads)
    }

    /// Returns whether no task at all can start now: each uses a thread.
    pub(super) fn is_full(&self) -> bool {
        self.idle_threads() == 0
    }

    /// Threads that no task uses.
    pub(super) fn idle_threads(&self) -> usize {
        self.threads.saturating_sub(self.used_threads())
    }

    fn used_threads(&self) -> usize {
        self.used.values().map(|(threads, _)| threads).sum()
    }

    /// Returns whether a task can start now. One that is larger than everything starts when nothing else runs.
    pub(super) fn fits(&self, resources: &Resources) -> bool {
        let threads = self.used_threads();
        let memory: u64 = self.used.values().map(|(_, memory)| memory).sum();
        self.used.is_empty()
            || (threads + self.threads(resources) <= self.threads
                && memory.saturating_add(resources.memory_mib) <= self.memory_mib)
    }

    pub(super) fn take(&mut self, task: usize, resources: &Resources) {
        let share = (self.threads(resources), resources.memory_mib);
        self.used.insert(task, share);
    }

    pub(super) fn give_back(&mut self, task: usize) {
        self.used.remove(&task);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(threads: usize, memory_mib: u64) -> Resources {
        let seconds = 1.0;
        Resources {
            threads,
            memory_mib,
            seconds,
            ..Resources::default()
        }
    }

    #[test]
    fn tasks_start_while_their_sums_fit() {
        let mut budget = Budget::new(4, 1000);
        budget.take(0, &needs(2, 600));
        assert!(budget.fits(&needs(2, 400)));
        assert!(!budget.fits(&needs(3, 100)));
        assert!(!budget.fits(&needs(1, 401)));
        budget.give_back(0);
        assert!(budget.fits(&needs(4, 1000)));
    }

    #[test]
    fn a_task_larger_than_everything_runs_alone() {
        let mut budget = Budget::new(2, 1000);
        let large = needs(16, 9000);
        assert!(budget.fits(&large));
        assert_eq!(budget.threads(&large), 2);
        budget.take(0, &large);
        assert!(!budget.fits(&needs(1, 1)));
    }
}
