//! The state of one task, as commands print it.

use eigenscope_pipeline::execute::slurm::{Submitted, SubmittedState};
use eigenscope_pipeline::survey::{Reason, State};
use eigenscope_pipeline::tone::Tone;
use eigenscope_plan::Plan;
use serde::Serialize;

#[derive(Debug, Serialize)]
pub(crate) struct TaskReport {
    pub(crate) task: String,
    /// `current`, `stale` or `blocked`, which people read as [`word`] says it.
    pub(crate) state: &'static str,
    /// Key of its result, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) reasons: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) warnings: Vec<String>,
    /// Its job on a cluster, if it was submitted and no run has dealt with its end. Only `status` asks for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) job: Option<JobReport>,
    /// What is wrong with its readable name. Only `status` checks that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) link: Option<&'static str>,
    /// Whether its result is on the remote. Only `status --remote` asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) on_remote: Option<bool>,
}

/// A job of Slurm.
#[derive(Debug, Serialize)]
pub(crate) struct JobReport {
    /// What Slurm calls it.
    pub(crate) id: String,
    /// `running`, `queued`, `ended`, `failed` or `gone`.
    pub(crate) state: &'static str,
    /// Why it waits, in Slurm's words; why it failed; what Slurm says of one that is gone.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) reason: String,
}

impl JobReport {
    pub(crate) fn new(submitted: &Submitted) -> Self {
        let (state, reason) = match &submitted.state {
            SubmittedState::Running => ("running", ""),
            SubmittedState::Queued(reason) => ("queued", reason.as_str()),
            SubmittedState::Ended => ("ended", ""),
            SubmittedState::Failed(message) => ("failed", message.as_str()),
            SubmittedState::Gone(reason) => ("gone", reason.as_str()),
        };
        Self {
            id: submitted.job.clone(),
            state,
            reason: reason.to_owned(),
        }
    }

    /// States of jobs, those first of which most can be expected.
    pub(crate) const STATES: [&'static str; 5] = ["running", "queued", "ended", "failed", "gone"];

    /// Returns whether its job is over, and only a run can deal with that.
    pub(crate) fn is_over(&self) -> bool {
        !matches!(self.state, "running" | "queued")
    }

    /// Its id and the reason of its state.
    pub(crate) fn describe(&self) -> String {
        match self.reason.as_str() {
            "" | "None" => format!("job {}", self.id),
            reason => format!("job {} ({reason})", self.id),
        }
    }
}

impl TaskReport {
    pub(crate) fn new(plan: &Plan, task: usize, state: &State) -> Self {
        let warnings = state.all_warnings(&plan.tasks[task]).into_iter();
        Self {
            task: plan.tasks[task].id.clone(),
            state: state.name(),
            key: state.key().map(|key| key.to_string()),
            reasons: state.reasons().iter().map(ToString::to_string).collect(),
            warnings: warnings.map(str::to_owned).collect(),
            job: None,
            link: None,
            on_remote: None,
        }
    }
}

/// The state in a word for people: what JSON calls `blocked` waits for what it reads, and what has no result is not out of date.
pub(crate) fn word(state: &State) -> &'static str {
    match state {
        State::Blocked { .. } => "waiting",
        State::Stale { reasons, .. } if reasons.iter().any(is_absence) => "missing",
        state => state.name(),
    }
}

/// Whether a task has to run since it has no result of its own.
fn is_absence(reason: &Reason) -> bool {
    matches!(reason, Reason::NeverMade | Reason::ResultRemoved)
}

/// The word of a task whose result is there, in a list of results.
pub(crate) const UP_TO_DATE: &str = "up to date";

/// The word of the state of a task or its job, or of its link, in its colour.
pub(crate) fn coloured(word: &str) -> String {
    let tone = match word {
        "current" | UP_TO_DATE | "running" | "ended" => Tone::Good,
        "failed" | "gone" => Tone::Bad,
        "waiting" | "queued" | "may run" => Tone::Quiet,
        _ => Tone::Notable,
    };
    tone.of(word)
}

/// The first reason, and how many more there are.
pub(crate) fn reason(state: &State) -> String {
    let reasons = state.reasons();
    let first = reasons
        .first()
        .map_or_else(String::new, ToString::to_string);
    match reasons.len() {
        0 | 1 => first,
        2 => format!("{first} (and 1 more reason)"),
        count => format!("{first} (and {} more reasons)", count - 1),
    }
}
