//! `eigenscope explain`: why tasks run or do not.

use std::collections::BTreeSet;

use anyhow::{Result, anyhow};
use eigenscope_pipeline::survey::{FormerTable, FormerTables, State, Survey, chain, explain};
use serde::Serialize;

use super::tell;
use crate::arguments::{Explain, ProjectArguments};
use crate::exit;
use crate::json;
use crate::project::Project;
use crate::task_report::TaskReport;

/// Tables in a message at most.
const SHOWN: usize = 20;

#[derive(Serialize)]
struct Report {
    pipeline: String,
    explanations: Vec<Explanation>,
}

#[derive(Serialize)]
struct Explanation {
    task: String,
    /// The task, and the way to the first of its inputs that has to run for reasons of its own.
    chain: Vec<TaskReport>,
}

/// The error about a command that names no task.
fn no_tasks(
    Project {
        plan, invocation, ..
    }: &Project,
) -> anyhow::Error {
    let mut tables: Vec<&str> = Vec::new();
    for task in &plan.tasks {
        let table = task.id.split('[').next().unwrap_or_default();
        // Those of a table stand together.
        if tables.last() != Some(&table) {
            tables.push(table);
        }
    }
    let last = tables.last().copied().unwrap_or("TASK");
    let shown = tables.iter().take(SHOWN).copied().collect::<Vec<_>>();
    let rest = match tables.len().saturating_sub(SHOWN) {
        0 => String::new(),
        rest => format!(" and {rest} more"),
    };
    anyhow!(
        "no task is named: give tasks or tables, such as `{} {last}`; `{}` says in one line each what would run; tables of the pipeline: \
         {}{rest}",
        invocation.command("explain"),
        invocation.command("status"),
        shown.join(", ")
    )
}

/// The tables that seem to have been renamed by hand, of those tasks that keep `targets` from being up to date.
fn former_tables(project: &Project, survey: &Survey, targets: &[usize]) -> BTreeSet<FormerTable> {
    let stale = |&(_, state): &(usize, &State)| matches!(state, State::Stale { .. });
    let chains = targets
        .iter()
        .flat_map(|&task| chain(&project.plan, survey, task));
    let stale: BTreeSet<usize> = chains.filter(stale).map(|(task, _)| task).collect();
    if stale.is_empty() {
        return BTreeSet::new();
    }
    let tables = FormerTables::new(&project.plan, &project.store);
    stale
        .into_iter()
        .flat_map(|task| tables.of(task, survey))
        .collect()
}

pub(crate) fn run(arguments: &ProjectArguments, command: &Explain) -> Result<u8> {
    let project = Project::open(arguments, &command.pipeline)?;
    if command.tasks.is_empty() {
        return Err(no_tasks(&project));
    }
    let targets = project.select(&command.tasks)?;
    let survey = project.survey(&targets);
    let plan = &project.plan;
    if command.json {
        let explanations = targets.iter().map(|&task| Explanation {
            task: plan.tasks[task].id.clone(),
            chain: chain(plan, &survey, task)
                .map(|(task, state)| TaskReport::new(plan, task, state))
                .collect(),
        });
        super::print(&json::text(&Report {
            pipeline: plan.name.clone(),
            explanations: explanations.collect(),
        })?)?;
        return Ok(exit::OK);
    }
    let texts: Vec<String> = targets
        .iter()
        .map(|&task| explain(plan, &survey, task))
        .collect();
    super::print_lines(&texts.join("\n"))?;
    for former in former_tables(&project, &survey, &targets) {
        tell(&format!("note: {former}"));
    }
    Ok(exit::OK)
}
