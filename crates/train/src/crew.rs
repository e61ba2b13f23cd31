//! The threads of a training step: as many as the task may use at the moment and the step has work for.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use eigenscope_stage::Allowance;
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

/// Multiplications of a step for each thread. With fewer, threads wait for each other more than they help.
const MULTIPLICATIONS_A_THREAD: f64 = 5e8;

/// Thread pools of the sizes that were allowed so far. What is computed does not depend on them: matrix products are
/// divided among threads by rows and columns, and each value is summed in the same order.
#[derive(Debug)]
pub(crate) struct Crew {
    allowance: Allowance,
    most: usize,
    pools: BTreeMap<usize, ThreadPool>,
}

impl Crew {
    /// Threads for steps of so many `multiplications` each.
    pub(crate) fn new(allowance: Allowance, multiplications: f64) -> Self {
        Self {
            allowance,
            most: (multiplications / MULTIPLICATIONS_A_THREAD) as usize,
            pools: BTreeMap::new(),
        }
    }

    /// Threads that are used at most.
    #[cfg(test)]
    pub(crate) fn most(&self) -> usize {
        self.most
    }

    /// Does `work` on the threads that may be used now.
    ///
    /// # Errors
    /// The system gives no more threads.
    pub(crate) fn work<T: Send>(
        &mut self,
        work: impl FnOnce() -> T + Send,
    ) -> Result<T, ThreadPoolBuildError> {
        let threads = self.allowance.threads().min(self.most).max(1);
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
        let allowance = Allowance::new(1);
        let mut crew = Crew::new(allowance.clone(), 3.9 * MULTIPLICATIONS_A_THREAD);
        let mut threads = |allowed| {
            allowance.set(allowed);
            crew.work(rayon::current_num_threads).expect("threads")
        };
        assert_eq!([1, 2, 8, 1].map(&mut threads), [1, 2, 3, 1]);
        let mut small = Crew::new(Allowance::new(4), 1.0);
        assert_eq!(small.work(rayon::current_num_threads).expect("a thread"), 1);
    }
}
