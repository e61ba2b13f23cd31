//! The state of a run in words: the lines of a terminal, or one plain line.

use eigenscope_pipeline::execute::duration;
use eigenscope_pipeline::watch::{Counts, Liveness, RunState, TaskProgress};

use crate::commands::tallied;
use crate::wrapping;

/// Silence of a run elsewhere that is worth a word, in seconds: it gives a sign of life every ten.
const SILENCE: f64 = 30.0;

/// Begins the line of a failed task.
pub(crate) const FAILED: &str = "  failed:";

/// What is shown on a terminal of this width and height: never wider, and one line less high.
pub(crate) fn lines(
    state: &RunState,
    liveness: Liveness,
    now: f64,
    width: usize,
    height: usize,
) -> Vec<String> {
    let mut lines = vec![headline(state, liveness, now), counts(state)];
    if state.outcome.is_none() {
        lines.push(time_left(state, liveness));
    }
    let failures = state.failures.iter().rev();
    let failures = failures.map(|failed| format!("{FAILED} {}: {}", failed.task, failed.message));
    let failures: Vec<String> = failures.collect();
    let room = height.saturating_sub(1 + lines.len());
    // Both have a place; failures at most half of it while tasks are under way.
    let under_way = match state.outcome {
        None => state.tasks.len(),
        Some(_) => 0,
    };
    let of_failures = failures.len().min(room - under_way.min(room / 2));
    let of_tasks = room - of_failures;
    let total = state.counts.running.max(under_way);
    let shown = match total > of_tasks.min(under_way) {
        true => under_way.min(of_tasks.saturating_sub(1)),
        false => under_way,
    };
    lines.extend(
        state
            .tasks
            .iter()
            .take(shown)
            .map(|task| one_task(task, now)),
    );
    if under_way > 0 && total > shown && of_tasks > 0 {
        lines.push(format!("  and {} more", total - shown));
    }
    lines.extend(failures.into_iter().take(of_failures));
    lines.truncate(height.saturating_sub(1).max(1));
    lines.iter().map(|line| cut(line, width)).collect()
}

/// The same in one line.
pub(crate) fn summary(state: &RunState, liveness: Liveness, now: f64) -> String {
    let end = match ending(state, liveness) {
        Some(end) => end,
        None => time_left(state, liveness),
    };
    let mut line = format!("{}: {}; {}", state.pipeline, counts(state), end.trim());
    if let Some(silence) = silence(state, liveness, now) {
        line.push_str(&format!("; {silence}"));
    }
    if state.outcome.is_none()
        && let Some(task) = state.tasks.first()
    {
        line.push_str(&format!("; {}", one_task(task, now).trim()));
    }
    line
}

fn headline(state: &RunState, liveness: Liveness, now: f64) -> String {
    let until = match (state.outcome, liveness) {
        (None, Liveness::Alive | Liveness::Elsewhere) => now,
        _ => state.written,
    };
    let age = duration((until - state.begun).max(0.0));
    let process = &state.process;
    let what = match (ending(state, liveness), silence(state, liveness, now)) {
        (Some(end), _) => format!(
            "{end} after {age}, {} ago",
            duration((now - state.written).max(0.0))
        ),
        (None, Some(silence)) => format!("for {age}; {silence}"),
        (None, None) => format!("for {age}"),
    };
    format!(
        "{} on {} (process {}): {what}",
        state.pipeline, process.host, process.pid
    )
}

/// How the run has ended, or that its process has; `None` while it goes on.
fn ending(state: &RunState, liveness: Liveness) -> Option<String> {
    match (state.outcome, liveness) {
        (Some(outcome), _) => {
            let reason = state.reason.as_ref();
            let reason = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
            Some(format!("ended: {}{reason}", outcome.name()))
        }
        (None, Liveness::Dead) => Some("its process died".to_owned()),
        (None, Liveness::Alive | Liveness::Elsewhere) => None,
    }
}

/// Since when nothing has been heard of a run whose process cannot be seen, if that is long.
fn silence(state: &RunState, liveness: Liveness, now: f64) -> Option<String> {
    let silence = now - state.written;
    let is_long = liveness == Liveness::Elsewhere && state.outcome.is_none() && silence > SILENCE;
    is_long.then(|| format!("nothing heard for {}", duration(silence)))
}

fn counts(state: &RunState) -> String {
    let Counts {
        total,
        current,
        waiting,
        queued,
        running,
        done,
        reused,
        failed,
        stopped,
    } = state.counts;
    // What a run that has ended did not bring to an end is left, wherever it was.
    let (left, [running, queued, waiting, stopped]) = match state.outcome {
        None => (0, [running, queued, waiting, stopped]),
        Some(_) => (running + queued + waiting + stopped, [0; 4]),
    };
    let others = tallied([
        (reused, "came out as before"),
        (running, "running"),
        (queued, "queued"),
        (waiting, "waiting"),
        (failed, "failed"),
        (stopped, "stopped"),
        (left, "left"),
        (current, "up to date before"),
    ]);
    let comma = if others.is_empty() { "" } else { ", " };
    format!("{done} of {total} tasks done{comma}{others}")
}

