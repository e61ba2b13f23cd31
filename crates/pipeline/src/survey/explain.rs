//! The explanation of one task's state: its reasons, and the path to the first stale input.

use std::fmt::Write;

use super::{Reason, State, Survey};
use crate::tone::Tone;
use eigenscope_plan::Plan;

/// Reasons of one task that are written out; a task may wait for thousands.
const SHOWN: usize = 10;

/// Says why the task `index` of the plan runs or does not, one line a reason, followed by the chain of
/// inputs up to one that has to run for reasons of its own.
pub fn explain(plan: &Plan, survey: &Survey, index: usize) -> String {
    let mut text = String::new();
    for (index, state) in chain(plan, survey, index) {
        if !text.is_empty() {
            text.push('\n');
        }
        let task = &plan.tasks[index];
        let state_words = match state {
            State::Current { key, .. } => {
                let words = Tone::Good.of("is up to date");
                format!("{words} (store/{})", key.short())
            }
            State::Stale { .. } => Tone::Notable.of("will run"),
            State::Blocked { .. } => Tone::Quiet.of("waits for its inputs; it runs if they change"),
        };
        line(&mut text, &format!("{} {state_words}", task.id));
        for reason in state.reasons().iter().take(SHOWN) {
            line(&mut text, &format!("  {reason}"));
        }
        let hidden = state.reasons().len().saturating_sub(SHOWN);
        if hidden > 0 {
            line(&mut text, &format!("  and {hidden} more reasons"));
        }
        for warning in survey.warnings(plan, index) {
            line(
                &mut text,
                &format!("  {} {warning}", Tone::Notable.of("warning:")),
            );
        }
    }
    text
}

/// The task `index` and, if it waits for inputs, the way to the first of them that has to run for reasons of its own.
pub fn chain<'a>(
    plan: &'a Plan,
    survey: &'a Survey,
    index: usize,
) -> impl Iterator<Item = (usize, &'a State)> {
    let with_state = |index| Some((index, survey.get(index)?));
    std::iter::successors(with_state(index), move |&(task, state)| {
        with_state(first_awaited(plan, task, state)?)
    })
}

/// The first task that a blocked one waits for. Inputs come before a task, so the chain ends.
fn first_awaited(plan: &Plan, task: usize, state: &State) -> Option<usize> {
    let awaited = state.reasons().iter().find_map(|reason| match reason {
        Reason::WaitsFor { task } => Some(task),
        _ => None,
    })?;
    let mut inputs = plan.tasks[task].inputs.iter().map(|input| input.task);
    inputs.find(|&input| plan.tasks[input].id == *awaited)
}

fn line(text: &mut String, line: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}
