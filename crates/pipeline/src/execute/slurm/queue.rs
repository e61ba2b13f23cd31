//! What Slurm says about our jobs: one request for all of them.

use std::collections::BTreeMap;

use super::commands::{CommandError, run};

/// An element of a job array: id of the array and index in it.
pub(super) type ElementId = (u64, usize);

/// What `squeue` prints: id of the array, index, state, reason, name of the job.
const FORMAT: &str = "%F|%K|%T|%r|%j";

/// Where an element is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ElementState {
    /// It waits, for the reason that Slurm gives.
    Queued(String),
    Running,
    /// It has ended, in the state that Slurm gives.
    Ended(Ending),
}

/// How Slurm says that a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ending {
    /// Such as `TIMEOUT`.
    pub(super) state: String,
    /// Such as `NonZeroExitCode`; empty for none.
    pub(super) reason: String,
}

/// All elements of our jobs that Slurm still knows, with the ids of the jobs by name.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) elements: BTreeMap<ElementId, ElementState>,
    pub(super) jobs: BTreeMap<String, u64>,
}

impl Queue {
    /// Asks for all jobs of the user, including ones that have just ended, or are in partitions that are hidden.
    pub(super) fn ask() -> Result<Self, CommandError> {
        let arguments = ["--me", "-a", "-h", "-r", "-t", "all", "-o", FORMAT];
        Ok(Self::parse(&run("squeue", &arguments)?))
    }

    /// Returns whether an element waits or runs.
    pub(super) fn is_alive(&self, element: ElementId) -> bool {
        matches!(
            self.elements.get(&element),
            Some(ElementState::Queued(_) | ElementState::Running)
        )
    }

    fn parse(text: &str) -> Self {
        let mut queue = Self::default();
        for line in text.lines() {
            let mut fields = line.splitn(5, '|').map(str::trim);
            let mut next = || fields.next().unwrap_or_default();
            let (Ok(job), index, state, reason, name) =
                (next().parse::<u64>(), next(), next(), next(), next())
            else {
                continue;
            };
            if !name.starts_with(super::batch::JOB_PREFIX) {
                continue;
            }
            queue.jobs.insert(name.to_owned(), job);
            let Ok(index) = index.parse::<usize>() else {
                continue;
            };
            let element = queue.elements.entry((job, index));
            let state = ElementState::new(state, reason);
            // An element that was started again has its earlier ends listed, too.
            element
                .and_modify(|known| {
                    if matches!(known, ElementState::Ended(_)) {
                        *known = state.clone();
                    }
                })
                .or_insert(state);
        }
        queue
    }
}

impl ElementState {
    fn new(state: &str, reason: &str) -> Self {
        // A cancelled job may say by whom: "CANCELLED by 1000".
        let word = state.split([' ', '+']).next().unwrap_or_default();
        match word {
            "PENDING" | "REQUEUED" | "REQUEUE_HOLD" | "REQUEUE_FED" | "SPECIAL_EXIT"
            | "RESV_DEL_HOLD" => Self::Queued(reason.to_owned()),
            "RUNNING" | "COMPLETING" | "CONFIGURING" | "STAGE_OUT" | "SIGNALING" | "SUSPENDED"
            | "STOPPED" | "RESIZING" => Self::Running,
            _ => Self::Ended(Ending {
                state: word.to_owned(),
                reason: match reason {
                    "None" | "N/A" => String::new(),
                    reason => reason.to_owned(),
                },
            }),
        }
    }
}

impl std::fmt::Display for Ending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { state, reason } = self;
        match reason.is_empty() || reason == state {
            true => f.write_str(state),
            false => write!(f, "{state}, {reason}"),
        }
    }
}

impl Ending {
    /// How an element ended that `squeue` does not know any more: as the accounting says or, where there is none, the controller.
    pub(super) fn ask((job, index): ElementId) -> Option<Self> {
        let id = format!("{job}_{index}");
        let arguments = ["-n", "-X", "-P", "-j", &id, "-o", "State,Reason"];
        let accounted = run("sacct", &arguments).ok();
        let accounted = accounted.and_then(|text| {
            let (state, reason) = text.lines().last()?.split_once('|')?;
            Some((state.to_owned(), reason.to_owned()))
        });
        let (state, reason) = accounted.or_else(|| {
            let text = run("scontrol", &["show", "job", "-o", &id]).ok()?;
            let value = |name: &str| {
                let mut words = text.split_whitespace();
                words.find_map(|word| word.strip_prefix(name).map(str::to_owned))
            };
            Some((value("JobState=")?, value("Reason=").unwrap_or_default()))
        })?;
        match ElementState::new(&state, &reason) {
            ElementState::Ended(ending) => Some(ending),
            _ => None,
        }
    }
}

/// Returns whether somebody has to do something about a job that waits for this reason.
pub(super) fn needs_help(reason: &str) -> bool {
    const WORDS: [&str; 10] = [
        "held",
        "badconstraints",
        "partitiontimelimit",
        "partitionnodelimit",
        "partitiondown",
        "partitioninactive",
        "maxwalldurationperjob",
        "dependencyneversatisfied",
        "invalidqos",
        "invalidaccount",
    ];
    let reason = reason.to_lowercase();
    WORDS.iter().any(|word| reason.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_with_states_and_reasons() {
        let queue = Queue::parse(
            "12|0|RUNNING|None|eigenscope-a\n12|1|PENDING|JobHeldUser|eigenscope-a\n\
             12|2|TIMEOUT|TimeLimit|eigenscope-a\n12|3|CANCELLED|None|eigenscope-a\n\
             13|N/A|PENDING|Priority|eigenscope-b\n14|0|RUNNING|None|other\nnonsense\n\
             12|4|NODE_FAIL|NodeDown|eigenscope-a\n12|4|PENDING|BeginTime|eigenscope-a\n",
        );
        let state = |index| queue.elements.get(&(12, index)).cloned();
        assert_eq!(state(0), Some(ElementState::Running));
        let held = ElementState::Queued("JobHeldUser".to_owned());
        assert_eq!(state(1), Some(held));
        let ended = |state: &str, reason: &str| {
            Some(ElementState::Ended(Ending {
                state: state.to_owned(),
                reason: reason.to_owned(),
            }))
        };
        assert_eq!(state(2), ended("TIMEOUT", "TimeLimit"));
        assert_eq!(state(3), ended("CANCELLED", ""));
        let again = ElementState::Queued("BeginTime".to_owned());
        assert_eq!(state(4), Some(again), "it was started again");
        assert_eq!(queue.jobs.len(), 2);
        assert_eq!(queue.elements.len(), 5);
    }

    #[test]
    fn reasons_that_pass_are_not_reported() {
        for reason in [
            "Priority",
            "Resources",
            "None",
            "BeginTime",
            "QOSMaxJobsPerUserLimit",
        ] {
            assert!(!needs_help(reason), "{reason}");
        }
        for reason in [
            "JobHeldUser",
            "JobHeldAdmin",
            "launch failed requeued held",
            "BadConstraints",
        ] {
            assert!(needs_help(reason), "{reason}");
        }
    }
}
