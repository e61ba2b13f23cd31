//! A task as its program runs it: checked inputs, a task file, a log, and what the program says.
//!
//! This is all of a task that has to travel to another machine.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use eigenscope_artifact::{FileDigest, digest_file, regular};
use eigenscope_plan::programs::ProgramError;
use eigenscope_stage::{Event, TaskFile, ThreadBudget};
use serde::{Deserialize, Serialize};

use super::failure::chain;
use super::process::{End, Process};
use crate::store::{Outside, StoreError, create_folder};

/// Shortest time between two progress reports of a task.
const REPORT_INTERVAL: Duration = Duration::from_millis(100);

/// Numbers of the signals SIGKILL and SIGTERM.
pub(super) const KILL: i32 = 9;
pub(super) const TERMINATE: i32 = 15;

/// Everything that its program needs to run a task.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProgramRun {
    pub(super) program: PathBuf,
    pub(super) log: PathBuf,
    /// The task file, with names of outputs in place of their paths.
    pub(super) task: TaskFile,
    /// The files that the task reads, as they are recorded.
    pub(super) files: Vec<(PathBuf, FileDigest)>,
    /// Warnings that do not come from the program.
    pub(super) warnings: Vec<String>,
}

/// What a program reported.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProgramReport {
    pub(super) outside: Outside,
    pub(super) warnings: Vec<String>,
    pub(super) failure: Option<Vec<String>>,
    /// CPU time in seconds and largest resident set in bytes.
    pub(super) usage: Option<(f64, u64)>,
}

/// Why a program did not end well.
pub(super) enum RunError {
    /// It was asked to stop.
    Stopped,
    /// The error and its causes, outermost first.
    Failed {
        messages: Vec<String>,
        /// The signal that ended it, if one did.
        signal: Option<i32>,
    },
    /// The artifacts folder cannot be used.
    Store(StoreError),
}

impl From<StoreError> for RunError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl ProgramRun {
    /// Reads the files that the task is about to read: size and times, which the survey may have gone by, do not show that a
    /// disk has lost bits.
    pub(super) fn check_inputs(&self) -> Result<(), StoreError> {
        let mut files = self.files.iter();
        files.try_for_each(|(path, recorded)| check_input(path, *recorded))
    }

    /// Runs the task, whose outputs appear in `folder`. `report` receives progress and warnings.
    pub(super) fn run(
        &self,
        folder: &Path,
        stop: &AtomicBool,
        thread_budget: &ThreadBudget,
        said: &mut ProgramReport,
        mut report: impl FnMut(Event),
    ) -> Result<(), RunError> {
        let task_file = self.write_task_file(folder)?;
        let mut log = create_log(&self.log)?;
        for message in self.warnings.iter().cloned() {
            writeln!(log, "WARN {message}").map_err(|source| log_error(&self.log, source))?;
            said.warnings.push(message.clone());
            report(Event::Warning { message });
        }
        let copy = log
            .try_clone()
            .map_err(|source| log_error(&self.log, source))?;
        let started = Process::start(&self.program, &task_file, self.task.threads, copy);
        let process = started.map_err(|source| {
            let path = self.program.clone();
            RunError::Failed {
                messages: chain(&ProgramError::Start { path, source }),
                signal: None,
            }
        })?;
        let listener = Listener::new(said, log, report);
        let end = listener
            .follow(process, stop, thread_budget)
            .map_err(|source| log_error(&self.log, source))?;
        if end.status.success() {
            return Ok(());
        }
        if end.stopped {
            return Err(RunError::Stopped);
        }
        Err(RunError::Failed {
            signal: signal(end.status),
            messages: said
                .failure
                .take()
                .unwrap_or_else(|| vec![describe(end.status)]),
        })
    }

