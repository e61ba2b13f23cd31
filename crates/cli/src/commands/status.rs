//! `eigenscope status`: what is up to date and what is not.

use anyhow::Result;
use eigenscope_pipeline::survey::State;
use serde::Serialize;

use crate::arguments::{ProjectArguments, Status};
use crate::exit;
use crate::project::Project;

/// Version of the JSON form.
const JSON_VERSION: u32 = 1;

#[derive(Serialize)]
struct Report {
    version: u32,
    pipeline: String,
    tasks: Vec<TaskReport>,
}

#[derive(Serialize)]
struct TaskReport {
    task: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<String>,
}

pub(crate) fn run(arguments: &ProjectArguments, command: &Status) -> Result<u8> {
    let (project, targets) = Project::open_targets(arguments, &command.targets)?;
    let survey = match command.deep {
        true => project.survey_afresh(&targets),
        false => project.survey(&targets),
    };
    let tasks: Vec<TaskReport> = survey
        .iter()
        .map(|(task, state)| TaskReport {
            task: project.plan.tasks[task].id.clone(),
            state: state.name(),
            reasons: state.reasons().iter().map(ToString::to_string).collect(),
        })
        .collect();
    let current = survey
        .iter()
        .filter(|(_, state)| State::is_current(state))
        .count();
    let stale = tasks.len() - current;
    let text = if command.json {
        let report = Report {
            version: JSON_VERSION,
            pipeline: project.plan.name.clone(),
            tasks,
        };
        serde_json::to_string_pretty(&report)? + "\n"
    } else {
        render(&tasks, command.all, current)
    };
    super::print(&text)?;
    Ok(if command.check && stale > 0 {
        exit::STALE
    } else {
        exit::OK
    })
}

fn render(tasks: &[TaskReport], all: bool, current: usize) -> String {
    let listed: Vec<&TaskReport> = tasks
        .iter()
        .filter(|task| all || task.state != "current")
        .collect();
    let width = listed
        .iter()
        .map(|task| task.task.chars().count())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for task in listed {
        let reason = task.reasons.first().map_or("", String::as_str);
        let more = match task.reasons.len() {
            0 | 1 => String::new(),
            count => format!(" (and {} more)", count - 1),
        };
        let line = format!("{:<7}  {:<width$}  {reason}{more}", task.state, task.task);
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.push_str(&format!(
        "{current} of {} tasks are up to date\n",
        tasks.len()
    ));
    text
}
