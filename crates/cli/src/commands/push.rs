//! `eigenscope push`: make results available to others.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use eigenscope_pipeline::execute::Options;
use eigenscope_pipeline::sharing::{Check, PushProgress, PushRequest, Pushed, push};
use eigenscope_pipeline::store::Key;
use eigenscope_pipeline::survey::Survey;
use eigenscope_plan::Plan;

use super::gc::bytes;
use super::{plural, tallied, tell};
use crate::arguments::{ProjectArguments, Push, Terminal};
use crate::budget::{self, SecondSignal};
use crate::exit;
use crate::project::Project;
use crate::sharing::{Shared, replacing, tell_given_up};

/// Reasons that are named.
const SHOWN: usize = 10;

pub(crate) fn run(arguments: &ProjectArguments, command: &Push) -> Result<u8> {
    let (project, targets) = Project::open_targets(arguments, &command.targets)?;
    let shared = Shared::new(&project.settings);
    if command.check && shared.is_only_read() {
        return check(&project, &shared, &targets);
    }
    let mut options = Options::new(&project.data_dir);
    let planning = Some(project.progress.clone());
    budget::listen(&mut options, planning, SecondSignal::IsIgnored)?;
    let survey = project.survey(&targets);
    project.progress.finish();
    let tasks: Vec<usize> = survey.iter().map(|(task, _)| task).collect();
    let checked = match command.check {
        true => Check::Bytes,
        false => Check::Lengths,
    };
    let is_well = push_tasks(&project, &shared, &tasks, &survey, checked, &options.cancel)?;
    Ok(match is_well {
        _ if options.cancel.load(Ordering::Relaxed) => exit::INTERRUPTED,
        true => exit::OK,
        false => exit::FAILED,
    })
}

/// Compares what a remote that is only read has with the results here; nothing is sent.
fn check(project: &Project, shared: &Shared, targets: &[usize]) -> Result<u8> {
    let survey = project.survey(targets);
    let remote = shared.remote()?;
    let current = survey.iter().filter(|(_, state)| state.is_current());
    let current: Vec<(usize, Key)> = current
        .filter_map(|(task, state)| Some((task, state.key()?)))
        .collect();
    let keys: Vec<Key> = current.iter().map(|(_, key)| *key).collect();
    let held = remote.holds(&keys)?;
    let keys: Vec<Key> = held.iter().copied().collect();
    let intact = remote.holds_intact(&project.store, &keys)?;
    let differ = current
        .iter()
        .filter(|(_, key)| held.contains(key) && !intact.contains(key));
    let differ: Vec<(usize, String)> = differ
        .map(|(task, _)| {
            (
                *task,
                "what is there is damaged, or of another content".to_owned(),
            )
        })
        .collect();
    tell_faults(&project.plan, "not equal", &differ);
    tell(&format!(
        "{} is only read: of {} {} that {} up to date here, it has {}, {} of them with equal bytes",
        remote.url(),
        current.len(),
        plural(current.len(), "result"),
        if current.len() == 1 { "is" } else { "are" },
        held.len(),
        intact.len()
    ));
    Ok(match differ.is_empty() {
        true => exit::OK,
        false => exit::FAILED,
    })
}

/// Pushes the results of `tasks` and says what became of them; returns whether all is well.
pub(super) fn push_tasks(
    project: &Project,
    shared: &Shared,
    tasks: &[usize],
    survey: &Survey,
    check: Check<'_>,
    cancel: &AtomicBool,
) -> Result<bool> {
    let remote = shared.remote_to_push_to()?;
    let redraws = Terminal::of_stderr().redraws;
    let request = PushRequest {
        plan: &project.plan,
        tasks,
        survey,
        store: &project.store,
        check,
    };
    let pushed = push(&request, &remote, cancel, &mut |progress| {
        if redraws {
            draw(progress);
        }
    });
    if redraws {
        // The line of the progress makes way.
        let _ = write!(std::io::stderr(), "\r\x1b[K");
    }
    // Why the remote is not asked any more is said once.
    let given_up = remote.given_up();
    let mut failed = pushed.failed.clone();
    failed.retain(|(_, reason)| Some(reason) != given_up.as_ref());
    for (what, faults) in [
        ("not replaced", &pushed.conflicts),
        ("not replaced", &pushed.damaged),
        ("not pushed", &failed),
    ] {
        tell_faults(&project.plan, what, faults);
    }
    tell_given_up(&remote);
    let interrupted = match cancel.load(Ordering::Relaxed) {
        true => "interrupted; ",
        false => "",
    };
    tell(&format!("{interrupted}{}", summary(&pushed, remote.url())));
    if !pushed.conflicts.is_empty() {
        tell(&format!(
            "`{}` tells whether results that are there with another content are computed here the same again",
            project.invocation.command("verify")
        ));
    }
    if !pushed.damaged.is_empty() {
        tell(&replacing(&project.invocation));
    }
    let not_well = [&pushed.conflicts, &pushed.damaged, &pushed.failed];
    Ok(not_well.iter().all(|faults| faults.is_empty()) && pushed.left.is_empty())
}

fn draw(progress: PushProgress) {
    let PushProgress { done, total, .. } = progress;
    let sent = bytes(progress.bytes);
    // A terminal that is gone does not stop anything.
    let _ = write!(std::io::stderr(), "\r\x1b[K{done}/{total} results  {sent}");
}

/// Says what is wrong with which results, equal reasons together.
fn tell_faults(plan: &Plan, what: &str, faults: &[(usize, String)]) {
    let mut by_reason: Vec<(&str, usize, usize)> = Vec::new();
    for (task, reason) in faults {
        match by_reason.iter_mut().find(|(known, ..)| known == reason) {
            Some((.., count)) => *count += 1,
            None => by_reason.push((reason, *task, 1)),
        }
    }
    for (reason, first, count) in by_reason.iter().take(SHOWN) {
        let first = &plan.tasks[*first].id;
        let more = match count - 1 {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        tell(&format!("{what}: {first}{more}: {reason}"));
    }
    let others = by_reason.iter().skip(SHOWN).map(|(.., count)| count);
    match others.sum::<usize>() {
        0 => {}
        more => tell(&format!("{what}: {more} more, for other reasons")),
    }
}

fn summary(pushed: &Pushed, url: &str) -> String {
    let count = pushed.pushed.len();
    let others = tallied([
        (
            pushed.repaired.len(),
            "of them in place of what was damaged or not whole there",
        ),
        (pushed.there.len(), "there already"),
        (pushed.conflicts.len(), "there with another content"),
        (pushed.damaged.len(), "damaged there"),
        (
            pushed.foreign.len(),
            "of another kind of machine, not ours to push",
        ),
        (pushed.failed.len(), "failed"),
        (pushed.not_current.len(), "not up to date"),
        (pushed.left.len(), "left to do"),
    ]);
    let others = match others.as_str() {
        "" => String::new(),
        others => format!("; {others}"),
    };
    let (results, size) = (plural(count, "result"), bytes(pushed.bytes));
    format!("pushed {count} {results} ({size}) to {url}{others}")
}
