//! `eigenscope ls`: the pipelines, or the tables and tasks of one, with their states and where their results are.

use std::path::PathBuf;

use anyhow::Result;
use eigenscope_pipeline::store::{FigureNames, figure_names};
use eigenscope_pipeline::survey::Survey;
use eigenscope_pipeline::text_table::text_table;
use eigenscope_plan::PlannedTask;
use serde::Serialize;

use super::{relative, tell};
use crate::arguments::{Ls, ProjectArguments};
use crate::exit;
use crate::json;
use crate::project::{PIPELINES, Project, known_pipelines, pipeline_file};
use crate::task_report::{UP_TO_DATE, coloured, word};

#[derive(Serialize)]
struct Report {
    pipelines: Vec<PipelineReport>,
}

#[derive(Serialize)]
struct PipelineReport {
    name: String,
    file: PathBuf,
    /// Only of a pipeline that was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    tables: Option<Vec<TableReport>>,
}

#[derive(Serialize)]
struct TableReport {
    table: String,
    kind: String,
    writes: Vec<String>,
    tasks: Vec<ListedTask>,
}

#[derive(Serialize)]
struct ListedTask {
    task: String,
    /// As in [`TaskReport`](crate::task_report::TaskReport).
    state: &'static str,
    #[serde(skip)]
    word: &'static str,
    /// Where its results are, if they are up to date.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
}

pub(crate) fn run(arguments: &ProjectArguments, command: &Ls) -> Result<u8> {
    let pipelines = match &command.pipeline {
        Some(pipeline) => vec![listed(arguments, pipeline, &command.targets)?],
        None => pipelines()?,
    };
    let report = Report { pipelines };
    match command.json {
        true => json::print(&report)?,
        false => super::print_lines(&report.text(!command.targets.is_empty()))?,
    }
    Ok(exit::OK)
}

/// The pipelines that can be given by name.
fn pipelines() -> Result<Vec<PipelineReport>> {
    let names = known_pipelines();
    if names.is_empty() {
        tell(&format!(
            "this folder has no `{PIPELINES}/*.toml`: go to the folder of the project, or name a pipeline file"
        ));
    }
    let report = |name: String| {
        Ok(PipelineReport {
            file: pipeline_file(&name)?,
            name,
            tables: None,
        })
    };
    names.into_iter().map(report).collect()
}

/// The tables of a pipeline with the tasks that are asked for.
fn listed(
    arguments: &ProjectArguments,
    pipeline: &str,
    targets: &[String],
) -> Result<PipelineReport> {
    let project = Project::open(arguments, pipeline)?;
    let targets = project.select(targets)?;
    let survey = project.survey(&targets);
    project.tell_other_device(&survey);
    let figures = figure_names(&project.plan);
    let mut tables: Vec<TableReport> = Vec::new();
    for task in targets {
        let planned = &project.plan.tasks[task];
        let Some(entry) = listed_task(&project, &survey, &figures, task) else {
            continue;
        };
        match tables.last_mut() {
            Some(table) if table.table == planned.table() => table.tasks.push(entry),
            _ => tables.push(TableReport::new(planned, entry)),
        }
    }
    Ok(PipelineReport {
        name: project.plan.name.clone(),
        file: project.plan.file.clone(),
        tables: Some(tables),
    })
}

fn listed_task(
    project: &Project,
    survey: &Survey,
    figures: &FigureNames,
    task: usize,
) -> Option<ListedTask> {
    let Project { plan, store, .. } = project;
    let (state, id) = (survey.get(task)?, &plan.tasks[task].id);
    let path = || match figures.get(&task) {
        Some(name) => store.figures(&plan.name).join(format!("{name}.svg")),
        None => store.link(&plan.name, id),
    };
    Some(ListedTask {
        task: id.clone(),
        state: state.name(),
        word: word(state),
        path: state.is_current().then(|| relative(&path())),
    })
}

impl TableReport {
    fn new(task: &PlannedTask, first: ListedTask) -> Self {
        Self {
            table: task.table().to_owned(),
            kind: task.kind.to_string(),
            writes: task.outputs.iter().map(ToString::to_string).collect(),
            tasks: vec![first],
        }
    }

    /// The state of its tasks together.
    fn state(&self) -> String {
        let is_current = |task: &&ListedTask| task.path.is_some();
        let current = self.tasks.iter().filter(is_current).count();
        match (current, self.tasks.as_slice()) {
            (0, [only]) => coloured(only.word),
            (_, [_]) => coloured(UP_TO_DATE),
            (_, tasks) => format!("{current} of {} up to date", tasks.len()),
        }
    }
}

impl Report {
    /// A line for each pipeline, table or, if `tasks`, task.
    fn text(&self, tasks: bool) -> String {
        let lines = self.pipelines.iter().flat_map(|pipeline| {
            let Some(tables) = &pipeline.tables else {
                return vec![vec![pipeline.name.clone(), relative(&pipeline.file)]];
            };
            let of_task = |task: &ListedTask| {
                let state = match task.path {
                    Some(_) => UP_TO_DATE,
                    None => task.word,
                };
                let path = task.path.clone().unwrap_or_default();
                vec![task.task.clone(), coloured(state), path]
            };
            let of_table = |table: &TableReport| {
                let (kind, writes) = (table.kind.clone(), table.writes.join(", "));
                vec![table.table.clone(), kind, table.state(), writes]
            };
            match tasks {
                true => tables
                    .iter()
                    .flat_map(|table| &table.tasks)
                    .map(of_task)
                    .collect(),
                false => tables.iter().map(of_table).collect(),
            }
        });
        text_table(&lines.collect::<Vec<_>>(), &[])
    }
}
