//! `eigenscope run --dry-run`: what would run, why, and how long it may take.

use anyhow::Result;
use eigenscope_pipeline::execute::{self, Options, duration};
use eigenscope_pipeline::text_table::{Align, text_table};
use serde::Serialize;

use super::{tallied, tell};
use crate::arguments::Run;
use crate::exit;
use crate::json;
use crate::project::Project;
use crate::task_report::TaskReport;

#[derive(Serialize)]
struct Report {
    pipeline: String,
    current: usize,
    /// Estimate for all tasks.
    seconds: f64,
    tasks: Vec<DryRunTaskReport>,
}

#[derive(Serialize)]
struct DryRunTaskReport {
    #[serde(flatten)]
    task: TaskReport,
    /// Whether it runs in any case, not only if its inputs change.
    is_sure: bool,
    /// Estimate for this task.
    seconds: f64,
}

pub(crate) fn run(project: &Project, targets: &[usize], command: &Run) -> Result<u8> {
    let Project {
        plan,
        store,
        data_dir,
        ..
    } = project;
    let jobs = Options::new(data_dir).jobs;
    let jobs = command.budget.jobs.map_or(jobs, usize::from);
    let dry_run = execute::dry_run(plan, targets, store, data_dir, jobs)?;
    let tasks = dry_run.tasks.iter().map(|task| DryRunTaskReport {
        task: TaskReport::new(plan, task.task, &task.state),
        is_sure: task.is_sure,
        seconds: task.seconds,
    });
    let report = Report {
        pipeline: plan.name.clone(),
        current: dry_run.current,
        seconds: dry_run.seconds,
        tasks: tasks.collect(),
    };
    super::print(&match command.json {
        true => json::text(&report)?,
        false => listed(&report.tasks),
    })?;
    tell(&summary(&report, jobs));
    Ok(exit::OK)
}

fn summary(report: &Report, jobs: usize) -> String {
    let sure = report.tasks.iter().filter(|task| task.is_sure).count();
    let counts = tallied([
        (report.current, "up to date"),
        (sure, "would run"),
        (
            report.tasks.len() - sure,
            "would run if their inputs change",
        ),
    ]);
    let time = match report.tasks.is_empty() {
        true => String::new(),
        false => format!("; about {} on {jobs} threads", duration(report.seconds)),
    };
    format!("tasks: {counts}{time}")
}

/// One line for each task: whether it is sure to run, how long it takes, why.
fn listed(tasks: &[DryRunTaskReport]) -> String {
    let lines = tasks.iter().map(|task| {
        let runs = match task.is_sure {
            true => "runs",
            false => "may run",
        };
        vec![
            runs.to_owned(),
            task.task.task.clone(),
            duration(task.seconds),
            task.task.reason(),
        ]
    });
    let lines: Vec<Vec<String>> = lines.collect();
    text_table(&lines, &[Align::Left, Align::Left, Align::Right])
}
