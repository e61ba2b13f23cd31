//! Work on many small items with all cores, the results in the order of the items.

use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{available_parallelism, scope};

/// Threads that are worth starting at most: what is done here waits for the file system.
const MAXIMUM_THREADS: usize = 16;

/// Applies `work` to all items, `piece` of them at a time.
pub(crate) fn map<T: Sync, R: Send>(
    items: &[T],
    piece: usize,
    work: impl Fn(&T) -> R + Sync,
) -> Vec<R> {
    let pieces: Vec<&[T]> = items.chunks(piece.max(1)).collect();
    let cores = available_parallelism().map_or(1, usize::from);
    let threads = cores.min(pieces.len()).min(MAXIMUM_THREADS);
    if threads < 2 {
        return items.iter().map(work).collect();
    }
    let next = AtomicUsize::new(0);
    let run = || {
        let mut done = Vec::new();
        loop {
            let position = next.fetch_add(1, Ordering::Relaxed);
            let Some(piece) = pieces.get(position) else {
                return done;
            };
            done.push((position, piece.iter().map(&work).collect::<Vec<R>>()));
        }
    };
    let mut done: Vec<(usize, Vec<R>)> = scope(|threads_of| {
        let started: Vec<_> = (1..threads).map(|_| threads_of.spawn(run)).collect();
        let mut done = run();
        for thread in started {
            done.extend(thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        done
    });
    done.sort_unstable_by_key(|(position, _)| *position);
    done.into_iter().flat_map(|(_, results)| results).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_items() {
        let items: Vec<usize> = (0..1000).collect();
        for piece in [1, 7, 1000, 5000] {
            let doubled = map(&items, piece, |item| item * 2);
            assert!(doubled.iter().enumerate().all(|(at, item)| *item == at * 2));
            assert_eq!(doubled.len(), items.len());
        }
        assert!(map(&[], 4, |item: &usize| *item).is_empty());
    }
}
