//! One attempt at one task: its program runs in a work folder, and its result is committed to the store.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use eigenscope_artifact::{FileDigest, InputDigest, Provenance, digest_file, regular};
use eigenscope_stage::{Event, ExternalFile, Input, TASK_VERSION, TaskFile, ThreadBudget};

use super::TaskFailure;
use super::failure::chain;
use super::process::Process;
use crate::store::{
    CommitError, Committed, Key, KeyInputs, Store, StoreError, WorkFolder, create_folder,
};
use crate::survey::kind_name;
use eigenscope_plan::PlannedTask;
use eigenscope_plan::programs::ProgramError;

/// Shortest time between two progress reports of a task.
const REPORT_INTERVAL: Duration = Duration::from_millis(100);

/// Everything needed to run one task.
pub(super) struct Attempt<'a> {
    pub(super) index: usize,
    pub(super) task: &'a PlannedTask,
    pub(super) key: Key,
    pub(super) key_inputs: KeyInputs,
    pub(super) inputs: BTreeMap<String, Vec<Input>>,
    /// The files that the task reads, as they are recorded.
    pub(super) files: Vec<(PathBuf, FileDigest)>,
    pub(super) program: PathBuf,
    pub(super) log: PathBuf,
    pub(super) threads: usize,
    /// Threads that it may use as it runs.
    pub(super) thread_budget: ThreadBudget,
    pub(super) data_dir: PathBuf,
    pub(super) download: bool,
}

/// How an attempt ended, and what it cost.
pub(super) struct AttemptOutcome {
    pub(super) result: Result<Committed, AttemptError>,
    pub(super) seconds: f64,
    pub(super) cpu_seconds: Option<f64>,
    pub(super) peak_bytes: Option<u64>,
}

/// Why there is no result.
pub(super) enum AttemptError {
    /// The run is stopping.
    Stopped,
    Failed(TaskFailure),
    /// The artifacts folder cannot be used.
    Store(StoreError),
}

impl From<StoreError> for AttemptError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What the program reported.
#[derive(Default)]
struct ProgramReport {
    external_files: Vec<ExternalFile>,
    warnings: Vec<String>,
    failure: Option<Vec<String>>,
    usage: Option<(f64, u64)>,
}

impl Attempt<'_> {
    /// Runs the task. `report` receives progress and warnings.
    pub(super) fn run(
        self,
        store: &Store,
        stop: &AtomicBool,
        report: impl FnMut(Event),
    ) -> AttemptOutcome {
        let started = Instant::now();
        let mut said = ProgramReport::default();
        let result = self.attempt(store, stop, &mut said, report);
        AttemptOutcome {
            result,
            seconds: started.elapsed().as_secs_f64(),
            cpu_seconds: said.usage.map(|(seconds, _)| seconds),
            peak_bytes: said.usage.map(|(_, bytes)| bytes),
        }
    }

    fn attempt(
        self,
        store: &Store,
        stop: &AtomicBool,
        said: &mut ProgramReport,
        mut report: impl FnMut(Event),
    ) -> Result<Committed, AttemptError> {
        for (path, recorded) in &self.files {
            check_input(path, *recorded)?;
        }
        let work = store.work_folder(self.key)?;
        let task_file = self.write_task_file(&work)?;
        let mut log = create_log(&self.log)?;
        for message in self.task.warnings.iter().cloned() {
            writeln!(log, "WARN {message}").map_err(|source| log_error(&self.log, source))?;
            said.warnings.push(message.clone());
            report(Event::Warning { message });
        }
        let copy = log
            .try_clone()
            .map_err(|source| log_error(&self.log, source))?;
        let started = Process::start(&self.program, &task_file, self.threads, copy);
        let process = started.map_err(|source| {
            let path = self.program.clone();
            self.failed(chain(&ProgramError::Start { path, source }))
        })?;
        let listener = Listener::new(said, log, report);
        let end = listener
            .follow(process, stop, &self.thread_budget)
            .map_err(|source| log_error(&self.log, source))?;
        if !end.status.success() {
            if end.stopped {
                return Err(AttemptError::Stopped);
            }
            let messages = said.failure.take();
            return Err(self.failed(messages.unwrap_or_else(|| vec![describe(end.status)])));
        }
        let (external_files, warnings) =
            (said.external_files.split_off(0), said.warnings.split_off(0));
        let outputs = &self.task.outputs;
        let key_inputs = self.key_inputs.clone();
        match store.commit(
            work,
            &self.task.id,
            key_inputs,
            outputs,
            external_files,
            warnings,
        ) {
            Ok(committed) => Ok(committed),
            Err(CommitError::Store(error)) => Err(AttemptError::Store(error)),
            Err(error) => Err(self.failed(chain(&error))),
        }
    }

    fn failed(&self, messages: Vec<String>) -> AttemptError {
        AttemptError::Failed(TaskFailure::new(
            self.index,
            &self.task.id,
            messages,
            &self.log,
        ))
    }

    /// Writes the task file. All paths in it are absolute.
    fn write_task_file(&self, work: &WorkFolder) -> Result<PathBuf, StoreError> {
        let outputs = self.task.outputs.iter();
        let task = TaskFile {
            version: TASK_VERSION,
            kind: self.task.kind.clone(),
            threads: self.threads,
            data_dir: self.data_dir.clone(),
            download: self.download,
            inputs: self.inputs.clone(),
            outputs: outputs
                .map(|kind| (kind.clone(), work.path().join(kind.file_name())))
                .collect(),
            provenance: self.provenance(),
        };
        let path = work.path().join("task.json");
        serde_json::to_vec(&task)
            .map_err(io::Error::from)
            .and_then(|text| std::fs::write(&path, text))
            .map_err(|source| StoreError::io("write", &path, source))?;
        Ok(path)
    }

    /// What goes into the outputs' metadata: nothing that the key does not cover but the task's id. A task
    /// that uses no chance gets the seed 0, so that no result can depend on a seed that is not in its key.
    fn provenance(&self) -> Provenance {
        let inputs = self.key_inputs.inputs.iter();
        Provenance {
            task: self.task.id.clone(),
            kind: kind_name(self.task),
            fingerprint: self.key_inputs.fingerprint.clone(),
            parameters: self.key_inputs.parameters.clone(),
            seed: self.key_inputs.seed.unwrap_or(0),
            inputs: inputs
                .map(|input| InputDigest {
                    role: input.role.clone(),
                    task: input.task.clone(),
                    content: input.content,
                })
                .collect(),
        }
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
    ) -> io::Result<super::process::End> {
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
            Ok(Event::File(file)) => self.said.external_files.push(file),
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

/// Reads a file that the task is about to read: size and times, which the survey may have gone by, do not show that a disk
/// has lost bits.
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

/// The end of a program that said nothing about why.
fn describe(status: ExitStatus) -> String {
    #[cfg(unix)]
    if std::os::unix::process::ExitStatusExt::signal(&status) == Some(9) {
        return format!("its program was killed ({status}); a likely reason is too little memory");
    }
    format!("its program ended with {status}")
}
