//! `eigenscope status`: what is up to date and what is not.

use std::collections::HashMap;

use anyhow::Result;
use eigenscope_pipeline::execute::slurm::{self, Submitted};
use eigenscope_pipeline::store::{Key, figure_names};
use eigenscope_pipeline::text_table::text_table;
use serde::Serialize;

use super::{plural, relative, tallied, tell, warnings};
use crate::arguments::{ProjectArguments, Status};
use crate::exit;
use crate::json;
use crate::project::Project;
use crate::sharing::Shared;
use crate::task_report::TaskReport;

#[derive(Serialize)]
struct Report {
    pipeline: String,
    tasks: Vec<TaskReport>,
}

pub(crate) fn run(arguments: &ProjectArguments, command: &Status) -> Result<u8> {
    let (project, targets) = Project::open_targets(arguments, &command.targets)?;
    let survey = match command.deep {
        true => project.rescan(&targets),
        false => project.survey(&targets),
    };
    let figures = figure_names(&project.plan);
    let submitted = submitted(&project);
    let states = survey.iter();
    let mut tasks: Vec<TaskReport> = states
        .map(|(task, state)| {
            let mut report = TaskReport::new(&project.plan, task, state);
            report.look_at_links(&project, task, &figures, state);
            report.look_at_jobs(&submitted);
            report
        })
        .collect();
    if command.remote {
        let remote = Shared::of(&project)?.remote()?;
        let keys: Vec<Key> = survey.iter().filter_map(|(_, state)| state.key()).collect();
        let held = remote.holds(&keys)?;
        for (report, (_, state)) in tasks.iter_mut().zip(survey.iter()) {
            report.on_remote = state.key().map(|key| held.contains(&key));
        }
        let (held, url) = (held.len(), remote.url());
        tell(&format!("{held} {} on {url}", plural(held, "result")));
    }
    let current = tasks.iter().filter(|task| task.is_current()).count();
    let misled = tasks.iter().filter(|task| task.link.is_some()).count();
    let is_stale = current < tasks.len() || misled > 0;
    if misled > 0 {
        tell(&format!(
            "{misled} of the readable names in {} do not lead to the result that is up to date: `eigenscope run {}` corrects that",
            relative(&project.store.pipeline(&project.plan.name)),
            command.targets.pipeline
        ));
    }
    let text = if command.json {
        let pipeline = project.plan.name.clone();
        json::text(&Report { pipeline, tasks })?
    } else {
        let limit = if command.all {
            usize::MAX
        } else {
            warnings::SHOWN
        };
        let all = survey.iter().flat_map(|(task, _)| {
            let warnings = survey.warnings(&project.plan, task).into_iter();
            warnings.map(move |warning| (task, warning))
        });
        let warnings = warnings::list(&project.plan, all, limit);
        render(&tasks, command.all, current) + &warnings
    };
    super::print(&text)?;
    Ok(if command.check && is_stale {
        exit::STALE
    } else {
        exit::OK
    })
}

/// What is queued or runs on a cluster, by the keys of the tasks. Without an answer of Slurm, nothing.
fn submitted(project: &Project) -> HashMap<String, Submitted> {
    let found = slurm::submitted(&project.store).unwrap_or_else(|error| {
        tell(&format!(
            "an earlier run has submitted tasks to Slurm, and it is not known what has become of them: {error}"
        ));
        Vec::new()
    });
    let by_key = found.into_iter().map(|one| (one.key.to_string(), one));
    by_key.collect()
}

fn render(tasks: &[TaskReport], all: bool, current: usize) -> String {
    let listed = tasks
        .iter()
        .filter(|task| all || !task.is_current() || task.link.is_some());
    let lines: Vec<Vec<String>> = listed
        .map(|task| match (task.link, &task.job) {
            (Some(link), _) => vec!["link".to_owned(), task.task.clone(), link.to_owned()],
            (None, Some(job)) => vec![job.state.to_owned(), task.task.clone(), job.describe()],
            (None, None) => vec![task.state.to_owned(), task.task.clone(), task.reason()],
        })
        .collect();
    let total = tasks.len();
    let jobs = || tasks.iter().filter_map(|task| task.job.as_ref());
    let counts = tallied([
        (
            jobs().filter(|job| job.state == "running").count(),
            "running",
        ),
        (jobs().filter(|job| job.state == "queued").count(), "queued"),
    ]);
    let counts = match counts.as_str() {
        "" => String::new(),
        counts => format!("; with Slurm: {counts}"),
    };
    text_table(&lines, &[]) + &format!("{current} of {total} tasks are up to date{counts}\n")
}
