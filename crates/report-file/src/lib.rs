//! The report file: everything that is needed to write the page of a pipeline.
//!
//! The orchestrator, which knows the tasks and their states, writes it for `eigenscope-report report FILE`, which knows
//! how to show them. Texts are plain. Paths of files to read and write are absolute or relative to the working directory;
//! all other paths are for people.

use std::collections::BTreeMap;
use std::path::PathBuf;

use eigenscope_artifact::Digest;
use eigenscope_stage::Stage;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Version of [`ReportFile`].
pub const REPORT_VERSION: u32 = 5;

/// A page to write.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportFile {
    /// [`REPORT_VERSION`]; a file of any other version is refused.
    pub version: u32,
    /// Path of the page, or of the folder of pages.
    pub output: PathBuf,
    /// Whether each figure has a page of its own, in a folder with an index.
    pub is_split: bool,
    /// Name of the pipeline.
    pub pipeline: String,
    /// Description from the pipeline file; empty if there is none.
    pub description: String,
    /// What the pipeline file says about headings of figures ([`ReportTask::heading`]).
    pub sections: BTreeMap<String, String>,
    /// Its file and those that it extends, the nearest first.
    pub pipeline_files: Vec<String>,
    /// Words of the command that runs tasks of this pipeline, without the tasks.
    pub run_command: Vec<String>,
    /// Words of the command that exports a table of this pipeline, without the task.
    pub export_command: Vec<String>,
    /// Published numbers against ours, if any are published.
    pub comparison: Option<Comparison>,
    /// All tasks, each after the tasks that it reads.
    pub tasks: Vec<ReportTask>,
    /// The tables of the pipeline file, in the order of their first tasks.
    pub tables: Vec<ReportTable>,
    /// Pairs of positions in `tables`: a table and one that reads it.
    pub arrows: Vec<(usize, usize)>,
    /// The tables that figures are drawn from, by the paths in [`ReportInput::file`]; none that is not up to date.
    pub sources: BTreeMap<String, SourceTable>,
}

/// A table that figures are drawn from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceTable {
    /// Size of its file.
    pub bytes: u64,
    /// Its rows as comma-separated values; `None` for a table that is too large for a page.
    pub csv: Option<String>,
}

/// A table of the pipeline file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportTable {
    /// Name with its section, such as `train.bilinear`.
    pub name: String,
    /// Positions of its tasks in [`ReportFile::tasks`]; at least one.
    pub tasks: Vec<usize>,
}

/// Published numbers against ours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// Title of the comparison.
    pub title: String,
    /// Head of the column of published numbers.
    pub reference_head: String,
    /// The file of the published numbers.
    pub file: String,
    /// One row per published number.
    pub rows: Vec<ComparedNumber>,
}

/// A published number and ours, formatted with their significant digits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComparedNumber {
    /// Name of the number.
    pub name: String,
    /// Where it was published.
    pub source: String,
    /// The published number, or its bounds.
    pub published: String,
    /// Largest accepted difference; empty for bounds.
    pub tolerance: String,
    /// Our number; empty if there is none.
    pub ours: String,
    /// Our number minus the published one; empty if there is none.
    pub difference: String,
    /// Number of table rows that our number was computed from.
    pub rows_used: usize,
    /// Result of the comparison.
    pub verdict: ReportVerdict,
    /// Explanation of a difference; empty if none is known.
    pub note: String,
}

/// Result of comparing our number with a published one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum ReportVerdict {
    /// Our number is within the tolerance or the bounds.
    Ok,
    /// Our number is outside of them.
    Off,
    /// There is no number of ours, for this reason.
    Missing(String),
}

/// A task and the state of its result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportTask {
    /// Readable id, such as `train.bilinear[hidden=300,seed=2]`.
    pub id: String,
    /// Stage of the pipeline file.
    pub section: Stage,
    /// Name of its kind, such as `train/bilinear`.
    pub kind: String,
    /// All parameters, defaults included.
    pub parameters: Value,
    /// Values of swept parameters by name, its own and those of what it reads one by one.
    pub labels: BTreeMap<String, Value>,
    /// Seed of its random streams; `None` if it uses no chance.
    pub seed: Option<u64>,
    /// Whether the seed was derived from the pipeline's seed and the id, and not given.
    pub seed_is_derived: bool,
    /// How long it took when it last ran, where that is wanted and known.
    pub seconds: Option<f64>,
    /// Fingerprint of the code that computes it.
    pub fingerprint: String,
    /// State of its result.
    pub state: TaskState,
    pub inputs: Vec<ReportInput>,
    /// Short name, unique in the pipeline, if the task draws a figure.
    pub figure: Option<String>,
    /// Heading that the figure is shown under.
    pub heading: Option<String>,
}

/// State of a task's result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum TaskState {
    /// The result is up to date.
    Current {
        /// Its key in the store.
        key: String,
        /// Fingerprints of the code that computed it and that it was accepted for since; empty if the task's own code
        /// computed it.
        accepted_from: Vec<String>,
        /// Warnings of the task.
        warnings: Vec<String>,
        /// The other kind of machine that computed it, if it was taken from elsewhere.
        computed_on: Option<String>,
        /// Its outputs by their kinds, such as `final`.
        outputs: BTreeMap<String, ReportOutput>,
    },
    /// The task has to run again.
    Stale { reasons: Vec<String> },
    /// The task waits for what it reads.
    Blocked { reasons: Vec<String> },
}

/// An output of a result that is up to date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportOutput {
    /// Path of the file to read.
    pub path: PathBuf,
    /// Size of the file.
    pub bytes: u64,
    /// Digest of its content.
    pub content: Digest,
}

/// Something that a task reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportInput {
    /// Role that it plays for the task.
    pub role: String,
    /// Position in [`ReportFile::tasks`] of the task that makes it.
    pub task: usize,
    /// Kind of the output that it reads, such as `history`.
    pub kind: String,
    /// Path of the file.
    pub file: String,
    /// Digest of its content, if it is up to date.
    pub content: Option<Digest>,
}
