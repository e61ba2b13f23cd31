//! `eigenscope run --dry-run`: what would run, why, and how long it may take.

use anyhow::Result;
use eigenscope_pipeline::execute::slurm::{PlannedSubmissions, SlurmOptions, USUAL_ELEMENTS};
use eigenscope_pipeline::execute::{self, DryRun, DryRunTask, Options, duration};
use eigenscope_pipeline::text_table::{Align, text_table};
use eigenscope_plan::Plan;
use eigenscope_stage::Device;
use serde::{Serialize, Serializer};

use super::{tallied, tell};
use crate::arguments::Run;
use crate::by_table;
use crate::cards;
use crate::exit;
use crate::invocation::Invocation;
use crate::json;
use crate::project::Project;
use crate::task_report::{self, TaskReport};

/// Job arrays that are listed.
const SHOWN: usize = 20;

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
    /// Why limits of the site are assumed and not known, if that is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    assumed_limits: Option<String>,
}

#[derive(Serialize)]
struct SubmissionReport {
    threads: usize,
    memory_mib: u64,
    minutes: u64,
    /// Whether it asks for a graphics card.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    card: bool,
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
            device: plan.tasks[task.task].device.computes.name(),
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
    /// What it computes on.
    device: &'static str,
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
        assumed_limits: dry_run
            .submissions
            .as_ref()
            .and_then(|planned| planned.assumed.as_ref())
            .map(ToString::to_string),
    };
    match command.json {
        true => json::print(&report)?,
        false => {
            let mut text = listed(plan, &project.invocation, &dry_run.tasks);
            if let Some(planned) = &dry_run.submissions {
                text.push_str(&submitted(plan, planned));
            }
            super::print_lines(&text)?;
        }
    }
    let threads = dry_run.submissions.is_none().then_some(jobs);
    tell(&summary(&dry_run, threads));
    project.tell_lacking_files(dry_run.tasks.iter().map(|task| task.task));
    if let Some(line) = on_cards(plan, &dry_run.tasks, slurm) {
        tell(&line);
    }
    Ok(exit::OK)
}

/// A line on the tasks that would compute on a graphics card of this machine, which may have none; `None` for no such task.
fn on_cards(plan: &Plan, tasks: &[DryRunTask], slurm: Option<&SlurmOptions>) -> Option<String> {
    let tasks = tasks.iter().map(|task| &plan.tasks[task.task]);
    let here = tasks.filter(|task| {
        let is_here = slurm.is_none_or(|slurm| slurm.settings.is_local(task));
        task.device.computes == Device::Cuda && is_here
    });
    let count = here.count();
    let subject = match count {
        0 => return None,
        1 => "1 task computes".to_owned(),
        count => format!("{count} tasks compute"),
    };
    Some(match cards::of_run() {
        Ok(_) => format!("{subject} on a graphics card"),
        Err(reason) => format!(
            "warning: {subject} on a graphics card, and there is none here: {reason}; a run only takes their results from elsewhere. \
             `eigenscope devices` says where it was looked for"
        ),
    })
}

fn submissions(project: &Project, planned: &PlannedSubmissions) -> Vec<SubmissionReport> {
    let name = |task: &usize| project.plan.tasks[*task].id.clone();
    let jobs = planned.jobs.iter().map(|job| SubmissionReport {
        threads: job.needs.threads,
        memory_mib: job.needs.memory_mib,
        minutes: job.needs.minutes,
        card: job.needs.card,
        elements: job
            .elements
            .iter()
            .map(|tasks| tasks.iter().map(name).collect())
            .collect(),
    });
    jobs.collect()
}

/// One line for each job array that would be submitted at once, and what follows.
fn submitted(plan: &Plan, planned: &PlannedSubmissions) -> String {
    let mut lines = Vec::new();
    if let Some(error) = &planned.assumed {
        lines.push(format!(
            "slurm: it cannot be asked ({error}): assumed are arrays of at most {USUAL_ELEMENTS} elements, as Slurm has them unless a site sets \
             MaxArraySize, and no limit of threads, memory and time"
        ));
    }
    let name = |task: Option<&usize>| task.map_or("", |&task| plan.tasks[task].id.as_str());
    let arrays = planned.jobs.iter().map(|job| {
        let tasks: usize = job.elements.iter().map(Vec::len).sum();
        let elements = job.elements.len();
        let packed = match tasks == elements {
            true => String::new(),
            false => format!(" for {tasks} tasks"),
        };
        format!(
            "slurm: an array of {elements} {}{packed} ({}): {}{}",
            super::plural(elements, "element"),
            job.needs,
            name(job.elements.iter().flatten().next()),
            if tasks > 1 { ", ..." } else { "" }
        )
    });
    let later = planned.later.iter().map(|(needs, tasks)| {
        format!(
            "slurm: later {} {} ({needs}): {}{}",
            tasks.len(),
            super::plural(tasks.len(), "task"),
            name(tasks.first()),
            if tasks.len() > 1 { ", ..." } else { "" }
        )
    });
    let (arrays, later): (Vec<String>, Vec<String>) = (arrays.collect(), later.collect());
    for (what, mut all) in [("array", arrays), ("group", later)] {
        let more = all.len().saturating_sub(SHOWN);
        all.truncate(SHOWN);
        lines.append(&mut all);
        if more > 0 {
            let what = super::plural(more, what);
            lines.push(format!(
                "slurm: {more} more {what}; `--json` lists all arrays"
            ));
        }
    }
    let counts = tallied([
        (planned.adopted.len(), "submitted by an earlier run"),
        (planned.local.len(), "on this machine"),
    ]);
    if !counts.is_empty() {
        lines.push(format!("slurm: {counts}"));
    }
    if lines.is_empty() {
        lines.push("slurm: nothing to submit".to_owned());
    }
    lines.join("\n") + "\n"
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
            task_report::coloured(runs(task)),
            plan.tasks[task.task].id.clone(),
            duration(task.seconds),
            task_report::reason(&task.state),
        ]
    });
    let lines: Vec<Vec<String>> = lines.collect();
    text_table(&lines, &[Align::Left, Align::Left, Align::Right])
}
