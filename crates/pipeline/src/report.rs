//! Has the page of a pipeline written: gathers what is known of its tasks for the program that draws figures.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

use eigenscope_artifact::Kind;
use eigenscope_stage::{
    ComparedNumber, Comparison, Event, REPORT_VERSION, ReportFile, ReportInput, ReportTask,
    ReportVerdict, Section, TaskState,
};

use crate::compare::{Numbers, Row, Verdict};
use crate::plan::{Plan, PlannedInput, PlannedTask};
use crate::programs::Programs;
use crate::store::{Store, figure_names};
use crate::survey::{State, Survey, kind_name};

/// A page to be written.
#[derive(Debug)]
pub struct Request<'a> {
    /// All tasks.
    pub plan: &'a Plan,
    /// Their states: of all of them.
    pub survey: &'a Survey,
    /// Where their results are.
    pub store: &'a Store,
    /// How the page calls the artifacts folder.
    pub shown_root: String,
    /// The words of the command that runs tasks of the pipeline.
    pub run_command: Vec<String>,
    /// The file of published numbers, as the page calls it, and what became of them.
    pub comparison: Option<(String, Vec<Row>)>,
    /// Where to place the page; its folder must exist.
    pub output: PathBuf,
}

/// A page that could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// What the program has to know could not be handed over.
    #[error("cannot write a temporary file for {path}", path = program.display())]
    Hand {
        /// The program.
        program: PathBuf,
        /// The reason.
        #[source]
        source: std::io::Error,
    },
    /// The program does not start.
    #[error("cannot start {path}; build the whole workspace with `make`", path = program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// The reason.
        #[source]
        source: std::io::Error,
    },
    /// The program failed.
    #[error("the report was not written: {reason}")]
    Failed {
        /// What it said.
        reason: String,
    },
}

/// Has the page written. It is placed in one step: a page that stood there stays until then.
pub fn write(request: &Request<'_>, programs: &Programs) -> Result<(), ReportError> {
    let program = programs.path(Section::Figure);
    let file = report_file(request);
    let hand = |source: std::io::Error| ReportError::Hand {
        program: program.clone(),
        source,
    };
    let mut handed = tempfile::NamedTempFile::new().map_err(hand)?;
    let text = serde_json::to_vec(&file).map_err(|error| hand(error.into()))?;
    handed.write_all(&text).map_err(hand)?;
    let output = Command::new(&program)
        .arg("report")
        .arg(handed.path())
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .map_err(|source| ReportError::Start {
            program: program.clone(),
            source,
        })?;
    match output.status.success() {
        true => Ok(()),
        false => Err(ReportError::Failed {
            reason: reason(&output.stdout, output.status),
        }),
    }
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
        .unwrap_or_else(|| format!("its program ended with {status}"))
}

/// What the page is made from.
fn report_file(request: &Request<'_>) -> ReportFile {
    let Request {
        plan, comparison, ..
    } = request;
    let figures = figure_names(plan);
    let tasks = plan.tasks.iter().enumerate();
    let comparison = comparison.as_ref().map(|(file, rows)| Comparison {
        file: file.clone(),
        rows: rows.iter().map(compared).collect(),
    });
    ReportFile {
        version: REPORT_VERSION,
        output: request.output.clone(),
        pipeline: plan.name.clone(),
        description: plan.description.clone(),
        run_command: request.run_command.clone(),
        comparison,
        tasks: tasks
            .map(|(index, task)| ReportTask {
                id: task.id.clone(),
                section: task.section,
                kind: kind_name(task),
                parameters: task.parameters.clone(),
                seed: task.random.then_some(task.seed),
                fingerprint: task.fingerprint.clone(),
                state: state(request, index, task),
                inputs: task
                    .inputs
                    .iter()
                    .map(|input| self::input(request, input))
                    .collect(),
                figure: figures.get(&index).cloned(),
            })
            .collect(),
    }
}

fn compared(row: &Row) -> ComparedNumber {
    let numbers = Numbers::of(row);
    ComparedNumber {
        name: row.name.clone(),
        source: row.source.clone(),
        published: numbers.published,
        ours: numbers.ours.unwrap_or_default(),
        difference: numbers.difference.unwrap_or_default(),
        rows_used: row.rows_used,
        verdict: match &row.verdict {
            Verdict::Within => ReportVerdict::Within,
            Verdict::Miss => ReportVerdict::Miss,
            Verdict::Missing(reason) => ReportVerdict::Missing(reason.clone()),
        },
    }
}

fn state(request: &Request<'_>, index: usize, task: &PlannedTask) -> TaskState {
    let texts =
        |reasons: &[crate::survey::Reason]| reasons.iter().map(ToString::to_string).collect();
    match request.survey.get(index) {
        Some(State::Current { key, record }) => TaskState::Current {
            key: key.to_string(),
            accepted_from: record.accepted_from.clone(),
            warnings: record.warnings.clone(),
            interactive: task
                .outputs
                .contains(&Kind::Interactive)
                .then(|| request.store.output(*key, Kind::Interactive)),
        },
        Some(State::Stale { reasons, .. }) => TaskState::Stale {
            reasons: texts(reasons),
        },
        Some(State::Blocked { reasons }) => TaskState::Blocked {
            reasons: texts(reasons),
        },
        None => TaskState::Blocked {
            reasons: Vec::new(),
        },
    }
}

fn input(request: &Request<'_>, input: &PlannedInput) -> ReportInput {
    let Request { plan, survey, .. } = request;
    let path = [
        request.shown_root.as_str(),
        &plan.name,
        &plan.tasks[input.task].id,
        &input.kind.file_name(),
    ];
    ReportInput {
        role: input.role.clone(),
        task: input.task,
        file: path.iter().collect::<PathBuf>().display().to_string(),
        content: survey
            .output(input.task, input.kind)
            .map(|output| output.content),
    }
}
