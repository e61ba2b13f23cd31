//! How far the reading and the survey of a plan are, for whoever shows it.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Counts what has been read and looked at. Clones count together, so one can be shown by another thread.
#[derive(Clone, Default)]
pub struct Progress {
    shared: Arc<Shared>,
}

/// What is being done with the tasks of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// Tables become tasks.
    Reading,
    /// Tasks are compared with what they read.
    Checking,
    /// Results are looked for in the store.
    Surveying,
}

impl Activity {
    const ALL: [Self; 3] = [Self::Reading, Self::Checking, Self::Surveying];
}

/// A moment of a [`Progress`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    pub activity: Activity,
    /// Tables that have been turned into tasks.
    pub tables: usize,
    /// Tasks that have been read or looked at.
    pub done: usize,
    /// Tasks that are known of.
    pub total: usize,
}

/// What is to happen before others write to the terminal.
type Hook = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Shared {
    /// Position in [`Activity::ALL`].
    activity: AtomicUsize,
    tables: AtomicUsize,
    done: AtomicUsize,
    total: AtomicUsize,
    at_end: Mutex<Option<Hook>>,
    has_finished: AtomicBool,
}

impl Progress {
    pub fn now(&self) -> Moment {
        let shared = &self.shared;
        let number = |count: &AtomicUsize| count.load(Ordering::Relaxed);
        let activity = Activity::ALL.get(number(&shared.activity));
        Moment {
            activity: activity.copied().unwrap_or(Activity::Reading),
            tables: number(&shared.tables),
            done: number(&shared.done),
            total: number(&shared.total),
        }
    }

    /// Starts to count anew, up to `total` tasks.
    pub fn begin(&self, activity: Activity, total: usize) {
        let shared = &self.shared;
        shared.done.store(0, Ordering::Relaxed);
        shared.total.store(total, Ordering::Relaxed);
        shared.activity.store(activity as usize, Ordering::Relaxed);
    }

    /// A table gives so many tasks.
    pub(crate) fn add_table(&self, tasks: usize) {
        self.shared.tables.fetch_add(1, Ordering::Relaxed);
        self.shared.total.fetch_add(tasks, Ordering::Relaxed);
    }

    /// A task more is done.
    pub fn advance(&self) {
        self.shared.done.fetch_add(1, Ordering::Relaxed);
    }

    /// What [`Progress::finish`] does.
    pub fn at_end(&self, hook: impl FnOnce() + Send + 'static) {
        *self.hook() = Some(Box::new(hook));
    }

    /// Nothing more will be counted: whoever shows it stops now.
    pub fn finish(&self) {
        self.shared.has_finished.store(true, Ordering::SeqCst);
        let hook = self.hook().take();
        if let Some(hook) = hook {
            hook();
        }
    }

    /// Returns whether nothing more will be counted.
    pub fn has_finished(&self) -> bool {
        self.shared.has_finished.load(Ordering::SeqCst)
    }

    fn hook(&self) -> std::sync::MutexGuard<'_, Option<Hook>> {
        let hook = self.shared.at_end.lock();
        hook.unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.now().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_count_together_and_the_end_comes_once() {
        let progress = Progress::default();
        let shown = progress.clone();
        progress.add_table(3);
        progress.advance();
        let moment = shown.now();
        assert_eq!((moment.tables, moment.done, moment.total), (1, 1, 3));
        progress.begin(Activity::Surveying, 7);
        let moment = shown.now();
        assert_eq!((moment.activity, moment.done), (Activity::Surveying, 0));
        let ends = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&ends);
        shown.at_end(move || {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        assert!(!progress.has_finished());
        progress.finish();
        progress.finish();
        assert!(shown.has_finished());
        assert_eq!(ends.load(Ordering::Relaxed), 1);
    }
}
