//! The report file: everything that the program which draws figures needs to know to write the page of a pipeline.
//!
//! It is made by the orchestrator, which knows the tasks and their state, for `eigenscope-report report FILE`, which knows
//! how to show them. Texts are plain; paths in them are for people, relative to the folder that the program runs in.

use std::path::PathBuf;

use eigenscope_artifact::Digest;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Section;

/// Version of [`ReportFile`].
pub const REPORT_VERSION: u32 = 2;

/// A page to write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportFile {
    /// Version of this format; another one is refused.
    pub version: u32,
    /// Where to place the page.
    pub output: PathBuf,
    /// Name of the pipeline.
    pub pipeline: String,
    /// What its file says about it; empty for nothing.
    pub description: String,
    /// The words of the command that runs tasks of this pipeline, without the tasks.
    pub run_command: Vec<String>,
    /// Published numbers against ours; `None` where nothing is published.
    pub comparison: Option<Comparison>,
    /// All tasks, inputs before the tasks that read them.
    pub tasks: Vec<ReportTask>,
}

/// Published numbers against ours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// What the numbers are.
    pub title: String,
    /// Head of the column of the published numbers.
    pub reference_head: String,
    /// The file of the published numbers.
    pub file: String,
    /// One for each.
    pub rows: Vec<ComparedNumber>,
}

/// A published number and ours, as texts with as many digits as they have meaning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComparedNumber {
    /// What it is.
    pub name: String,
    /// Where it was published.
    pub source: String,
    /// The published number, or its bounds.
    pub published: String,
    /// Largest difference; empty for bounds.
    pub tolerance: String,
    /// Ours; empty if there is none.
    pub ours: String,
    /// Ours minus the published one; empty if there is none.
    pub difference: String,
    /// Table rows that ours was made from.
    pub rows_used: usize,
    /// Whether it holds.
    pub verdict: ReportVerdict,
    /// What is known of a difference; empty if nothing is.
    pub note: String,
}

/// Whether a published number is reproduced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum ReportVerdict {
    /// Ours is within the tolerance or bounds.
    Ok,
    /// It is not.
    Off,
    /// There is none, and why.
    Missing(String),
}

/// A task and what is known of its result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportTask {
    /// Readable id, such as `train.bilinear[hidden=300,seed=2]`.
    pub id: String,
    /// Table of the pipeline file that it is of, such as `train.bilinear`.
    pub table: String,
    /// Section that it belongs to.
    pub section: Section,
    /// Name of its kind, such as `train/bilinear`.
    pub kind: String,
    /// All parameters, defaults included.
    pub parameters: Value,
    /// Seed of its random streams; `None` where chance plays no part.
    pub seed: Option<u64>,
    /// Digest of the code that computes it.
    pub fingerprint: String,
    /// Whether its result is up to date.
    pub state: TaskState,
    /// What it reads.
    pub inputs: Vec<ReportInput>,
    /// Short name, unique in the pipeline, if it draws a figure.
    pub figure: Option<String>,
}

/// Whether a result is up to date.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum TaskState {
    /// It is.
    Current {
        /// Where it stands in the store.
        key: String,
        /// Fingerprints of the code that computed it and that it was accepted for since; empty if the task's code did.
        accepted_from: Vec<String>,
        /// What the task warned about.
        warnings: Vec<String>,
        /// The figure's form for pages, if it draws one.
        interactive: Option<PathBuf>,
    },
    /// It has to be made anew.
    Stale {
        /// Why.
        reasons: Vec<String>,
    },
    /// It waits for what it reads.
    Blocked {
        /// Why.
        reasons: Vec<String>,
    },
}

/// Something that a task reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportInput {
    /// The role it plays.
    pub role: String,
    /// Index of the task that makes it.
    pub task: usize,
    /// Path of the file.
    pub file: String,
    /// Digest of its content, if it is up to date.
    pub content: Option<Digest>,
}
