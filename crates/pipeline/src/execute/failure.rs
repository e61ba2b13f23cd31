//! A failed task: what it said, the end of its log, and where the log is.
//!
//! The message appears at once; the log is kept.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Lines of the log that are shown.
const LINES: usize = 15;

/// Bytes at the end of the log that these lines are taken from.
const BYTES: u64 = 16 * 1024;

/// Why a task failed.
#[derive(Debug, Clone)]
pub struct TaskFailure {
    /// Index of the task in the plan.
    pub task: usize,
    pub id: String,
    /// The error and its causes, outermost first.
    pub messages: Vec<String>,
    /// The last lines of its log that say more than the messages.
    pub log_lines: Vec<String>,
    pub log: PathBuf,
    /// Whether somebody cancelled its job: what does not depend on it goes on in any case.
    pub is_cancelled: bool,
}

impl TaskFailure {
    pub(super) fn new(task: usize, id: &str, messages: Vec<String>, log: &Path) -> Self {
        // A program notes in its log what it failed with.
        let said = messages.join(": ");
        let is_said = |line: &str| {
            let mut said = said.lines().filter(|said| !said.trim().is_empty());
            said.any(|said| line.ends_with(said))
        };
        Self {
            task,
            id: id.to_owned(),
            log_lines: last_lines(log, |line| !is_said(line)),
            messages,
            log: log.to_owned(),
            is_cancelled: false,
        }
    }

    /// Where the log is and how it ends, without what [`TaskFailure`] displays.
    pub fn log_end(&self) -> String {
        let mut text = format!("log of {}: {}", self.id, self.log.display());
        for line in &self.log_lines {
            text.push_str("\n  ");
            text.push_str(line);
        }
        text
    }
}

impl fmt::Display for TaskFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed: {}", self.id, self.messages.join(": "))
    }
}

impl Error for TaskFailure {}

/// The error and its causes, outermost first.
pub fn chain(error: &dyn Error) -> Vec<String> {
    std::iter::successors(Some(error), |&error| error.source())
        .map(ToString::to_string)
        .collect()
}

/// The end of a log, of its lines to be shown; nothing if it cannot be read (the failure itself matters more).
fn last_lines(log: &Path, is_shown: impl Fn(&str) -> bool) -> Vec<String> {
    let mut bytes = Vec::new();
    let read = File::open(log).and_then(|mut file| {
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(BYTES)))?;
        file.read_to_end(&mut bytes)
    });
    if let Err(error) = read {
        tracing::debug!("cannot read {}: {error}", log.display());
    }
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().filter(|line| is_shown(line)).collect();
    let first = lines.len().saturating_sub(LINES);
    lines[first..]
        .iter()
        .map(|line| (*line).to_owned())
        .collect()
}
