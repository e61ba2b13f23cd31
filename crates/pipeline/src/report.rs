//! The report of a pipeline: gathers what is known of its tasks for the program that draws figures.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use eigenscope_report_file::{
    ComparedNumber, Comparison, REPORT_VERSION, ReportFile, ReportInput, ReportOutput, ReportTable,
    ReportTask, ReportVerdict, SourceTable, TaskState,
};
use eigenscope_stage::Stage;

use crate::compare::{Numbers, Published, Row, TITLE, Verdict, reference_head};
use crate::export::csv;
use crate::invoke::{InvokeError, invoke};
use crate::ledger::Durations;
use crate::store::{Store, figure_names, file_name};
use crate::survey::{Reason, State, Survey, kind_name};
use eigenscope_plan::grouping::Grouping;
use eigenscope_plan::programs::Programs;
use eigenscope_plan::{Plan, PlannedInput, PlannedTask, needed};

/// Largest table whose rows are part of a page, and most that all tables of a page may add to it, in bytes.
const TABLE_BYTES: u64 = 100_000;
const ALL_TABLES_BYTES: u64 = 4_000_000;

/// A page to be written.
#[derive(Debug)]
pub struct Request<'a> {
    pub plan: &'a Plan,
    /// Their states: of all of them.
    pub survey: &'a Survey,
    pub store: &'a Store,
    /// Whether each figure gets a page of its own.
    pub is_split: bool,
    /// How the page calls the artifacts folder.
    pub shown_root: String,
    /// How the page calls the pipeline file and those that it extends.
    pub pipeline_files: Vec<String>,
    /// The words of the command that runs tasks of the pipeline.
    pub run_command: Vec<String>,
    /// The words of the command that exports tables of the pipeline.
    pub export_command: Vec<String>,
    /// How long tasks took, if the page is to say so.
    pub durations: Option<Durations>,
    /// Published numbers and what became of them.
    pub comparison: Option<Compared>,
}

/// Published numbers and what became of them.
#[derive(Debug)]
pub struct Compared {
    /// Their file, as the page calls it.
    pub file: String,
    pub published: Published,
    pub rows: Vec<Row>,
}

/// What a folder of pages says about itself in its index.
const GENERATOR: &str = "<meta name=\"generator\" content=\"eigenscope report\">";
const INDEX: &str = "index.html";

/// A folder of pages that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum SplitError {
    #[error(transparent)]
    Invoke(#[from] InvokeError),
    #[error("cannot write {path}", path = path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{path} is there and holds other files than a report; name another folder, or remove it", path = path.display())]
    Foreign { path: PathBuf },
}

/// Writes a folder with an index and a page for each figure. A folder that holds such a report is replaced in one step.
///
/// # Errors
/// See [`SplitError`].
pub fn folder(request: &Request<'_>, programs: &Programs, folder: &Path) -> Result<(), SplitError> {
    let failed = |source| SplitError::Write {
        path: folder.to_owned(),
        source,
    };
    if !can_be_replaced(folder).map_err(failed)? {
        return Err(SplitError::Foreign {
            path: folder.to_owned(),
        });
    }
    let parent = match folder.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(parent).map_err(failed)?;
    let beside = tempfile::Builder::new()
        .prefix(".report-")
        .tempdir_in(parent)
        .map_err(failed)?;
    let written = beside.path().join("report");
    let program = programs.path(Stage::Figure);
    invoke(&program, "report", &report_file(request, written.clone()))?;
    if folder.exists() {
        std::fs::rename(folder, beside.path().join("before")).map_err(failed)?;
    }
    std::fs::rename(&written, folder).map_err(failed)
}

/// Whether nothing is lost if the folder is replaced: it is not there, it is empty, or it is a report.
fn can_be_replaced(folder: &Path) -> std::io::Result<bool> {
    let mut entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    if entries.next().is_none() {
        return Ok(true);
    }
    let index = folder.join(INDEX);
    Ok(index.is_file() && std::fs::read_to_string(index)?.contains(GENERATOR))
}

/// The page, as the program that draws figures writes it.
///
/// # Errors
/// See [`InvokeError`].
pub fn page(request: &Request<'_>, programs: &Programs) -> Result<Vec<u8>, InvokeError> {
    let program = programs.path(Stage::Figure);
    let temporary = |source| InvokeError::Hand {
        program: program.clone(),
        source,
    };
    let folder = tempfile::tempdir().map_err(temporary)?;
    let output = folder.path().join("report.html");
    invoke(&program, "report", &report_file(request, output.clone()))?;
    std::fs::read(output).map_err(temporary)
}

