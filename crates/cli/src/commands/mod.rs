//! One file per command. Each returns the exit code of the program.

pub(crate) mod accept;
pub(crate) mod clean;
pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod devices;
pub(crate) mod diff;
pub(crate) mod dry_run;
pub(crate) mod element;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod gc;
pub(crate) mod graph;
pub(crate) mod init;
pub(crate) mod inspect;
pub(crate) mod kinds;
pub(crate) mod lock;
pub(crate) mod ls;
pub(crate) mod man;
pub(crate) mod output;
pub(crate) mod pull;
pub(crate) mod push;
pub(crate) mod rename;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod show;
pub(crate) mod sql;
mod stale_link;
pub(crate) mod status;
pub(crate) mod timeline;
pub(crate) mod verify;
pub(crate) mod warnings;
pub(crate) mod watch;

use std::borrow::Cow;
use std::fmt::Display;
use std::io::Write;
use std::path::Path;

use anyhow::Context;
use eigenscope_pipeline::tone::{Tone, fitted};

use crate::arguments::Terminal;
use crate::wrapping;

/// The path from here, where it is below here.
pub(crate) fn relative(path: &Path) -> String {
    let below = std::env::current_dir()
        .ok()
        .and_then(|here| path.strip_prefix(here).ok().map(ToOwned::to_owned));
    below.as_deref().unwrap_or(path).display().to_string()
}

/// `3 ran, 1 failed`: the counts that are not 0, each with its words.
pub(crate) fn tallied<W: Display>(counts: impl IntoIterator<Item = (usize, W)>) -> String {
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts
        .map(|(count, words)| format!("{count} {words}"))
        .collect();
    counts.join(", ")
}

/// "1 task is" or "3 tasks are".
fn tasks_are(count: usize) -> String {
    match count {
        1 => "1 task is".to_owned(),
        _ => format!("{count} tasks are"),
    }
}

/// `what`, with an s for any number of it but one.
pub(crate) fn plural(count: usize, what: &str) -> String {
    match count {
        1 => what.to_owned(),
        _ => format!("{what}s"),
    }
}

/// Whether anybody reads what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    IsThere,
    /// It has closed the pipe, as `head` does.
    IsGone,
}

/// Prints to standard output; a closed pipe (`eigenscope ... | head`) is no error.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    print_bytes(text.as_bytes())
}

/// Prints lines for people: within the width of a terminal, if standard output is one.
pub(crate) fn print_lines(text: &str) -> anyhow::Result<()> {
    let lines = wrapping::lines_within(text, wrapping::width_of_stdout());
    print(&fitted(&lines, Terminal::of_stdout().colours))
}

/// Prints bytes that need not be text, as [`print()`] prints text.
pub(crate) fn print_bytes(bytes: &[u8]) -> anyhow::Result<()> {
    print_on(bytes).map(drop)
}

/// As [`print_bytes`], for a command that prints on for as long as somebody reads it.
pub(crate) fn print_on(bytes: &[u8]) -> anyhow::Result<Reader> {
    crate::planning::end();
    let mut out = std::io::stdout().lock();
    printed(out.write_all(bytes).and_then(|()| out.flush()))
}

/// What has become of a text for standard output; a closed pipe is no error.
pub(crate) fn printed(written: std::io::Result<()>) -> anyhow::Result<Reader> {
    match written {
        Ok(()) => Ok(Reader::IsThere),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(Reader::IsGone),
        Err(error) => Err(error).context("cannot write to standard output"),
    }
}

/// Prints lines for people to standard error, within the width of a terminal, if it is one. A closed pipe is no error.
pub(crate) fn tell(text: &str) {
    let text = with_coloured_head(text);
    let lines = wrapping::lines_within(&text, wrapping::width_of_stderr());
    tell_unbroken(&fitted(&lines, Terminal::of_stderr().colours));
}

/// The text with a colour for the word that says how bad it is.
fn with_coloured_head(text: &str) -> Cow<'_, str> {
    let heads = [("error:", Tone::Bad), ("warning:", Tone::Notable)];
    let coloured = heads.into_iter().find_map(|(head, tone)| {
        let rest = text.strip_prefix(head)?;
        Some(tone.of(head) + rest)
    });
    coloured.map_or(Cow::Borrowed(text), Cow::Owned)
}

/// As [`tell`], for a text that is laid out already.
pub(crate) fn tell_unbroken(text: &str) {
    crate::planning::end();
    let _ = writeln!(std::io::stderr(), "{text}");
}
