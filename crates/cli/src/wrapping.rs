//! The widths that lines are laid out for.

use std::io::IsTerminal;

pub(crate) use eigenscope_pipeline::wrapping::{cut, lines_within, wrapped};

/// Fewest characters that lines are laid out for, however narrow the terminal.
const NARROWEST: usize = 40;
/// Width of the help where nothing is known of a terminal.
const OF_HELP: usize = 100;

/// The width of the terminal, as it says itself or else by `COLUMNS`.
fn width() -> Option<usize> {
    let asked = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    let given = || std::env::var("COLUMNS").ok()?.parse().ok();
    let width = asked.filter(|width| *width > 0).or_else(given);
    width.map(|width| width.max(NARROWEST))
}

/// The width of the help: no wider than what reads well.
pub(crate) fn width_of_help() -> usize {
    width().unwrap_or(OF_HELP).min(OF_HELP)
}

/// The width of the terminal that standard output is; `None` where it is none.
pub(crate) fn width_of_stdout() -> Option<usize> {
    std::io::stdout().is_terminal().then(width).flatten()
}

/// As [`width_of_stdout`], of standard error.
pub(crate) fn width_of_stderr() -> Option<usize> {
    std::io::stderr().is_terminal().then(width).flatten()
}
