//! `eigenscope verify`: compute results again and compare.

use std::fmt::Write;

use anyhow::Result;
use eigenscope_pipeline::execute::stderr_observer;
use eigenscope_pipeline::tone::Tone;
use eigenscope_pipeline::verify::{
    Against, ColumnDifference, Comparison, LockFile, Machine, Request, Tolerances, Verdict,
    Verification, sample, verify,
};
use serde::Serialize;

use super::{tallied, tell};
use crate::arguments::{ProjectArguments, Terminal, Verify};
use crate::budget;
use crate::cards;
use crate::exit::{self, diagnosed};
use crate::invocation::Invocation;
use crate::json;
use crate::project::Project;
use crate::wrapping::width_of_stderr;

/// Missing or unknown tasks that are listed by name.
const LISTED: usize = 5;

pub(crate) fn run(arguments: &ProjectArguments, command: &Verify) -> Result<u8> {
    let (project, mut tasks) = Project::open_targets(arguments, &command.targets)?;
    let plan = &project.plan;
    if let Some(count) = command.sample {
        tasks = sample(plan, &tasks, usize::try_from(count)?, command.seed);
    }
    let tolerances = Tolerances::read(&Tolerances::beside(plan), plan).map_err(diagnosed)?;
    let lock = match command.lock {
        true => Some(LockFile::read(&LockFile::beside(&plan.file)).map_err(diagnosed)?),
        false => None,
    };
    let mut options = budget::options(
        &project.data_dir,
        &command.budget,
        None,
        budget::SecondSignal::IsIgnored,
    )?;
    options.keep_going = true;
    options.cards = cards::for_plan(plan);
    // The bars take the place of the line that says how far planning is.
    crate::planning::end();
    let Terminal {
        redraws, colours, ..
    } = Terminal::of_stderr();
    let mut observer = stderr_observer(redraws, colours, width_of_stderr);
    let request = Request {
        plan,
        tasks: &tasks,
        programs: &project.programs,
        store: &project.store,
        tolerances: &tolerances,
        lock: lock.as_ref(),
        bytes: command.bytes,
    };
    let verification = verify(request, &options, observer.as_mut())
        .map_err(|error| cards::advised(error, arguments, plan))?;
    drop(observer);

    for failure in &verification.failures {
        tell(&failure.log_end());
    }
    let report = Report::new(&project, lock.as_ref(), &verification);
    match command.json {
        true => super::print(&json::text(&report)?)?,
        false => super::print_lines(&report.text())?,
    }
    Ok(match (verification.interrupted, report.holds) {
        (true, _) => exit::INTERRUPTED,
        (_, true) => exit::OK,
        (_, false) => exit::FAILED,
    })
}

#[derive(Serialize)]
struct Report<'a> {
    pipeline: &'a str,
    #[serde(skip)]
    invocation: &'a Invocation,
    holds: bool,
    interrupted: bool,
    machine: Machine,
    #[serde(skip_serializing_if = "Option::is_none")]
    lock_machine: Option<&'a Machine>,
    equal: usize,
    same_content: usize,
    within: usize,
    differ: usize,
    failed: Vec<&'a str>,
    missing: Vec<&'a str>,
    unknown: &'a [String],
    /// Tasks that are not equal in all their bytes.
    tasks: Vec<TaskReport<'a>>,
}

#[derive(Serialize)]
struct TaskReport<'a> {
    task: &'a str,
    verdict: Verdict,
    outputs: Vec<OutputReport<'a>>,
}

#[derive(Serialize)]
struct OutputReport<'a> {
    output: &'a str,
    against: &'static str,
    #[serde(flatten)]
    comparison: &'a Comparison,
}

impl<'a> Report<'a> {
    fn new(project: &'a Project, lock: Option<&'a LockFile>, found: &'a Verification) -> Self {
        let id = |&task: &usize| project.plan.tasks[task].id.as_str();
        let unequal = found.checks.iter();
        let unequal = unequal.filter(|check| check.verdict() != Verdict::Equal);
        let tasks = unequal.map(|check| TaskReport {
            task: id(&check.task),
            verdict: check.verdict(),
            outputs: check
                .outputs
                .iter()
                .filter(|output| output.comparison.verdict != Verdict::Equal)
                .map(|output| OutputReport {
                    output: output.kind.as_str(),
                    against: match output.against {
                        Against::Store => "store",
                        Against::Lock => "lock file",
                    },
                    comparison: &output.comparison,
                })
                .collect(),
        });
        Self {
            pipeline: &project.plan.name,
            invocation: &project.invocation,
            holds: found.holds(),
            interrupted: found.interrupted,
            machine: Machine::this(),
            lock_machine: lock.map(|lock| &lock.machine),
            equal: found.count(Verdict::Equal),
            same_content: found.count(Verdict::SameContent),
            within: found.count(Verdict::Within),
            differ: found.count(Verdict::Differs),
            failed: found
                .failures
                .iter()
                .map(|failure| failure.id.as_str())
                .collect(),
            missing: found.missing.iter().map(id).collect(),
            unknown: &found.unknown,
            tasks: tasks.collect(),
        }
    }