/// What the page is made from, to be written to `output`.
fn report_file(request: &Request<'_>, output: PathBuf) -> ReportFile {
    let Request {
        plan, comparison, ..
    } = request;
    let figures = figure_names(plan);
    let tasks = plan.tasks.iter().enumerate();
    let comparison = comparison.as_ref().map(|compared| Comparison {
        title: compared
            .published
            .title
            .clone()
            .unwrap_or_else(|| TITLE.to_owned()),
        reference_head: reference_head(&compared.published).to_owned(),
        file: compared.file.clone(),
        rows: compared.rows.iter().map(compared_number).collect(),
    });
    let Grouping { groups, arrows } = Grouping::new(tasks.clone().map(|(index, task)| {
        let sources = task.inputs.iter().map(|input| input.task);
        (index, task.table(), sources)
    }));
    ReportFile {
        version: REPORT_VERSION,
        output,
        is_split: request.is_split,
        pipeline: plan.name.clone(),
        description: plan.description.clone(),
        sections: plan.sections.clone(),
        pipeline_files: request.pipeline_files.clone(),
        run_command: request.run_command.clone(),
        export_command: request.export_command.clone(),
        comparison,
        tasks: tasks
            .map(|(index, task)| ReportTask {
                id: task.id.clone(),
                section: task.stage,
                kind: kind_name(task),
                parameters: (*task.parameters).clone(),
                labels: (*task.labels).clone(),
                seed: task.random.then_some(task.seed),
                seed_is_derived: task.seed_is_derived,
                seconds: request
                    .durations
                    .as_ref()
                    .and_then(|durations| durations.seconds(&plan.name, &task.id)),
                fingerprint: task.fingerprint.to_string(),
                state: state(request, index, task),
                inputs: task
                    .inputs
                    .iter()
                    .map(|input| self::input(request, input))
                    .collect(),
                figure: figures.get(&index).cloned(),
                heading: task.heading.as_deref().map(str::to_owned),
            })
            .collect(),
        tables: groups
            .into_iter()
            .map(|(name, tasks)| ReportTable {
                name: name.to_owned(),
                tasks,
            })
            .collect(),
        // A task comes after what it reads, but the tables of two tasks may read each other.
        arrows: arrows.into_iter().filter(|(from, to)| from < to).collect(),
        sources: sources(request),
    }
}

/// The tables that the figures are drawn from, with the rows of those that are small enough.
fn sources(request: &Request<'_>) -> BTreeMap<String, SourceTable> {
    let Request {
        plan,
        survey,
        store,
        ..
    } = request;
    let mut sources = BTreeMap::new();
    let mut left = ALL_TABLES_BYTES;
    let figures = plan.tasks.iter().filter(|task| task.stage == Stage::Figure);
    for input in figures.flat_map(|task| &task.inputs) {
        let key = survey.get(input.task).filter(|state| state.is_current());
        let Some(key) = key.and_then(State::key) else {
            continue;
        };
        let file = shown_file(request, input);
        if sources.contains_key(&file) {
            continue;
        }
        let path = store.output(key, &input.kind);
        let Ok(bytes) = std::fs::metadata(&path).map(|file| file.len()) else {
            continue;
        };
        // Text takes more room than Parquet, but not always: many equal values take none there.
        let most = TABLE_BYTES.min(left);
        let csv = (bytes <= 2 * most)
            .then(|| csv::write_up_to(&path, most).ok().flatten())
            .flatten();
        left -= csv.as_ref().map_or(0, |text| text.len() as u64);
        sources.insert(file, SourceTable { bytes, csv });
    }
    sources
}

fn compared_number(row: &Row) -> ComparedNumber {
    let numbers = Numbers::of(row);
    ComparedNumber {
        name: row.name.clone(),
        source: row.source.clone(),
        published: numbers.published,
        tolerance: numbers.tolerance.unwrap_or_default(),
        ours: numbers.ours.unwrap_or_default(),
        difference: numbers.difference.unwrap_or_default(),
        rows_used: row.rows_used,
        verdict: match &row.verdict {
            Verdict::Ok => ReportVerdict::Ok,
            Verdict::Off => ReportVerdict::Off,
            Verdict::Missing(reason) => ReportVerdict::Missing(reason.clone()),
        },
        note: row.note.clone().unwrap_or_default(),
    }
}

fn state(request: &Request<'_>, index: usize, task: &PlannedTask) -> TaskState {
    let texts = |reasons: &[Reason]| reasons.iter().map(ToString::to_string).collect();
    match request.survey.get(index) {
        Some(State::Current { key, .. }) => match request.store.record(*key) {
            Ok(Some(record)) => TaskState::Current {
                key: key.to_string(),
                accepted_from: record.accepted_from,
                warnings: warnings(request, index),
                computed_on: record.computed_on.map(|machine| machine.to_string()),
                outputs: task
                    .outputs
                    .iter()
                    .filter_map(|kind| {
                        let written = record.outputs.get(kind)?;
                        let output = ReportOutput {
                            path: request.store.output(*key, kind),
                            bytes: written.file.bytes,
                            content: written.content,
                        };
                        Some((kind.to_string(), output))
                    })
                    .collect(),
            },
            Ok(None) => TaskState::Stale {
                reasons: texts(&[Reason::ResultRemoved]),
            },
            Err(reason) => TaskState::Stale {
                reasons: texts(&[Reason::RecordUnreadable { reason }]),
            },
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

/// Warnings of a task; of a figure, also those of everything that it is drawn from, each with its task.
fn warnings(request: &Request<'_>, index: usize) -> Vec<String> {
    let Request { plan, survey, .. } = request;
    let own = survey.warnings(plan, index).into_iter();
    let mut all: Vec<String> = own.map(str::to_owned).collect();
    if plan.tasks[index].stage == Stage::Figure {
        let needed = needed(plan, &[index]);
        let before = (0..index).filter(|&task| needed[task]);
        all.extend(before.flat_map(|task| {
            let warnings = survey.warnings(plan, task).into_iter();
            let id = &plan.tasks[task].id;
            warnings.map(move |warning| format!("{id}: {warning}"))
        }));
    }
    all
}

fn input(request: &Request<'_>, input: &PlannedInput) -> ReportInput {
    ReportInput {
        role: input.role.to_string(),
        task: input.task,
        kind: input.kind.to_string(),
        file: shown_file(request, input),
        content: request
            .survey
            .output(input.task, &input.kind)
            .map(|output| output.content),
    }
}

/// The path by which people find what a task reads.
fn shown_file(request: &Request<'_>, input: &PlannedInput) -> String {
    let plan = request.plan;
    let path = [
        request.shown_root.as_str(),
        &plan.name,
        &file_name(&plan.tasks[input.task].id),
        &input.kind.file_name(),
    ];
    path.iter().collect::<PathBuf>().display().to_string()
}
