//! The report of a pipeline: gathers what is known of its tasks for the program that draws figures.

use std::path::PathBuf;

use eigenscope_artifact::INTERACTIVE;
use eigenscope_report_file::{
    ComparedNumber, Comparison, REPORT_VERSION, ReportFile, ReportInput, ReportTable, ReportTask,
    ReportVerdict, TaskState,
};
use eigenscope_stage::Stage;

use crate::compare::{Numbers, Published, Row, TITLE, Verdict, reference_head};
use crate::invoke::{InvokeError, invoke};
use crate::store::{Store, figure_names, file_name};
use crate::survey::{Reason, State, Survey, kind_name};
use eigenscope_plan::grouping::Grouping;
use eigenscope_plan::programs::Programs;
use eigenscope_plan::{Plan, PlannedInput, PlannedTask, needed};

/// A page to be written.
#[derive(Debug)]
pub struct Request<'a> {
    pub plan: &'a Plan,
    /// Their states: of all of them.
    pub survey: &'a Survey,
    pub store: &'a Store,
    /// How the page calls the artifacts folder.
    pub shown_root: String,
    /// The words of the command that runs tasks of the pipeline.
    pub run_command: Vec<String>,
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
        pipeline: plan.name.clone(),
        description: plan.description.clone(),
        sections: plan.sections.clone(),
        run_command: request.run_command.clone(),
        comparison,
        tasks: tasks
            .map(|(index, task)| ReportTask {
                id: task.id.clone(),
                section: task.stage,
                kind: kind_name(task),
                parameters: (*task.parameters).clone(),
                seed: task.random.then_some(task.seed),
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
    }
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
                interactive: task
                    .outputs
                    .iter()
                    .find(|kind| **kind == INTERACTIVE)
                    .map(|kind| request.store.output(*key, kind)),
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
    let Request { plan, survey, .. } = request;
    let path = [
        request.shown_root.as_str(),
        &plan.name,
        &file_name(&plan.tasks[input.task].id),
        &input.kind.file_name(),
    ];
    ReportInput {
        role: input.role.to_string(),
        task: input.task,
        file: path.iter().collect::<PathBuf>().display().to_string(),
        content: survey
            .output(input.task, &input.kind)
            .map(|output| output.content),
    }
}
