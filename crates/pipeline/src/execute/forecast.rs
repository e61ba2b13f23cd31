//! Estimated durations: from earlier runs, or else from the task kind.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use super::executor::Expected;
use crate::ledger::Durations;
use eigenscope_plan::{Plan, PlannedTask};

/// Running tasks up to which the time left is computed anew each time.
const FEW: usize = 64;

/// How long the time left of more tasks is kept.
const KEPT: Duration = Duration::from_millis(100);

/// Threads that a cluster is taken to have before anything has run there, to estimate the time left.
const MACHINES: f64 = 1024.0;

/// Threads that may run at a time.
#[derive(Debug, Clone, Copy)]
pub(super) enum Width {
    Known(usize),
    /// As many as have been seen to run at a time: what a cluster gives is known to nobody before.
    Seen,
}

/// Estimated durations of the tasks that have not ended.
#[derive(Debug)]
pub(super) struct Forecast {
    width: Width,
    /// Threads of the running tasks, now and at most so far.
    running_threads: [f64; 2],
    waiting: BTreeMap<usize, Estimate>,
    running: BTreeMap<usize, Running>,
    waiting_thread_seconds: f64,
    /// The time left as it was computed last.
    last: Cell<Option<(Instant, f64)>>,
}

#[derive(Debug, Clone, Copy)]
struct Estimate {
    expected: Expected,
    threads: f64,
    /// Duration of the longest chain of tasks that can follow, each of which reads the one before it.
    following: f64,
}

#[derive(Debug)]
struct Running {
    estimate: Estimate,
    started: Instant,
    fraction: f64,
}

impl Forecast {
    /// Estimates for `tasks`.
    pub(super) fn new(
        plan: &Plan,
        tasks: impl Iterator<Item = usize>,
        durations: &Durations,
        width: Width,
    ) -> Self {
        let most = match width {
            Width::Known(threads) => threads.max(1),
            Width::Seen => usize::MAX,
        };
        let mut waiting: BTreeMap<usize, Estimate> = tasks
            .map(|index| (index, estimate(plan, &plan.tasks[index], durations, most)))
            .collect();
        add_following(plan, &mut waiting);
        Self {
            width,
            running_threads: [0.0; 2],
            waiting_thread_seconds: waiting.values().map(Estimate::thread_seconds).sum(),
            waiting,
            running: BTreeMap::new(),
            last: Cell::new(None),
        }
    }

    /// Estimated duration of a task that has not started.
    pub(super) fn seconds(&self, task: usize) -> f64 {
        self.expected(task).seconds
    }

    /// Estimated duration of a task that has not started and of the longest chain of tasks that can follow.
    pub(super) fn seconds_to_end(&self, task: usize) -> f64 {
        self.waiting
            .get(&task)
            .map_or(0.0, Estimate::seconds_to_end)
    }

    /// Estimated duration of a task that has not started, and whether it is known from an earlier run.
    pub(super) fn expected(&self, task: usize) -> Expected {
        let estimate = self.waiting.get(&task);
        estimate.map_or_else(Expected::default, |estimate| estimate.expected)
    }

    pub(super) fn started(&mut self, task: usize) {
        if let Some(estimate) = self.leave_waiting(task) {
            let running = Running {
                estimate,
                started: Instant::now(),
                fraction: 0.0,
            };
            self.running.insert(task, running);
            let [now, most] = &mut self.running_threads;
            *now += estimate.threads;
            *most = most.max(*now);
        }
    }

    /// A task that ran will run once more, from its beginning.
    pub(super) fn waits_again(&mut self, task: usize) {
        if let Some(estimate) = self.leave_running(task) {
            self.waiting_thread_seconds += estimate.thread_seconds();
            self.waiting.insert(task, estimate);
        }
    }

    pub(super) fn progressed(&mut self, task: usize, done: u64, total: u64) {
        if let Some(running) = self.running.get_mut(&task)
            && total > 0
        {
            running.fraction = (done as f64 / total as f64).min(1.0);
        }
    }

    /// The task has ended, or turned out not to be needed.
    pub(super) fn ended(&mut self, task: usize) {
        self.leave_running(task);
        self.leave_waiting(task);
    }