    /// Writes the task file. All paths in it are absolute.
    fn write_task_file(&self, folder: &Path) -> Result<PathBuf, StoreError> {
        let mut task = self.task.clone();
        for output in task.outputs.values_mut() {
            *output = folder.join(&*output);
        }
        let path = folder.join("task.json");
        serde_json::to_vec(&task)
            .map_err(io::Error::from)
            .and_then(|text| std::fs::write(&path, text))
            .map_err(|source| StoreError::io("write", &path, source))?;
        Ok(path)
    }
}

/// Handles the lines of a program: events are kept or reported, everything else goes to the log.
struct Listener<'a, Report> {
    said: &'a mut ProgramReport,
    log: File,
    report: Report,
    /// The latest progress, not yet reported.
    progress: Option<Event>,
    reported: Option<Instant>,
}

impl<'a, Report: FnMut(Event)> Listener<'a, Report> {
    fn new(said: &'a mut ProgramReport, log: File, report: Report) -> Self {
        Self {
            said,
            log,
            report,
            progress: None,
            reported: None,
        }
    }

    fn follow(
        self,
        process: Process,
        stop: &AtomicBool,
        thread_budget: &ThreadBudget,
    ) -> io::Result<End> {
        let listener = std::cell::RefCell::new(self);
        let end = process.supervise(
            stop,
            thread_budget,
            |line| listener.borrow_mut().line(line),
            || listener.borrow_mut().report_progress(false),
        )?;
        listener.borrow_mut().report_progress(true);
        Ok(end)
    }

    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        match serde_json::from_slice(line) {
            Ok(event @ Event::Progress { .. }) => self.progress = Some(event),
            Ok(Event::Warning { message }) => {
                self.said.warnings.push(message.clone());
                (self.report)(Event::Warning { message });
            }
            Ok(Event::File(file)) => self.said.outside.files.push(file),
            Ok(Event::Absent { path }) => self.said.outside.absent.push(path),
            Ok(Event::Pictures { folder, pictures }) => {
                let known = self.said.outside.pictures.entry(folder).or_default();
                known.extend(pictures);
            }
            Ok(Event::Failed { messages }) => self.said.failure = Some(messages),
            Ok(Event::Usage {
                cpu_seconds,
                peak_bytes,
            }) => self.said.usage = Some((cpu_seconds, peak_bytes)),
            Err(_) => {
                self.log.write_all(line)?;
                self.log.write_all(b"\n")?;
            }
        }
        Ok(())
    }

    fn report_progress(&mut self, at_end: bool) {
        let is_due = |last: Instant| last.elapsed() >= REPORT_INTERVAL;
        if (at_end || self.reported.is_none_or(is_due))
            && let Some(progress) = self.progress.take()
        {
            (self.report)(progress);
            self.reported = Some(Instant::now());
        }
    }
}

fn check_input(path: &Path, recorded: FileDigest) -> Result<(), StoreError> {
    match digest_file(path) {
        Ok(found) if found == recorded => Ok(()),
        Ok(_) => Err(StoreError::Damaged {
            path: path.to_owned(),
        }),
        Err(error) => Err(error.into()),
    }
}

/// An empty log that both this process and the program append to.
fn create_log(path: &Path) -> Result<File, StoreError> {
    create_folder(path.parent().unwrap_or(path))?;
    regular::check_writable(path)
        .and_then(|()| File::create(path))
        .and_then(|_| File::options().append(true).open(path))
        .map_err(|source| log_error(path, source))
}

fn log_error(path: &Path, source: io::Error) -> StoreError {
    StoreError::io("write", path, source)
}

#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<i32> {
    std::os::unix::process::ExitStatusExt::signal(&status)
}

#[cfg(not(unix))]
fn signal(_: ExitStatus) -> Option<i32> {
    None
}

/// The end of a program that said nothing about why.
fn describe(status: ExitStatus) -> String {
    if signal(status) == Some(KILL) {
        return format!("its program was killed ({status}); a likely reason is too little memory");
    }
    format!("its program ended with {status}")
}
