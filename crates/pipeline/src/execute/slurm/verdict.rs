//! What the end of a job means for the tasks that it did not bring to their end.

use super::needs::Needs;
use super::queue::Ending;
use super::site::Limits;

/// Why a job ended before its tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    Time,
    Memory,
    /// The node, Slurm or somebody more important: the task could have gone on.
    Outside,
    /// Somebody does not want it.
    Cancelled,
    /// It ended well and left no word, or badly without a word of Slurm.
    Unknown,
}

impl Cause {
    /// By the state that Slurm gives and by what is in the log of the job.
    pub(super) fn of(ending: Option<&Ending>, said: &[String]) -> Self {
        match ending.map(|ending| ending.state.as_str()) {
            Some("TIMEOUT") => Self::Time,
            Some("OUT_OF_MEMORY") => Self::Memory,
            Some("NODE_FAIL" | "BOOT_FAIL" | "PREEMPTED" | "LAUNCH_FAILED" | "RECONFIG_FAIL") => {
                Self::Outside
            }
            _ if is_about_memory(said) => Self::Memory,
            Some("CANCELLED" | "REVOKED" | "DEADLINE") => Self::Cancelled,
            _ => Self::Unknown,
        }
    }

    /// What a task is tried again with; `None` if trying again would end alike.
    pub(super) fn needs_again(self, needs: Needs, limits: &Limits) -> Option<Needs> {
        match self {
            Self::Time => needs.with_more_time(limits),
            Self::Memory => needs.with_more_memory(limits),
            Self::Outside | Self::Unknown => Some(needs),
            Self::Cancelled => None,
        }
    }

    /// Why, in words and in Slurm's own.
    pub(super) fn describe(self, job: &str, needs: Needs, ending: Option<&Ending>) -> String {
        let said = ending.map_or_else(
            || "Slurm does not know it any more".to_owned(),
            Ending::to_string,
        );
        let Needs {
            memory_mib,
            minutes,
            ..
        } = needs;
        match self {
            Self::Time => format!("job {job} reached its limit of {minutes} min ({said})"),
            Self::Memory => format!("job {job} needs more than its {memory_mib} MiB ({said})"),
            Self::Outside => format!("job {job} was ended by Slurm ({said})"),
            Self::Cancelled => format!("job {job} was cancelled ({said})"),
            Self::Unknown => format!("job {job} ended and left no word of this task ({said})"),
        }
    }

    /// What the user can do.
    pub(super) fn advice(self) -> &'static str {
        match self {
            Self::Time => "give it more `time` in eigenscope.toml, or a larger `--retries`",
            Self::Memory => "give it more `memory` in eigenscope.toml, or a larger `--retries`",
            Self::Outside => "run again, or give a larger `--retries`",
            Self::Cancelled => "run again to submit it again",
            Self::Unknown => {
                "its files may have come later than `visibility_seconds` in eigenscope.toml, or its node cannot run it"
            }
        }
    }
}

/// Returns whether the log of a job says that it took too much memory. Where memory is watched by sampling, the state does not say
/// so: the job has failed, or was cancelled.
fn is_about_memory(said: &[String]) -> bool {
    const WORDS: [&str; 4] = [
        "exceeded memory limit",
        "exceeded job memory limit",
        "oom-kill",
        "oom_kill",
    ];
    said.iter().any(|line| {
        let line = line.to_lowercase();
        WORDS.iter().any(|words| line.contains(words))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDS: Needs = Needs {
        threads: 1,
        memory_mib: 640,
        minutes: 10,
        card: false,
    };

    #[test]
    fn what_was_short_is_doubled_and_what_was_cancelled_is_left() {
        let ending = |state: &str| Ending {
            state: state.to_owned(),
            reason: String::new(),
        };
        let again = |state: &str| {
            let cause = Cause::of(Some(&ending(state)), &[]);
            cause.needs_again(NEEDS, &Limits::default())
        };
        assert_eq!(again("TIMEOUT").map(|needs| needs.minutes), Some(20));
        assert_eq!(
            again("OUT_OF_MEMORY").map(|needs| needs.memory_mib),
            Some(1280)
        );
        assert_eq!(again("NODE_FAIL"), Some(NEEDS));
        assert_eq!(again("PREEMPTED"), Some(NEEDS));
        assert_eq!(again("CANCELLED"), None);
        assert_eq!(again("COMPLETED"), Some(NEEDS));
        assert_eq!(Cause::of(None, &[]), Cause::Unknown);
        let said = ["slurmstepd-n1: error: StepId=2.batch exceeded memory limit (413827072 > 209715200), being killed".to_owned()];
        for state in ["FAILED", "CANCELLED"] {
            assert_eq!(Cause::of(Some(&ending(state)), &said), Cause::Memory);
        }
        assert_eq!(Cause::of(Some(&ending("TIMEOUT")), &said), Cause::Time);
    }

    #[test]
    fn the_words_of_slurm_are_kept() {
        let ending = Ending {
            state: "TIMEOUT".to_owned(),
            reason: "TimeLimit".to_owned(),
        };
        let text = Cause::Time.describe("12_3", NEEDS, Some(&ending));
        assert_eq!(
            text,
            "job 12_3 reached its limit of 10 min (TIMEOUT, TimeLimit)"
        );
    }
}
