//! `eigenscope run --dry-run`: what would run, why, and how long it may take.

use anyhow::Result;
use eigenscope_pipeline::aligned::{Align, aligned};
use eigenscope_pipeline::execute::{Options, duration, foresee};
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
    tasks: Vec<ForeseenReport>,
}

#[derive(Serialize)]
struct ForeseenReport {
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
    let foreseen = foresee(plan, targets, store, data_dir, jobs)?;
    let tasks = foreseen.tasks.iter().map(|foreseen| ForeseenReport {
        task: TaskReport::new(plan, foreseen.task, &foreseen.state),
        is_sure: foreseen.is_sure,
        seconds: foreseen.seconds,
    });
    let report = Report {
        pipeline: plan.name.clone(),
        current: foreseen.current,
        seconds: foreseen.seconds,
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
fn listed(tasks: &[ForeseenReport]) -> String {
    let lines = tasks.iter().map(|foreseen| {
        let runs = match foreseen.is_sure {
            true => "runs",
            false => "may run",
        };
        vec![
            runs.to_owned(),
            foreseen.task.task.clone(),
            duration(foreseen.seconds),
            foreseen.task.reason(),
        ]
    });
    let lines: Vec<Vec<String>> = lines.collect();
    aligned(&lines, &[Align::Left, Align::Left, Align::Right])
}
