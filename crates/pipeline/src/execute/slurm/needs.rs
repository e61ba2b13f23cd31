//! What a task is given on a node: threads, memory, time. Rounded, so that tasks that need about the same share a submission.

use std::fmt;

use eigenscope_plan::PlannedTask;
use eigenscope_plan::settings::Slurm;
use eigenscope_stage::Device;
use serde::{Deserialize, Serialize};

use super::super::executor::Expected;
use super::site::Limits;

/// Times in minutes that are asked for; beyond them whole days.
const MINUTES: [u64; 12] = [5, 10, 15, 20, 30, 45, 60, 90, 120, 240, 480, 960];

const MINUTES_A_DAY: u64 = 1440;

/// Memory of what runs beside the program of a task, in MiB.
const BESIDE_MIB: u64 = 64;

/// Memory is asked for in multiples of this, in MiB.
const STEP_MIB: u64 = 128;

/// How many times its estimate a task may take if it has run before, and if not.
const MARGIN_KNOWN: f64 = 3.0;
const MARGIN_GUESSED: f64 = 10.0;

/// Time for what is not the task itself: starting, reading, a busy node. In seconds.
const START_SECONDS: f64 = 120.0;

/// Least time of a task that has not run before, in seconds.
const LEAST_GUESSED_SECONDS: f64 = 1800.0;

/// What a job asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Needs {
    pub threads: usize,
    pub memory_mib: u64,
    pub minutes: u64,
    /// Whether it computes on a graphics card.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub card: bool,
}

impl Needs {
    /// What a task needs: by the settings, else by what is expected of it; never more than there is.
    pub(super) fn of(
        task: &PlannedTask,
        expected: Expected,
        settings: &Slurm,
        limits: &Limits,
    ) -> Self {
        let own = settings.task(task);
        let set = own.seconds.or_else(|| {
            let set = settings.defaults.seconds;
            set.filter(|_| !expected.is_known)
        });
        let minutes = match set {
            Some(seconds) => seconds.div_ceil(60),
            None => class(allowed_seconds(expected)),
        };
        let declared = round_up(
            task.resources.memory_mib.saturating_add(BESIDE_MIB),
            STEP_MIB,
        );
        let memory = own.memory_mib.or(settings.defaults.memory_mib);
        let wanted = Self {
            threads: own.threads.unwrap_or(task.resources.threads).max(1),
            memory_mib: memory.unwrap_or(declared),
            minutes,
            card: task.device.computes == Device::Cuda,
        };
        wanted.within(limits)
    }

    /// No more than the site gives a job.
    pub(super) fn within(self, limits: &Limits) -> Self {
        Self {
            threads: self
                .threads
                .min(limits.threads.unwrap_or(usize::MAX))
                .max(1),
            memory_mib: self.memory_mib.min(limits.memory_mib.unwrap_or(u64::MAX)),
            minutes: self.minutes.min(limits.minutes.unwrap_or(u64::MAX)).max(1),
            ..self
        }
    }

    /// Time for tasks that are run one after the other in one job.
    pub(super) fn with_seconds(self, seconds: f64, limits: &Limits) -> Self {
        Self {
            minutes: self.minutes.max(class(seconds)),
            ..self
        }
        .within(limits)
    }

    /// The same with twice the time; `None` if the site gives no more.
    pub(super) fn with_more_time(self, limits: &Limits) -> Option<Self> {
        let more = Self {
            minutes: self.minutes.saturating_mul(2),
            ..self
        };
        Some(more.within(limits)).filter(|more| more.minutes > self.minutes)
    }

    /// The same with twice the memory; `None` if the site gives no more.
    pub(super) fn with_more_memory(self, limits: &Limits) -> Option<Self> {
        let more = Self {
            memory_mib: self.memory_mib.saturating_mul(2),
            ..self
        };
        Some(more.within(limits)).filter(|more| more.memory_mib > self.memory_mib)
    }
}

/// How long a task may take before something is wrong.
fn allowed_seconds(expected: Expected) -> f64 {
    match expected.is_known {
        true => expected.seconds * MARGIN_KNOWN + START_SECONDS,
        false => (expected.seconds * MARGIN_GUESSED).max(LEAST_GUESSED_SECONDS) + START_SECONDS,
    }
}

/// The same for one of many tasks of a job, whose surprises even out.
pub(super) fn allowed_among_many(expected: Expected) -> f64 {
    let margin = match expected.is_known {
        true => MARGIN_KNOWN,
        false => MARGIN_GUESSED,
    };
    expected.seconds * margin
}

/// The next time in minutes that is asked for.
fn class(seconds: f64) -> u64 {
    let minutes = (seconds / 60.0).ceil().max(1.0) as u64;
    let step = MINUTES.into_iter().find(|&step| step >= minutes);
    step.unwrap_or_else(|| round_up(minutes, MINUTES_A_DAY))
}

fn round_up(number: u64, step: u64) -> u64 {
    number.div_ceil(step).saturating_mul(step)
}

impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            threads,
            memory_mib,
            minutes,
            card,
        } = self;
        let s = if *threads == 1 { "" } else { "s" };
        write!(f, "{threads} thread{s}, {memory_mib} MiB, ")?;
        if *card {
            write!(f, "a graphics card, ")?;
        }
        match minutes {
            0..120 => write!(f, "{minutes} min"),
            _ if minutes % 60 == 0 => write!(f, "{} h", minutes / 60),
            _ => write!(f, "{} h {} min", minutes / 60, minutes % 60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_in_few_sizes() {
        assert_eq!(class(0.0), 5);
        assert_eq!(class(300.0), 5);
        assert_eq!(class(301.0), 10);
        assert_eq!(class(58_000.0), 1440);
        assert_eq!(class(100_000.0), 2880);
    }

    #[test]
    fn more_is_asked_for_up_to_what_there_is() {
        let needs = Needs {
            threads: 2,
            memory_mib: 1000,
            minutes: 40,
            card: false,
        };
        let limits = Limits {
            minutes: Some(60),
            memory_mib: Some(1000),
            ..Limits::default()
        };
        let more = needs.with_more_time(&limits).expect("there is more");
        assert_eq!(more.minutes, 60);
        assert_eq!(more.with_more_time(&limits), None);
        assert_eq!(needs.with_more_memory(&limits), None);
        let free = needs.with_more_memory(&Limits::default());
        assert_eq!(free.map(|more| more.memory_mib), Some(2000));
    }
}
