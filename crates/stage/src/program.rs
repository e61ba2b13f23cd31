//! The `main` of every stage program: command line, logging, resources, panics, exit code.

use std::any::Any;
use std::error::Error;
use std::io;
use std::panic::{AssertUnwindSafe, RefUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::context::emit;
use crate::{
    Context, Description, Event, Stage, TASK_VERSION, TaskFile, TaskKind, ThreadBudget, exit,
};
use crate::{agreement, examine};

/// Why a task failed; printed with its causes.
pub type TaskError = Box<dyn Error + Send + Sync>;

#[derive(Parser)]
#[command(
    about = "A stage program of eigenscope; usually started by `eigenscope run`",
    version
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print the task kinds of this program as JSON
    Describe,
    /// Answer the questions about tasks on standard input (JSON), before the tasks run
    Examine,
    /// Run the task in a task file
    Run {
        /// The task file (JSON)
        task: PathBuf,
        /// Obey standard input, and end when it closes: the process that started this one is gone
        #[arg(long)]
        stop_with_stdin: bool,
    },
    /// Write the page of a pipeline (the program of the section `figure` only)
    Report {
        /// The report file (JSON)
        file: PathBuf,
    },
}

/// Writes the page of a pipeline from the report file at a path.
type WriteReport<'a> = &'a dyn Fn(&Path) -> ExitCode;

/// Runs the stage program that serves `section` with the given task kinds.
pub fn run(section: Stage, kinds: Vec<TaskKind>) -> ExitCode {
    run_program(section, kinds, None)
}

/// As [`run`], for a program that can also write reports: `write` is given the content of a report file of this `version`.
pub fn run_with_report<T: DeserializeOwned + RefUnwindSafe>(
    section: Stage,
    kinds: Vec<TaskKind>,
    version: u32,
    write: fn(&T) -> Result<(), TaskError>,
) -> ExitCode {
    run_program(
        section,
        kinds,
        Some(&|path| write_report(path, version, write)),
    )
}

#[allow(
    clippy::print_stdout,
    reason = "descriptions and answers go to standard output"
)]
fn run_program(
    section: Stage,
    kinds: Vec<TaskKind>,
    write_report: Option<WriteReport<'_>>,
) -> ExitCode {
    match Arguments::parse().command {
        Command::Describe => match serde_json::to_string(&describe(section, kinds)) {
            Ok(text) => {
                println!("{text}");
                ExitCode::from(exit::DONE)
            }
            Err(error) => fail(&error, exit::FAILED),
        },
        Command::Examine => match examine::answer(io::stdin().lock(), &kinds) {
            Ok(text) => {
                println!("{text}");
                ExitCode::from(exit::DONE)
            }
            Err(error) => fail(&*error, exit::USAGE),
        },
        Command::Run {
            task,
            stop_with_stdin,
        } => {
            let thread_budget = ThreadBudget::new(0);
            if stop_with_stdin {
                let thread_budget = thread_budget.clone();
                std::thread::spawn(|| end_with_stdin(thread_budget));
            }
            run_task(&task, &kinds, thread_budget)
        }
        Command::Report { file } => {
            log_to_stderr();
            match write_report {
                Some(write) => write(&file),
                None => fail(&*no_reports(section), exit::USAGE),
            }
        }
    }
}

fn describe(section: Stage, kinds: Vec<TaskKind>) -> Description {
    let code = |kind: &TaskKind| (kind.description.name.clone(), kind.run.code());
    Description {
        version: TASK_VERSION,
        section,
        code: kinds.iter().map(code).collect(),
        kinds: kinds.into_iter().map(|kind| kind.description).collect(),
    }
}

fn run_task(path: &Path, kinds: &[TaskKind], thread_budget: ThreadBudget) -> ExitCode {
    log_to_stderr();
    let (context, kind) = match read_task(path, kinds, thread_budget) {
        Ok(found) => found,
        Err(error) => return fail(&*error, exit::USAGE),
    };
    if let Err(error) = rayon::ThreadPoolBuilder::new()
        .num_threads(context.task().threads)
        .build_global()
    {
        return fail(&error, exit::FAILED);
    }
    let provenance = context.provenance();
    let span = tracing::info_span!("task", id = %context.task().id(), seed = provenance.seed);
    let result = span.in_scope(|| {
        tracing::info!(kind = %provenance.kind, "started");
        agreement::check(kind, context.task())?;
        catch_unwind(AssertUnwindSafe(|| (kind.run.call)(&context)))
            .unwrap_or_else(|panic| Err(panic_message(&*panic).into()))
    });
    emit(&usage());
    match result {
        Ok(()) => {
            span.in_scope(|| tracing::info!("done"));
            ExitCode::from(exit::DONE)
        }
        Err(error) => fail_with(&*error, exit::FAILED, |text| {
            context.task().name_inputs(text)
        }),
    }
}

