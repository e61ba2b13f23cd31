//! The number of threads that a running task may use: its own, and those that others leave idle for a while.

use std::io::{self, BufRead};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};

/// Longest command that is read, in bytes; a longer one is cut and then ignored.
const LONGEST_COMMAND: u64 = 4096;

/// A command of the orchestrator to a running task: a JSON line on its standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskCommand {
    /// Sets the number of threads that the task may use from now on.
    Threads(usize),
}

/// The number of threads that a task may use at the moment. Clones share it. Results must not depend on it.
#[derive(Debug, Clone)]
pub struct ThreadBudget(Arc<AtomicUsize>);

impl ThreadBudget {
    /// Creates a budget of so many threads.
    pub fn new(threads: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(threads)))
    }

    /// Returns the number of threads that may be used now, at least one.
    pub fn threads(&self) -> usize {
        self.0.load(Ordering::Relaxed).max(1)
    }

    /// Sets the number to start with, unless a command has come already.
    pub(crate) fn start_with(&self, threads: usize) {
        // An error means that a command came first, whose number counts.
        let relaxed = Ordering::Relaxed;
        let _ = self.0.compare_exchange(0, threads, relaxed, relaxed);
    }

    /// Changes the number for all clones.
    pub fn set(&self, threads: usize) {
        self.0.store(threads.max(1), Ordering::Relaxed);
    }

    /// Obeys commands until `reader` ends or fails, and ignores other lines.
    pub(crate) fn obey(&self, mut reader: impl BufRead) {
        let mut line = Vec::new();
        while matches!(read_command(&mut reader, &mut line), Ok(1..)) {
            if let Ok(TaskCommand::Threads(threads)) = serde_json::from_slice(&line) {
                self.set(threads);
            }
        }
    }
}

/// Replaces `line` by the next one, or by a piece of a line that is too long to be a command.
fn read_command(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<usize> {
    line.clear();
    io::Read::take(reader, LONGEST_COMMAND).read_until(b'\n', line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_command_counts_and_nonsense_does_not() {
        let command = serde_json::to_string(&TaskCommand::Threads(3)).expect("serialises");
        assert_eq!(command, r#"{"threads":3}"#);
        let budget = ThreadBudget::new(0);
        assert_eq!(budget.threads(), 1);
        budget.start_with(2);
        assert_eq!(budget.threads(), 2);
        let long = "x".repeat(10_000);
        let text = format!("{{\"threads\":7}}\nnonsense\n{long}\n{{\"cores\":9}}\n{command}\n{{}}");
        budget.clone().obey(text.as_bytes());
        budget.start_with(2);
        assert_eq!(budget.threads(), 3);
        budget.obey(&b"{\"threads\":0}"[..]);
        assert_eq!(budget.threads(), 1);
    }
}