    /// What differs, then what to know, then the counts.
    fn text(&self) -> String {
        let mut text = String::new();
        for task in &self.tasks {
            for output in &task.outputs {
                describe(&mut text, task.task, output);
            }
        }
        if let Some(locked) = self.lock_machine
            && *locked != self.machine
        {
            let machine = &self.machine;
            let _ = writeln!(
                text,
                "the lock file was made on another kind of machine, so values count, not bytes\n  \
                 there  {locked}\n  here   {machine}"
            );
        }
        if !self.missing.is_empty() {
            let (count, names) = (self.missing.len(), listed(&self.missing));
            let _ = writeln!(
                text,
                "{} not up to date, so there is nothing to compare with: {names}; \
                 `{}` computes what is missing",
                super::tasks_are(count),
                self.invocation.command("run")
            );
        }
        if !self.unknown.is_empty() {
            let (count, names) = (self.unknown.len(), listed(self.unknown));
            let _ = writeln!(
                text,
                "not in the pipeline, but in the lock file: {names}; `{}` removes {}",
                self.invocation.command("lock"),
                if count == 1 { "it" } else { "them" }
            );
        }
        let counts = tallied([
            (self.equal, "byte-equal"),
            (self.same_content, "equal in content, of other origin"),
            (self.within, "equal within tolerance"),
            (self.differ, &Tone::Bad.of("differ")),
            (self.failed.len(), &Tone::Bad.of("failed")),
            (self.missing.len(), "not compared"),
        ]);
        let interrupted = match self.interrupted {
            true => Tone::Notable.of("interrupted") + "; ",
            false => String::new(),
        };
        let counts = match counts.is_empty() {
            true => "none",
            false => &counts,
        };
        let _ = writeln!(text, "{interrupted}tasks: {counts}");
        text
    }
}

/// `a, b, ...`
fn listed<T: AsRef<str>>(names: &[T]) -> String {
    let first: Vec<&str> = names.iter().take(LISTED).map(AsRef::as_ref).collect();
    let more = if names.len() > LISTED { ", ..." } else { "" };
    format!("{}{more}", first.join(", "))
}

fn describe(text: &mut String, task: &str, output: &OutputReport<'_>) {
    let OutputReport {
        output,
        against,
        comparison,
    } = output;
    let verdict = match comparison.verdict {
        Verdict::Equal => Tone::Good.of("equal"),
        Verdict::SameContent => Tone::Good.of("same content"),
        Verdict::Within => Tone::Notable.of("within tolerance"),
        Verdict::Differs => Tone::Bad.of("DIFFERS"),
    };
    let reason = comparison.reason.as_ref();
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    let _ = writeln!(text, "{task} {output}: {verdict} ({against}){reason}");
    for column in &comparison.columns {
        let _ = writeln!(text, "  {}", difference(column));
    }
}

fn difference(column: &ColumnDifference) -> String {
    let ColumnDifference {
        column,
        absolute,
        relative,
        inexact,
        tolerance,
        within,
    } = column;
    let mut parts = Vec::new();
    if let Some(absolute) = absolute {
        let relative = relative.unwrap_or(f64::INFINITY);
        parts.push(format!(
            "off by {absolute:.1e}, {relative:.1e} of the largest value"
        ));
    }
    if *inexact > 0 {
        parts.push(format!("{inexact} differing values that are no fractions"));
    }
    let allowed = match (tolerance.absolute, tolerance.relative) {
        (0.0, 0.0) => "must be equal".to_owned(),
        (absolute, 0.0) => format!("allowed {absolute:e}"),
        (0.0, relative) => format!("allowed {relative:e} of it"),
        (absolute, relative) => format!("allowed {absolute:e} and {relative:e} of it"),
    };
    let within = match within {
        true => Tone::Good.of("within"),
        false => Tone::Bad.of("TOO MUCH"),
    };
    format!("{column}: {} ({allowed}): {within}", parts.join(", "))
}
