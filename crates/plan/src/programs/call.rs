//! One call of a stage program: started with something to read, and waited for with limited patience.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use eigenscope_stage::Event;

use super::{Patience, ProgramError};

/// Longest time between two looks at how long a program has been asked.
const LOOK: Duration = Duration::from_millis(100);

/// Time to look again once a program has closed its standard output, which it does when it ends.
const SHORT_LOOK: Duration = Duration::from_millis(1);

/// A program that has been asked something. Dropped before it has ended, it is killed.
pub(super) struct Call {
    pub(super) path: PathBuf,
    command: &'static str,
    child: Child,
    started: Instant,
    /// All that it has written, once it has closed its standard output.
    written: Receiver<io::Result<Vec<u8>>>,
}

impl Call {
    /// Starts the program at `path` with a command; it reads `input`.
    pub(super) fn start(
        path: PathBuf,
        command: &'static str,
        input: Vec<u8>,
    ) -> Result<Self, ProgramError> {
        let stdin = match input.is_empty() {
            true => Stdio::null(),
            false => Stdio::piped(),
        };
        let spawned = Command::new(&path)
            .arg(command)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut child = spawned.map_err(|source| ProgramError::Start {
            path: path.clone(),
            source,
        })?;
        if let Some(mut stdin) = child.stdin.take() {
            // What a program does not read it does not need: its answer counts.
            std::thread::spawn(move || stdin.write_all(&input));
        }
        let (sender, written) = sync_channel(1);
        let stdout = child.stdout.take();
        // Not joined: should a child of its own hold the pipe open, it ends with this process.
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = stdout.map_or(Ok(0), |mut stdout| stdout.read_to_end(&mut bytes));
            sender.send(read.map(|_| bytes))
        });
        Ok(Self {
            path,
            command,
            child,
            started: Instant::now(),
            written,
        })
    }

    /// What it has written, once it has ended well.
    pub(super) fn answer(mut self, patience: Patience) -> Result<Vec<u8>, ProgramError> {
        let command = self.command;
        let failed = |path: &Path, reason| ProgramError::Answer {
            path: path.to_owned(),
            command,
            reason,
        };
        let unreadable = |path: &Path, error: io::Error| failed(path, error.to_string());
        let mut is_noticed = false;
        let mut bytes = None;
        loop {
            if bytes.is_none()
                && let Ok(written) = self.written.recv_timeout(LOOK)
            {
                bytes = Some(written.map_err(|error| unreadable(&self.path, error))?);
            }
            if let Some(bytes) = &mut bytes {
                match self.child.try_wait() {
                    Ok(Some(status)) if status.success() => return Ok(std::mem::take(bytes)),
                    Ok(Some(status)) => return Err(failed(&self.path, failure(status, bytes))),
                    Ok(None) => std::thread::sleep(SHORT_LOOK),
                    Err(error) => return Err(unreadable(&self.path, error)),
                }
            }
            let waited = self.started.elapsed();
            if waited > patience.limit {
                let seconds = patience.limit.as_secs_f64();
                return Err(failed(
                    &self.path,
                    format!("it has not ended within {seconds} s"),
                ));
            }
            if waited > patience.notice_after && !is_noticed {
                is_noticed = true;
                tracing::warn!(
                    "waiting for {} to {command}; it is given up after {} s",
                    self.path.display(),
                    patience.limit.as_secs_f64()
                );
            }
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        // Both do nothing for a child that has ended and been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a program has ended, and why if its last line says so.
fn failure(status: ExitStatus, written: &[u8]) -> String {
    let last = written
        .split(|&byte| byte == b'\n')
        .rfind(|line| !line.is_empty());
    match last.map(serde_json::from_slice) {
        Some(Ok(Event::Failed { messages })) => format!("{status}: {}", messages.join(": ")),
        _ => status.to_string(),
    }
}
