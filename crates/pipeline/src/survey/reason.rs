//! Why a task is not up to date: one variant per reason, each with its one line for the user.

use std::fmt;

use eigenscope_artifact::{FileDigest, KindName};
use serde_json::Value;

use super::stored::show;
use super::{CodeChange, first_few};

/// Parts of changed code that are named.
const CHANGES_SHOWN: usize = 8;

/// One reason why a task has to run or wait.
#[derive(Debug, Clone, PartialEq)]
pub enum Reason {
    /// There is no earlier result to compare with.
    NeverMade,
    /// It was made, and its result has been removed from the store.
    ResultRemoved,
    /// The record of its result cannot be read.
    RecordUnreadable { reason: String },
    /// The id now names a task of another kind.
    KindChanged { old: String, new: String },
    /// A parameter is different.
    ParameterChanged {
        /// Its name; fields of tables are joined with dots.
        name: String,
        /// The old value, unless there was none.
        old: Option<Value>,
        /// The new value, unless there is none.
        new: Option<Value>,
    },
    /// The seed is different, or began or ceased to matter.
    SeedChanged {
        /// The old seed, if it mattered.
        old: Option<u64>,
        /// The new seed, if it matters.
        new: Option<u64>,
    },
    /// Another kind of device computes.
    DeviceChanged { old: String, new: String },
    /// The code that computes this kind of task is different.
    CodeChanged {
        old: String,
        new: String,
        /// What differs; empty if that is not known.
        changes: Vec<CodeChange>,
    },
    /// An input has another content.
    InputChanged { role: String, task: String },
    /// An input has other labels.
    InputRelabelled { role: String, task: String },
    /// There is an input more.
    InputAdded { role: String, task: String },
    /// There is an input less.
    InputRemoved { role: String, task: String },
    /// The same inputs come in another order.
    InputsReordered,
    /// A task whose name it shows is called otherwise.
    TaskRenamed { old: String, new: String },
    /// An output is not in the store.
    OutputMissing { output: KindName },
    /// An output is not what was written.
    OutputDamaged {
        output: KindName,
        expected: FileDigest,
        found: FileDigest,
    },
    /// An output is there and cannot be read.
    OutputUnreadable { output: KindName, error: String },
    /// A file of the user's is not as the task read it.
    ExternalFileChanged {
        /// Its path, relative to the data directory.
        path: String,
        found: String,
    },
    /// A file of the user's is gone, and there is one that the task would read in its place.
    ExternalFileReplaced {
        /// Its path, relative to the data directory.
        path: String,
        /// The path of the other.
        by: String,
    },
    /// There is a file where the task looked for one in vain.
    ExternalFileAppeared {
        /// Its path, relative to the data directory.
        path: String,
    },
    /// An input has to be made first.
    WaitsFor { task: String },
}

impl Reason {
    /// Returns whether the result is in the store, but not as it was written.
    pub fn is_damage(&self) -> bool {
        matches!(
            self,
            Self::RecordUnreadable { .. }
                | Self::OutputMissing { .. }
                | Self::OutputDamaged { .. }
                | Self::OutputUnreadable { .. }
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeverMade => f.write_str("it has never been made"),
            Self::ResultRemoved => f.write_str("its result has been removed from the store"),
            Self::RecordUnreadable { reason } => {
                write!(
                    f,
                    "the record of its result (task.json) cannot be used: {reason}"
                )
            }
            Self::KindChanged { old, new } => write!(f, "its kind changed from {old} to {new}"),
            Self::ParameterChanged { name, old, new } => match (old, new) {
                (Some(old), Some(new)) => {
                    write!(f, "parameter `{name}` changed from {old} to {new}")
                }
                (None, Some(new)) => write!(f, "parameter `{name}` is new: {new}"),
                (Some(old), None) => write!(f, "parameter `{name}` is gone, was {old}"),
                (None, None) => write!(f, "parameter `{name}` changed"),
            },
            Self::SeedChanged { old, new } => match (old, new) {
                (Some(old), Some(new)) => write!(f, "its seed changed from {old} to {new}"),
                (None, _) => f.write_str("its result now depends on the seed"),
                (_, None) => f.write_str("its result no longer depends on the seed"),
            },
            Self::DeviceChanged { old, new } => write!(f, "its device changed from {old} to {new}"),
            Self::CodeChanged { old, new, changes } if changes.is_empty() => {
                write!(f, "its code changed from {} to {}", short(old), short(new))
            }
            Self::CodeChanged { changes, .. } => {
                let changes = first_few(changes, CHANGES_SHOWN);
                write!(f, "its code changed: {changes}")
            }
            Self::InputChanged { role, task } => {
                write!(f, "the content of its input {task} ({role}) changed")
            }
            Self::InputRelabelled { role, task } => {
                write!(f, "the labels of its input {task} ({role}) changed")
            }
            Self::InputAdded { role, task } => write!(f, "its input {task} ({role}) is new"),
            Self::InputRemoved { role, task } => write!(f, "its input {task} ({role}) is gone"),
            Self::InputsReordered => f.write_str("the order of its inputs changed"),
            Self::TaskRenamed { old, new } => {
                write!(f, "it shows the name of {old}, which is {new} now")
            }
            Self::OutputMissing { output } => write!(f, "its output `{output}` is missing"),
            Self::OutputDamaged {
                output,
                expected,
                found,
            } => write!(
                f,
                "its output `{output}` is damaged: {}, was written as {}",
                show(*found),
                show(*expected)
            ),
            Self::OutputUnreadable { output, error } => {
                write!(f, "its output `{output}` cannot be read: {error}")
            }
            Self::ExternalFileChanged { path, found } => write!(f, "{path} changed: {found}"),
            Self::ExternalFileReplaced { path, by } => {
                write!(
                    f,
                    "the file {path} is gone, and {by} would be read in its place"
                )
            }
            Self::ExternalFileAppeared { path } => write!(
                f,
                "there is a file {path} now, which would be read: it was looked for in vain"
            ),
            Self::WaitsFor { task } => write!(f, "it waits for {task}"),
        }
    }
}

/// Enough of a fingerprint to tell it from another.
fn short(fingerprint: &str) -> String {
    fingerprint.chars().take(12).collect()
}
