//! Estimated durations: from earlier runs, or else from the task kind.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::ledger::Durations;
use eigenscope_plan::{Plan, PlannedTask};

/// Estimated durations of the tasks that have not ended.
#[derive(Debug)]
pub(super) struct Forecast {
    jobs: usize,
    waiting: BTreeMap<usize, Estimate>,
    running: BTreeMap<usize, Running>,
    waiting_thread_seconds: f64,
}

#[derive(Debug, Clone, Copy)]
struct Estimate {
    seconds: f64,
    threads: f64,
}

#[derive(Debug)]
struct Running {
    estimate: Estimate,
    started: Instant,
    fraction: f64,
}

impl Forecast {
    /// Estimates for `tasks` when `jobs` threads may run at a time.
    pub(super) fn new(
        plan: &Plan,
        tasks: impl Iterator<Item = usize>,
        durations: &Durations,
        jobs: usize,
    ) -> Self {
        let jobs = jobs.max(1);
        let waiting: BTreeMap<usize, Estimate> = tasks
            .map(|index| (index, estimate(plan, &plan.tasks[index], durations, jobs)))
            .collect();
        Self {
            jobs,
            waiting_thread_seconds: waiting.values().map(Estimate::thread_seconds).sum(),
            waiting,
            running: BTreeMap::new(),
        }
    }

    /// Estimated duration of a task that has not started.
    pub(super) fn seconds(&self, task: usize) -> f64 {
        self.waiting
            .get(&task)
            .map_or(0.0, |estimate| estimate.seconds)
    }

    pub(super) fn started(&mut self, task: usize) {
        if let Some(estimate) = self.leave_waiting(task) {
            let running = Running {
                estimate,
                started: Instant::now(),
                fraction: 0.0,
            };
            self.running.insert(task, running);
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
        self.running.remove(&task);
        self.leave_waiting(task);
    }

    /// Time until everything has ended if all threads are busy, and no less than what the longest of the
    /// running tasks still takes.
    pub(super) fn seconds_left(&self) -> f64 {
        let running: f64 = self
            .running
            .values()
            .map(|running| running.seconds_left() * running.estimate.threads)
            .sum();
        let all = (running + self.waiting_thread_seconds.max(0.0)) / self.jobs as f64;
        let longest = self.running.values().map(Running::seconds_left);
        longest.fold(all, f64::max)
    }

    /// Time that a running task still takes.
    pub(super) fn seconds_left_of(&self, task: usize) -> f64 {
        self.running.get(&task).map_or(0.0, Running::seconds_left)
    }

    fn leave_waiting(&mut self, task: usize) -> Option<Estimate> {
        let estimate = self.waiting.remove(&task)?;
        self.waiting_thread_seconds -= estimate.thread_seconds();
        Some(estimate)
    }
}

impl Estimate {
    fn thread_seconds(&self) -> f64 {
        self.seconds * self.threads
    }
}

impl Running {
    fn seconds_left(&self) -> f64 {
        let elapsed = self.started.elapsed().as_secs_f64();
        match self.fraction {
            // Too early to tell from the progress.
            fraction if fraction < 0.05 => (self.estimate.seconds - elapsed).max(0.0),
            fraction => elapsed * (1.0 - fraction) / fraction,
        }
    }
}

fn estimate(plan: &Plan, task: &PlannedTask, durations: &Durations, jobs: usize) -> Estimate {
    let seconds = durations
        .seconds(&plan.name, &task.id)
        .unwrap_or(task.resources.seconds);
    Estimate {
        seconds,
        threads: task.resources.threads.clamp(1, jobs) as f64,
    }
}
