//! Work on all threads whose results are taken one after the other, with bounded memory.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use eigenscope_stage::ThreadBudget;

/// Pieces that may be finished, or be in work, before the next one to be taken.
const AHEAD: usize = 2;
/// Most threads.
const MOST_THREADS: usize = 16;
/// Time after which a thread that may not work looks again whether it may.
const PAUSE: Duration = Duration::from_millis(50);

/// Which pieces are in work.
#[derive(Default)]
struct State {
    /// The first that nobody has begun.
    next: usize,
    /// The number of those that were taken.
    taken: usize,
    ended: bool,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn update(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// The next piece for a thread; `None` if there is none any more.
    fn begin(&self, pieces: usize, window: usize, may_work: impl Fn() -> bool) -> Option<usize> {
        let mut state = self.lock();
        while !state.ended && state.next < pieces {
            if may_work() && state.next < state.taken + window {
                state.next += 1;
                return Some(state.next - 1);
            }
            let waited = self.changed.wait_timeout(state, PAUSE);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        None
    }
}

/// Ends the work of the others, also when the thread that takes the results gives up.
struct End<'a>(&'a Shared);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.update(|state| state.ended = true);
    }
}

/// Calls `work` for each of `0..pieces`, on as many threads as `budget` has at the moment, and `take` with the results in
/// order, on this thread.
///
/// # Errors
/// Returns the first error of `take`, after which nothing more is done.
pub(crate) fn in_order<T: Send, E>(
    budget: &ThreadBudget,
    pieces: usize,
    work: impl Fn(usize) -> T + Sync,
    mut take: impl FnMut(usize, T) -> Result<(), E>,
) -> Result<(), E> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = cores.max(budget.threads()).min(MOST_THREADS).min(pieces);
    let shared = Shared {
        state: Mutex::default(),
        changed: Condvar::new(),
    };
    let window = AHEAD * threads;
    std::thread::scope(|scope| {
        let end = End(&shared);
        let (sender, results) = mpsc::channel();
        for thread in 0..threads {
            let (sender, shared, work) = (sender.clone(), &shared, &work);
            scope.spawn(move || {
                let may_work = || thread < budget.threads();
                while let Some(piece) = shared.begin(pieces, window, may_work) {
                    if sender.send((piece, work(piece))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let mut waiting = BTreeMap::new();
        let mut taken = 0;
        for (piece, result) in results {
            waiting.insert(piece, result);
            while let Some(result) = waiting.remove(&taken) {
                take(taken, result)?;
                taken += 1;
                shared.update(|state| state.taken = taken);
            }
        }
        drop(end);
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn results_come_in_order_whatever_the_number_of_threads() {
        for threads in [1, 2, 7] {
            let begun = AtomicUsize::new(0);
            let mut results = Vec::new();
            let work = |piece: usize| {
                begun.fetch_add(1, Ordering::Relaxed);
                if piece.is_multiple_of(5) {
                    std::thread::sleep(Duration::from_millis(2));
                }
                piece * piece
            };
            let done = in_order(&ThreadBudget::new(threads), 100, work, |piece, result| {
                let ahead = begun.load(Ordering::Relaxed) - piece;
                assert!(ahead <= AHEAD * MOST_THREADS, "{ahead} pieces wait");
                results.push(result);
                Ok::<_, ()>(())
            });
            assert_eq!(done, Ok(()));
            let expected: Vec<usize> = (0..100).map(|piece| piece * piece).collect();
            assert_eq!(results, expected);
        }
        let none = in_order(&ThreadBudget::new(2), 0, |_| (), |_, ()| Err(()));
        assert_eq!(none, Ok(()));
    }

    #[test]
    fn the_first_error_ends_the_work() {
        let begun = AtomicUsize::new(0);
        let work = |_| begun.fetch_add(1, Ordering::Relaxed);
        let take = |piece, _| if piece < 3 { Ok(()) } else { Err(piece) };
        assert_eq!(in_order(&ThreadBudget::new(2), 100_000, work, take), Err(3));
        assert!(begun.load(Ordering::Relaxed) < 1000);
    }
}
