//! `eigenscope watch`: what a run in another terminal, or on another machine, is doing.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use eigenscope_pipeline::store::Store;
use eigenscope_pipeline::tone::{Tone, fitted};
use eigenscope_pipeline::watch::{self, Liveness, RunOutcome, RunState};
use eigenscope_plan::file;
use serde::Serialize;

use super::{Reader, print_on};
use crate::arguments::{ProjectArguments, Terminal, Watch};
use crate::exit;
use crate::project;
use crate::watch_screen::{FAILED, lines, summary};

/// Time between two looks at the file.
const LOOK: Duration = Duration::from_millis(500);

/// Shortest and longest time between two plain lines while nothing has ended.
const SELDOM: Duration = Duration::from_secs(2);
const REMINDER: Duration = Duration::from_secs(60);

/// A state as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    state: &'a RunState,
    left: usize,
    /// Whether its process is there; absent where that cannot be seen.
    #[serde(skip_serializing_if = "Option::is_none")]
    alive: Option<bool>,
}

pub(crate) fn run(arguments: &ProjectArguments, command: &Watch) -> Result<u8> {
    let pipeline = command.pipeline.as_deref();
    watch(&project::store(arguments)?, pipeline, command.json)
}

/// Shows the latest run of a pipeline, or of any, until it has ended or nobody reads on.
pub(crate) fn watch(store: &Store, pipeline: Option<&str>, json: bool) -> Result<u8> {
    let name = pipeline.map(name_of);
    let mut shown = Shown::new(json);
    loop {
        let Some(state) = read(store, name.as_deref())? else {
            match name {
                Some(name) => bail!("{}", no_run(store, &name)),
                None => bail!(
                    "no run has been recorded in {}; --artifacts names another folder of results",
                    store.root().display()
                ),
            }
        };
        // A run that ends between two looks has written how before it was gone.
        let liveness = state.process.liveness();
        let state = match liveness {
            Liveness::Dead if state.outcome.is_none() => {
                read(store, name.as_deref())?.unwrap_or(state)
            }
            _ => state,
        };
        if shown.show(&state, liveness)? == Reader::IsGone {
            return Ok(exit::OK);
        }
        match (state.outcome, liveness) {
            (Some(RunOutcome::Ok), _) => return Ok(exit::OK),
            (Some(_), _) | (None, Liveness::Dead) => return Ok(exit::FAILED),
            (None, _) => std::thread::sleep(LOOK),
        }
    }
}

fn read(store: &Store, name: Option<&str>) -> Result<Option<RunState>> {
    Ok(match name {
        Some(name) => watch::read(store, name)?,
        None => watch::latest(store)?,
    })
}

/// The name of a pipeline, which may be given by its file.
fn name_of(pipeline: &str) -> String {
    let stem = pipeline
        .strip_suffix(".toml")
        .and_then(|_| Path::new(pipeline).file_stem());
    stem.map_or_else(
        || pipeline.to_owned(),
        |stem| stem.to_string_lossy().into_owned(),
    )
}

fn no_run(store: &Store, name: &str) -> String {
    let known = watch::recorded(store);
    let meant = file::closest(name, known.iter().map(String::as_str));
    let meant = meant.map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"));
    format!(
        "no run of `{name}` has been recorded in {}{meant}",
        store.root().display()
    )
}

/// What has been shown.
struct Shown {
    json: bool,
    redraws: bool,
    /// Lines that stand on the terminal, to be drawn over.
    drawn: usize,
    /// The text that was written last, and when.
    last: Option<(String, Instant)>,
    /// What had ended by then.
    ended: Option<(String, [usize; 4])>,
}

impl Shown {
    fn new(json: bool) -> Self {
        Self {
            json,
            redraws: !json && Terminal::of_stdout().redraws,
            drawn: 0,
            last: None,
            ended: None,
        }
    }

    fn show(&mut self, state: &RunState, liveness: Liveness) -> Result<Reader> {
        let now = watch::now();
        if self.redraws {
            let size = terminal_size::terminal_size();
            let (width, height) = size.map_or((80, 24), |(width, height)| {
                (usize::from(width.0), usize::from(height.0))
            });
            let lines = lines(state, liveness, now, width, height);
            return self.redraw(&lines);
        }
        let has_ended = state.outcome.is_some() || liveness == Liveness::Dead;
        let text = match self.json {
            true => serde_json::to_string(&Line {
                state,
                left: state.counts.left(),
                alive: match liveness {
                    Liveness::Alive => Some(true),
                    Liveness::Dead => Some(false),
                    Liveness::Elsewhere => None,
                },
            })?,
            false => summary(state, liveness, now),
        };
        let counts = &state.counts;
        let ended = (
            state.run.clone(),
            [counts.done, counts.reused, counts.failed, counts.stopped],
        );
        let is_due = self.last.as_ref().is_none_or(|(last, at)| {
            let pause = match (self.json, self.ended.as_ref() == Some(&ended)) {
                (true, _) => Duration::ZERO,
                (false, true) => REMINDER,
                (false, false) => SELDOM,
            };
            *last != text && (has_ended || at.elapsed() >= pause)
        });
        if !is_due {
            return Ok(Reader::IsThere);
        }
        let reader = print_on(format!("{text}\n").as_bytes())?;
        self.last = Some((text, Instant::now()));
        self.ended = Some(ended);
        Ok(reader)
    }

    /// Draws over what was drawn before. The cursor stays below, so that the terminal is in order whenever this ends.
    fn redraw(&mut self, lines: &[String]) -> Result<Reader> {
        let mut text = String::new();
        if self.drawn > 0 {
            text.push_str(&format!("\x1b[{}A", self.drawn));
        }
        let colours = Terminal::of_stdout().colours;
        for line in lines {
            let line = match line.strip_prefix(FAILED) {
                Some(rest) => Tone::Bad.of(FAILED) + rest,
                None => line.clone(),
            };
            text.push_str(&format!("\r{}\x1b[K\n", fitted(&line, colours)));
        }
        text.push_str("\x1b[J");
        self.drawn = lines.len();
        print_on(text.as_bytes())
    }
}
