//! One stage program as a child process: it dies with this process, and what it says is bounded.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use eigenscope_stage::{TaskCommand, ThreadBudget};

/// Longest line that is read as an event, in bytes; the rest of a longer one is passed over.
const LONGEST_LINE: usize = 256 * 1024;

/// Lines that may wait to be handled before the child has to wait.
const WAITING_LINES: usize = 256;

/// Time between two looks at whether the child has ended or is to be stopped.
const TICK: Duration = Duration::from_millis(20);

/// Time to look again once the child has closed its standard output, which it does when it ends.
const SHORT_TICK: Duration = Duration::from_millis(2);

/// Time that a child has to end after its standard input was closed, before it is killed.
const GRACE: Duration = Duration::from_secs(2);

/// Time to wait for the last lines of a child that has ended (a child of its own may hold the pipe open).
const LAST_LINES: Duration = Duration::from_secs(1);

/// Keeps glibc from handing freed memory back to the system and asking for it again at every training step. Other
/// allocators ignore it.
const KEEP_MEMORY: [(&str, &str); 2] = [
    ("MALLOC_TRIM_THRESHOLD_", "4000000000"),
    ("MALLOC_MMAP_THRESHOLD_", "33554432"),
];

/// A running child. Dropped before it has ended, it is killed.
pub(super) struct Process {
    child: Child,
    /// Threads that the child knows it may use.
    threads: usize,
    lines: Receiver<Vec<u8>>,
}

/// How a child ended.
pub(super) struct End {
    pub(super) status: ExitStatus,
    /// Whether it was asked to stop before.
    pub(super) stopped: bool,
}

impl Process {
    /// Starts `program run <task> --stop-with-stdin`; its standard error goes to `log`. The task file allows
    /// `threads` threads.
    pub(super) fn start(
        program: &Path,
        task: &Path,
        threads: usize,
        log: File,
    ) -> io::Result<Self> {
        let mut command = Command::new(program);
        command
            .arg("run")
            .arg(task)
            .arg("--stop-with-stdin")
            .envs(KEEP_MEMORY)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log);
        // Ctrl-C in a terminal goes to the whole group: only the orchestrator decides what to stop.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn()?;
        let (sender, lines) = sync_channel(WAITING_LINES);
        if let Some(stdout) = child.stdout.take() {
            // Not joined: it ends when the pipe is closed or nobody listens any more.
            std::thread::spawn(move || send_lines(BufReader::new(stdout), &sender));
        }
        Ok(Self {
            child,
            threads,
            lines,
        })
    }

    /// Hands each line to `line`, calls `tick` now and then and passes changes of `thread_budget` on, until the child has
    /// ended. Once `stop` is set, the child's standard input is closed, and after a grace period it is killed.
    pub(super) fn supervise(
        mut self,
        stop: &AtomicBool,
        thread_budget: &ThreadBudget,
        mut line: impl FnMut(&[u8]) -> io::Result<()>,
        mut tick: impl FnMut(),
    ) -> io::Result<End> {
        let mut stopped: Option<Instant> = None;
        loop {
            match self.lines.recv_timeout(TICK) {
                Ok(text) => line(&text)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => std::thread::sleep(SHORT_TICK),
            }
            tick();
            self.tell(thread_budget.threads());
            if let Some(status) = self.child.try_wait()? {
                while let Ok(text) = self.lines.recv_timeout(LAST_LINES) {
                    line(&text)?;
                }
                let stopped = stopped.is_some();
                return Ok(End { status, stopped });
            }
            match stopped {
                None if stop.load(Ordering::Relaxed) => {
                    drop(self.child.stdin.take());
                    stopped = Some(Instant::now());
                }
                Some(since) if since.elapsed() > GRACE => self.child.kill()?,
                _ => {}
            }
        }
    }
}

impl Process {
    /// Tells the child how many threads it may use now, if that has changed.
    fn tell(&mut self, threads: usize) {
        if threads == self.threads {
            return;
        }
        self.threads = threads;
        if let Some(stdin) = &mut self.child.stdin
            && let Ok(command) = serde_json::to_string(&TaskCommand::Threads(threads))
        {
            // A child that does not listen has ended, or will be found to hang by other means.
            let _ = writeln!(stdin, "{command}");
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both do nothing for a child that has ended and been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn send_lines(mut reader: impl BufRead, sender: &SyncSender<Vec<u8>>) {
    while let Ok(Some(line)) = read_line(&mut reader) {
        if sender.send(line).is_err() {
            return;
        }
    }
}

/// All lines of what a program has said.
#[cfg(fuzzing)]
pub(crate) fn lines_of(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    std::iter::from_fn(|| read_line(&mut bytes).ok().flatten()).collect()
}

/// The next line without its end, cut to [`LONGEST_LINE`]; `None` at the end of the stream.
fn read_line(reader: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let mut cut = false;
    let mut started = false;
    loop {
        let buffer = match reader.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            buffer => buffer?,
        };
        started |= !buffer.is_empty();
        let end = buffer.iter().position(|&byte| byte == b'\n');
        let part = &buffer[..end.unwrap_or(buffer.len())];
        let kept = part.len().min(LONGEST_LINE - line.len());
        line.extend_from_slice(&part[..kept]);
        cut |= kept < part.len();
        let at_end = buffer.is_empty() || end.is_some();
        let read = part.len() + usize::from(end.is_some());
        reader.consume(read);
        if at_end {
            if cut {
                line.write_all(b" [line cut]")?;
            }
            return Ok(started.then_some(line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_split_and_cut() {
        let long = "x".repeat(LONGEST_LINE + 1000);
        let text = format!("one\n\n{long}\nlast");
        let mut reader = BufReader::with_capacity(100, text.as_bytes());
        let mut next = || {
            let line = read_line(&mut reader).expect("readable");
            line.map(|line| String::from_utf8(line).expect("text"))
        };
        assert_eq!(next().as_deref(), Some("one"));
        assert_eq!(next().as_deref(), Some(""));
        let cut = next().expect("a line");
        assert_eq!(cut.len(), LONGEST_LINE + " [line cut]".len());
        assert_eq!(next().as_deref(), Some("last"));
        assert_eq!(next(), None);
    }
}