fn no_reports(section: Stage) -> TaskError {
    let (program, other) = (section.program(), Stage::Figure.program());
    format!("{program} writes no reports; {other} does").into()
}

fn write_report<T: DeserializeOwned + RefUnwindSafe>(
    path: &Path,
    version: u32,
    write: fn(&T) -> Result<(), TaskError>,
) -> ExitCode {
    match read_contract(path, version) {
        Err(error) => fail(&*error, exit::USAGE),
        Ok(file) => match catch_unwind(|| write(&file)) {
            Ok(Ok(())) => ExitCode::from(exit::DONE),
            Ok(Err(error)) => fail(&*error, exit::FAILED),
            Err(panic) => {
                let error: TaskError = panic_message(&*panic).into();
                fail(&*error, exit::FAILED)
            }
        },
    }
}

fn log_to_stderr() {
    // A log that cannot be written (a full disk) must not end the task: its outputs say more.
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .log_internal_errors(false)
        .init();
}

/// The one field that every version of a task or report file has.
#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// Reads a file of this version of the contract.
fn read_contract<T: DeserializeOwned>(path: &Path, expected: u32) -> Result<T, TaskError> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
    parse_contract(&text, &name, expected)
}

/// Reads the text of what is called `name`.
pub(crate) fn parse_contract<T: DeserializeOwned>(
    text: &str,
    name: &str,
    expected: u32,
) -> Result<T, TaskError> {
    let broken = |error: serde_json::Error| format!("{name}: {error}");
    // The version comes first: a text of another version may have other fields.
    let Version { version } = serde_json::from_str(text).map_err(broken)?;
    if version != expected {
        let found = format!("{name}: contract version {version}, this program knows {expected}");
        return Err(found.into());
    }
    Ok(serde_json::from_str(text).map_err(broken)?)
}

fn read_task<'a>(
    path: &Path,
    kinds: &'a [TaskKind],
    thread_budget: ThreadBudget,
) -> Result<(Context, &'a TaskKind), TaskError> {
    let task: TaskFile = read_contract(path, TASK_VERSION)?;
    let kind = kinds
        .iter()
        .find(|kind| kind.description.name == task.kind)
        .ok_or_else(|| format!("{}: unknown task kind `{}`", path.display(), task.kind))?;
    let context = Context::new(task)
        .with_thread_budget(thread_budget)
        .sharing(&kind.shared);
    Ok((context, kind))
}

/// Reports an error with its causes as the last event and in the log.
fn fail(error: &(dyn Error + '_), code: u8) -> ExitCode {
    fail_with(error, code, str::to_owned)
}

/// As [`fail`], each message of the event changed by `edit`; the log has them as they are.
fn fail_with(error: &(dyn Error + '_), code: u8, edit: impl Fn(&str) -> String) -> ExitCode {
    let mut messages = vec![error.to_string()];
    let mut source = error.source();
    while let Some(cause) = source {
        messages.push(cause.to_string());
        source = cause.source();
    }
    tracing::error!("{}", messages.join(": "));
    let messages = messages.iter().map(|message| edit(message)).collect();
    emit(&Event::Failed { messages });
    ExitCode::from(code)
}

pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    format!("a defect of eigenscope: {text}")
}

/// Ends the process as soon as standard input is closed: whoever started it has ended, however it did.
#[allow(clippy::needless_pass_by_value, reason = "it belongs to this thread")]
fn end_with_stdin(thread_budget: ThreadBudget) {
    thread_budget.obey(std::io::stdin().lock());
    std::process::exit(i32::from(exit::FAILED));
}

/// CPU time and peak memory of this process, from `/proc` (zero where there is none).
fn usage() -> Event {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak_kib: u64 = status
        .lines()
        .find_map(|line| {
            line.strip_prefix("VmHWM:")?
                .trim()
                .strip_suffix(" kB")?
                .parse()
                .ok()
        })
        .unwrap_or(0);
    // Nanoseconds on a CPU of each thread that still runs would miss ended ones; `stat` counts all, in
    // clock ticks of 10 ms (fixed in Linux's user interface). Fields after the command, which may hold spaces.
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks: u64 = stat
        .rsplit_once(')')
        .map(|(_, fields)| {
            fields
                .split_whitespace()
                .skip(11)
                .take(2)
                .filter_map(|field| field.parse::<u64>().ok())
                .sum()
        })
        .unwrap_or(0);
    Event::Usage {
        cpu_seconds: ticks as f64 / 100.0,
        peak_bytes: peak_kib * 1024,
    }
}
