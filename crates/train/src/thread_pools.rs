//! Thread pools for training steps, of as many threads as the task may use at the moment and the step has work for.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use eigenscope_stage::ThreadBudget;
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

/// Smallest number of multiplications in a step that is worth a thread. With fewer, threads wait for each other more than they
/// help.
const MULTIPLICATIONS_PER_THREAD: f64 = 2.5e8;

/// Thread pools of the sizes that were allowed so far.
///
/// Results do not depend on the size: threads share out rows and columns of matrix products and channels of images, and each value is summed
/// in the same order.
#[derive(Debug)]
pub(crate) struct ThreadPools {
    thread_budget: ThreadBudget,
    largest: usize,
    pools: BTreeMap<usize, ThreadPool>,
}

impl ThreadPools {
    /// No pools yet, for steps of `multiplications` each.
    pub(crate) fn new(thread_budget: ThreadBudget, multiplications: f64) -> Self {
        Self {
            thread_budget,
            largest: (multiplications / MULTIPLICATIONS_PER_THREAD) as usize,
            pools: BTreeMap::new(),
        }
    }

    /// The largest number of threads.
    #[cfg(test)]
    pub(crate) fn largest(&self) -> usize {
        self.largest
    }

    /// Runs `work` on as many threads as may be used now.
    ///
    /// # Errors
    /// Returns an error if the system gives no more threads.
    pub(crate) fn run<T: Send>(
        &mut self,
        work: impl FnOnce() -> T + Send,
    ) -> Result<T, ThreadPoolBuildError> {
        let threads = self.thread_budget.threads().min(self.largest).max(1);
        let pool = match self.pools.entry(threads) {
            Entry::Occupied(pool) => pool.into_mut(),
            Entry::Vacant(place) => {
                place.insert(ThreadPoolBuilder::new().num_threads(threads).build()?)
            }
        };
        Ok(pool.install(work))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_follow_the_allowance_up_to_what_the_work_is_worth() {
        let thread_budget = ThreadBudget::new(1);
        let mut pools = ThreadPools::new(thread_budget.clone(), 3.9 * MULTIPLICATIONS_PER_THREAD);
        let mut threads = |allowed| {
            thread_budget.set(allowed);
            pools.run(rayon::current_num_threads).expect("threads")
        };
        assert_eq!([1, 2, 8, 1].map(&mut threads), [1, 2, 3, 1]);
        let mut small = ThreadPools::new(ThreadBudget::new(4), 1.0);
        assert_eq!(small.run(rayon::current_num_threads).expect("a thread"), 1);
    }
}