    /// Time until everything has ended if all threads are busy, and no less than what the longest of the
    /// running tasks still takes.
    pub(super) fn seconds_left(&self) -> f64 {
        match self.last.get() {
            Some((at, seconds)) if self.running.len() > FEW && at.elapsed() < KEPT => seconds,
            _ => {
                let seconds = self.seconds_left_now();
                self.last.set(Some((Instant::now(), seconds)));
                seconds
            }
        }
    }

    fn seconds_left_now(&self) -> f64 {
        let running: f64 = self
            .running
            .values()
            .map(|running| running.seconds_left() * running.estimate.threads)
            .sum();
        let threads = match (self.width, self.running_threads) {
            (Width::Known(threads), _) => threads.max(1) as f64,
            (Width::Seen, [_, most]) if most > 0.0 => most,
            (Width::Seen, _) => MACHINES,
        };
        let all = (running + self.waiting_thread_seconds.max(0.0)) / threads;
        let longest = self.running.values().map(Running::seconds_left);
        longest.fold(all, f64::max)
    }

    /// Time that a running task still takes.
    pub(super) fn seconds_left_of(&self, task: usize) -> f64 {
        self.running.get(&task).map_or(0.0, Running::seconds_left)
    }

    fn leave_running(&mut self, task: usize) -> Option<Estimate> {
        let estimate = self.running.remove(&task)?.estimate;
        self.running_threads[0] -= estimate.threads;
        Some(estimate)
    }

    fn leave_waiting(&mut self, task: usize) -> Option<Estimate> {
        let estimate = self.waiting.remove(&task)?;
        self.waiting_thread_seconds -= estimate.thread_seconds();
        Some(estimate)
    }
}

impl Estimate {
    fn thread_seconds(&self) -> f64 {
        self.expected.seconds * self.threads
    }

    fn seconds_to_end(&self) -> f64 {
        self.expected.seconds + self.following
    }
}

impl Running {
    fn seconds_left(&self) -> f64 {
        let elapsed = self.started.elapsed().as_secs_f64();
        let by_progress = elapsed * (1.0 - self.fraction) / self.fraction;
        // One that takes longer than expected is taken to be late by as much again.
        let by_expectation = (self.estimate.expected.seconds - elapsed).abs();
        match self.fraction {
            0.0 => by_expectation,
            // Too early to rely on the progress, which is never ignored either.
            fraction if fraction < 0.05 => by_progress.max(by_expectation),
            _ => by_progress,
        }
    }
}

/// `most` is the largest number of threads that a task can have.
fn estimate(plan: &Plan, task: &PlannedTask, durations: &Durations, most: usize) -> Estimate {
    let known = durations.seconds(&plan.name, &task.id);
    Estimate {
        expected: Expected {
            seconds: known.unwrap_or(task.resources.seconds),
            is_known: known.is_some(),
        },
        threads: task.resources.threads.clamp(1, most) as f64,
        following: 0.0,
    }
}

/// Sets what can follow each task. Tasks of a plan come after what they read.
fn add_following(plan: &Plan, estimates: &mut BTreeMap<usize, Estimate>) {
    let mut following: HashMap<usize, f64> = HashMap::new();
    for (index, estimate) in estimates.iter_mut().rev() {
        estimate.following = following.remove(index).unwrap_or(0.0);
        for input in &plan.tasks[*index].inputs {
            let longest = following.entry(input.task).or_default();
            *longest = longest.max(estimate.seconds_to_end());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_task_takes_no_less_than_its_progress_says() {
        let running = |fraction, expected, elapsed| Running {
            estimate: Estimate {
                expected: Expected {
                    seconds: expected,
                    is_known: true,
                },
                threads: 1.0,
                following: 0.0,
            },
            started: Instant::now() - Duration::from_secs(elapsed),
            fraction,
        };
        let left = |fraction, expected, elapsed| {
            let seconds = running(fraction, expected, elapsed).seconds_left();
            seconds.round()
        };
        assert_eq!(left(0.0, 10.0, 4), 6.0);
        assert_eq!(left(0.0, 1.0, 4), 3.0, "late");
        // A hundredth in 2 s: 198 s for the others.
        assert_eq!(left(0.01, 1.0, 2), 198.0);
        assert_eq!(left(0.01, 1000.0, 2), 998.0);
        assert_eq!(left(0.5, 1000.0, 60), 60.0);
        assert_eq!(left(1.0, 1000.0, 60), 0.0);
    }
}
