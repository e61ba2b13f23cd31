//! `eigenscope run --dry-run`: what would run, why, and how long it may take.

use anyhow::Result;
use eigenscope_pipeline::execute::slurm::{PlannedSubmissions, SlurmOptions};
use eigenscope_pipeline::execute::{self, DryRun, DryRunTask, Options, duration};
use eigenscope_pipeline::text_table::{Align, text_table};
use eigenscope_plan::Plan;
use serde::{Serialize, Serializer};

use super::{tallied, tell};
use crate::arguments::Run;
use crate::by_table;
use crate::exit;
use crate::invocation::Invocation;
use crate::json;
use crate::project::Project;
use crate::task_report::{self, TaskReport};

#[derive(Serialize)]
struct Report<'a> {
    pipeline: &'a str,
    current: usize,
    /// Estimate for all tasks.
    seconds: f64,
    tasks: Tasks<'a>,
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

/// The tasks that would run, written one after the other.
struct Tasks<'a>(&'a Plan, &'a [DryRunTask]);

impl Serialize for Tasks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(plan, tasks) = self;
        serializer.collect_seq(tasks.iter().map(|task| DryRunTaskReport {
            task: TaskReport::new(plan, task.task, &task.state),
            is_sure: task.is_sure,
            seconds: task.seconds,
        }))
    }
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
        progress,
        ..
    } = project;
    let jobs = Options::new(data_dir).jobs;
    let jobs = command.budget.jobs.map_or(jobs, usize::from);
    let dry_run = execute::dry_run(plan, targets, store, data_dir, jobs, slurm, progress)?;
    let report = Report {
        pipeline: &plan.name,
        current: dry_run.current,
        seconds: dry_run.seconds,
        tasks: Tasks(plan, &dry_run.tasks),
        submissions: dry_run
            .submissions
            .iter()
            .flat_map(|planned| submissions(project, planned))
            .collect(),
    };
    match command.json {
        true => json::print(&report)?,
        false => super::print(&listed(plan, &project.invocation, &dry_run.tasks))?,
    }
    match &dry_run.submissions {
        None => tell(&summary(&dry_run, Some(jobs))),
        Some(planned) => {
            tell(&summary(&dry_run, None));
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

/// How many tasks would run, and how long that takes on `jobs` threads of this machine.
fn summary(dry_run: &DryRun, jobs: Option<usize>) -> String {
    let sure = dry_run.tasks.iter().filter(|task| task.is_sure).count();
    let counts = tallied([
        (dry_run.current, "up to date"),
        (sure, "would run"),
        (
            dry_run.tasks.len() - sure,
            "would run if their inputs change",
        ),
    ]);
    let time = match jobs {
        Some(jobs) if !dry_run.tasks.is_empty() => {
            format!("; about {} on {jobs} threads", duration(dry_run.seconds))
        }
        _ => String::new(),
    };
    format!("tasks: {counts}{time}")
}

/// One line for each task, or of very many for each table: whether it is sure to run, how long it takes, why.
fn listed(plan: &Plan, invocation: &Invocation, tasks: &[DryRunTask]) -> String {
    let runs = |task: &DryRunTask| match task.is_sure {
        true => "runs",
        false => "may run",
    };
    if tasks.len() > by_table::LISTED {
        let tasks = tasks.iter();
        let words = tasks.map(|task| (task.task, runs(task), task_report::reason(&task.state)));
        let hint = format!(
            "`{} --dry-run --json` lists each task\n",
            invocation.command("run")
        );
        return by_table::lines(plan, words) + &hint;
    }
    let lines = tasks.iter().map(|task| {
        vec![
            runs(task).to_owned(),
            plan.tasks[task.task].id.clone(),
            duration(task.seconds),
            task_report::reason(&task.state),
        ]
    });
    let lines: Vec<Vec<String>> = lines.collect();
    text_table(&lines, &[Align::Left, Align::Left, Align::Right])
}
