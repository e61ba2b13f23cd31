//! How a task ended on a node: a file that appears complete, for the run that waits for it.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use eigenscope_artifact::{KindName, atomic, regular};
use serde::{Deserialize, Serialize};

use super::super::program_run::ProgramReport;
use crate::store::StoreError;

/// Version of the file.
const VERSION: u32 = 1;

/// Largest file that is read, in bytes.
const LARGEST: u64 = 64 << 20;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TaskEnd {
    version: u32,
    pub(super) result: TaskResult,
    /// The work folder with the outputs.
    pub(super) work: PathBuf,
    /// Length in bytes of each output as the node sees it: here, it may appear later.
    pub(super) outputs: BTreeMap<KindName, u64>,
    pub(super) report: ProgramReport,
    /// Message of the last progress report.
    pub(super) message: String,
    /// When the program started, in seconds since 1970.
    pub(super) began: f64,
    pub(super) seconds: f64,
    /// Name of the node.
    pub(super) host: String,
    /// How often Slurm had started the job again before.
    pub(super) restarts: u32,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum TaskResult {
    Done,
    Failed {
        /// The error and its causes, outermost first.
        messages: Vec<String>,
        /// Whether the system killed the program.
        killed: bool,
    },
    /// Slurm has stopped the job.
    Stopped,
    /// An input is not what it was recorded to be.
    Damaged {
        path: PathBuf,
    },
    /// The artifacts folder cannot be used from the node.
    Folder {
        messages: Vec<String>,
    },
}

impl TaskEnd {
    /// An end without a report, for the element to fill in.
    pub(super) fn new(result: TaskResult, work: PathBuf) -> Self {
        Self {
            version: VERSION,
            result,
            work,
            outputs: BTreeMap::new(),
            report: ProgramReport::default(),
            message: String::new(),
            began: 0.0,
            seconds: 0.0,
            host: String::new(),
            restarts: 0,
        }
    }

    pub(super) fn write(&self, path: &Path) -> Result<(), StoreError> {
        let text = serde_json::to_vec(self)
            .map_err(|error| StoreError::io("write", path, error.into()))?;
        Ok(atomic::write_file(path, &text)?)
    }

    /// Reads the file that a node has written.
    ///
    /// # Errors
    /// The file cannot be read, or is no end of this version.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let mut text = Vec::new();
        regular::open(path)?
            .take(LARGEST + 1)
            .read_to_end(&mut text)?;
        if text.len() as u64 > LARGEST {
            return Err(io::Error::other("the file is too long"));
        }
        let end: Self = serde_json::from_slice(&text)?;
        match end.version {
            VERSION => Ok(end),
            other => Err(io::Error::other(format!("version {other}, not {VERSION}"))),
        }
    }
}