fn time_left(state: &RunState, liveness: Liveness) -> String {
    match liveness {
        Liveness::Dead => String::new(),
        _ => format!(
            "{} left, about {}",
            state.counts.left(),
            duration(state.seconds_left)
        ),
    }
}

/// What a task does: how far it is, how fast, and what it says.
fn one_task(task: &TaskProgress, now: f64) -> String {
    let seconds = (now - task.since).max(0.0);
    let age = duration(seconds);
    let name = &task.task;
    if task.total == 0 {
        return format!("  {name}  {age}");
    }
    let TaskProgress {
        done,
        total,
        unit,
        message,
        ..
    } = task;
    let rate = *done as f64 / seconds;
    let rate = match *done > 0 && rate.is_finite() {
        true => format!("  {rate:.2} {unit}/s"),
        false => String::new(),
    };
    format!("  {name}  {done}/{total} {unit}  {message}  {age}{rate}")
}

/// At most `width` characters, without any that could move the cursor; the last one is `…` where the line goes on.
fn cut(line: &str, width: usize) -> String {
    wrapping::cut(&line.replace(char::is_control, " "), width)
}

#[cfg(test)]
mod tests {
    use eigenscope_pipeline::watch::{FailedTask, Process, RunOutcome, STATE_VERSION};

    use super::*;

    fn state(running: usize, failures: usize) -> RunState {
        let task = |number: usize| TaskProgress {
            task: format!("train.m[seed={number}]"),
            since: 1000.0,
            done: 30,
            total: 100,
            unit: "epochs".to_owned(),
            message: "loss 0.12".to_owned(),
        };
        RunState {
            version: STATE_VERSION,
            run: "000001".to_owned(),
            pipeline: "digits".to_owned(),
            process: Process {
                host: "node1".to_owned(),
                pid: 12,
                namespace: None,
                started: None,
            },
            begun: 990.0,
            written: 1010.0,
            outcome: None,
            reason: None,
            counts: Counts {
                total: 200,
                current: 5,
                waiting: 100,
                running,
                done: 90,
                failed: failures,
                ..Counts::default()
            },
            seconds_left: 130.0,
            tasks: (0..running.min(50)).map(task).collect(),
            failures: (0..failures)
                .map(|number| FailedTask {
                    task: format!("metric.x[n={number}]"),
                    message: "no\nmemory".to_owned(),
                })
                .collect(),
        }
    }

    #[test]
    fn a_screen_says_how_far_everything_is() {
        let found = lines(&state(1, 1), Liveness::Alive, 1010.0, 100, 24);
        assert_eq!(
            found,
            [
                "digits on node1 (process 12): for 20.0 s",
                "90 of 200 tasks done, 1 running, 100 waiting, 1 failed, 5 up to date before",
                "110 left, about 2 min 10 s",
                "  train.m[seed=0]  30/100 epochs  loss 0.12  10.0 s  3.00 epochs/s",
                "  failed: metric.x[n=0]: no memory",
            ]
        );
        let mut ended = state(0, 0);
        ended.outcome = Some(RunOutcome::Ok);
        let found = lines(&ended, Liveness::Dead, 1015.0, 100, 24);
        assert_eq!(
            found[0],
            "digits on node1 (process 12): ended: ok after 20.0 s, 5.0 s ago"
        );
        let died = summary(&state(1, 0), Liveness::Dead, 1015.0);
        assert!(died.contains("its process died"), "{died}");
        let silent = summary(&state(1, 0), Liveness::Elsewhere, 1110.0);
        assert!(silent.contains("nothing heard for 1 min 40 s"), "{silent}");
        assert!(!summary(&state(1, 0), Liveness::Alive, 1110.0).contains("heard"));
    }

    #[test]
    fn a_screen_is_never_larger_than_the_terminal() {
        for running in [0, 1, 3, 50, 5000] {
            for failures in [0, 1, 10] {
                for height in 0..40 {
                    for width in [1, 10, 80] {
                        let state = state(running, failures);
                        let found = lines(&state, Liveness::Alive, 1010.0, width, height);
                        assert!(found.len() <= height.saturating_sub(1).max(1));
                        assert!(found.iter().all(|line| line.chars().count() <= width));
                    }
                }
            }
        }
        let found = lines(&state(5000, 10), Liveness::Alive, 1010.0, 80, 24);
        assert_eq!(found.len(), 23);
        assert!(
            found.iter().any(|line| line.starts_with("  and ")),
            "{found:?}"
        );
        assert!(
            found.iter().any(|line| line.contains("failed: ")),
            "{found:?}"
        );
    }
}
