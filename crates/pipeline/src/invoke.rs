//! Invocations of stage programs outside of runs.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use eigenscope_stage::Event;
use serde::Serialize;

use eigenscope_plan::programs::start_advice;

/// An invocation that failed.
#[derive(Debug, thiserror::Error)]
pub enum InvokeError {
    /// The file for the program cannot be written.
    #[error("cannot write a temporary file for {path}", path = program.display())]
    Hand {
        program: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// The program does not start.
    #[error("cannot start {path}{advice}", path = program.display(), advice = start_advice(source))]
    Start {
        program: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{path} wrote nothing: {reason}", path = program.display())]
    Failed { program: PathBuf, reason: String },
}

/// Runs `program COMMAND FILE`, the file holding `content` as JSON.
///
/// # Errors
/// See [`InvokeError`].
pub(crate) fn invoke(
    program: &Path,
    command: &str,
    content: &impl Serialize,
) -> Result<(), InvokeError> {
    let hand = |source: std::io::Error| InvokeError::Hand {
        program: program.to_owned(),
        source,
    };
    let mut file = tempfile::NamedTempFile::new().map_err(hand)?;
    let text = serde_json::to_vec(content).map_err(|error| hand(error.into()))?;
    file.write_all(&text).map_err(hand)?;
    let output = Command::new(program)
        .arg(command)
        .arg(file.path())
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .map_err(|source| InvokeError::Start {
            program: program.to_owned(),
            source,
        })?;
    if output.status.success() {
        return Ok(());
    }
    Err(InvokeError::Failed {
        program: program.to_owned(),
        reason: reason(&output.stdout, output.status),
    })
}

/// Why the program failed: what it said last.
fn reason(said: &[u8], status: ExitStatus) -> String {
    let events = said.split(|byte| *byte == b'\n');
    let mut failures = events.filter_map(|line| match serde_json::from_slice(line) {
        Ok(Event::Failed { messages }) => Some(messages.join(": ")),
        _ => None,
    });
    failures
        .next_back()
        .unwrap_or_else(|| format!("it ended with {status}"))
}
