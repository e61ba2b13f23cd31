//! `eigenscope run --dry-run`: what would run, why, and how long it may take.

use anyhow::Result;
use eigenscope_pipeline::execute::slurm::{PlannedSubmissions, SlurmOptions};
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
    /// What would be submitted to Slurm at once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    submissions: Vec<SubmissionReport>,
}

#[derive(Serialize)]
struct SubmissionReport {
    threads: usize,
    memory_mib: u64,
    minutes: u64,
    /// For each element of the array its tasks, which run one after the other.
    elements: Vec<Vec<String>>,
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

pub(crate) fn run(
    project: &Project,
    targets: &[usize],
    command: &Run,
    slurm: Option<&SlurmOptions>,
) -> Result<u8> {
    let Project {
        plan,
        store,
        data_dir,
        ..
    } = project;
    let jobs = Options::new(data_dir).jobs;
    let jobs = command.budget.jobs.map_or(jobs, usize::from);
    let dry_run = execute::dry_run(plan, targets, store, data_dir, jobs, slurm)?;
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
        submissions: dry_run
            .submissions
            .iter()
            .flat_map(|planned| submissions(project, planned))
            .collect(),
    };
    super::print(&match command.json {
        true => json::text(&report)?,
        false => listed(&report.tasks),
    })?;
    match &dry_run.submissions {
        None => tell(&summary(&report, jobs)),
        Some(planned) => {
            tell(&summary(&report, 0));
            tell(&submitted(&report.submissions, planned));
        }
    }
    Ok(exit::OK)
}

fn submissions(project: &Project, planned: &PlannedSubmissions) -> Vec<SubmissionReport> {
    let name = |task: &usize| project.plan.tasks[*task].id.clone();
    let jobs = planned.jobs.iter().map(|job| SubmissionReport {
        threads: job.needs.threads,
        memory_mib: job.needs.memory_mib,
        minutes: job.needs.minutes,
        elements: job
            .elements
            .iter()
            .map(|tasks| tasks.iter().map(name).collect())
            .collect(),
    });
    jobs.collect()
}

/// One line for each job array that would be submitted at once, and what follows.
fn submitted(reports: &[SubmissionReport], planned: &PlannedSubmissions) -> String {
    let mut lines: Vec<String> = planned
        .jobs
        .iter()
        .zip(reports)
        .map(|(job, report)| {
            let tasks: usize = report.elements.iter().map(Vec::len).sum();
            let elements = report.elements.len();
            let packed = match tasks == elements {
                true => String::new(),
                false => format!(" for {tasks} tasks"),
            };
            let first = report.elements.iter().flatten().next();
            format!(
                "slurm: an array of {elements} {}{packed} ({}): {}{}",
                super::plural(elements, "element"),
                job.needs,
                first.map_or("", String::as_str),
                if tasks > 1 { ", ..." } else { "" }
            )
        })
        .collect();
    let counts = tallied([
        (planned.later.len(), "submitted later"),
        (planned.local.len(), "on this machine"),
    ]);
    if !counts.is_empty() {
        lines.push(format!("slurm: {counts}"));
    }
    if lines.is_empty() {
        lines.push("slurm: nothing to submit".to_owned());
    }
    lines.join("\n")
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
    let time = match report.tasks.is_empty() || jobs == 0 {
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
