//! Exit codes, and the text of errors.

use std::io::{self, ErrorKind};

use eigenscope_pipeline::execute::ExecuteError;
use eigenscope_pipeline::invoke::InvokeError;
use eigenscope_pipeline::store::StoreError;
use eigenscope_pipeline::timeline::TimelineError;
use eigenscope_pipeline::tone::{Tone, fitted};
use eigenscope_pipeline::watch::RunOutcome;
use miette::{GraphicalReportHandler, GraphicalTheme};

use crate::arguments::Terminal;
use crate::wrapping;

/// Everything asked for was done and holds.
pub(crate) const OK: u8 = 0;
/// A task failed, a check did not hold, or the disk was full or damaged.
pub(crate) const FAILED: u8 = 1;
/// The command line, a pipeline file or the set-up cannot be used.
pub(crate) const USAGE: u8 = 2;
/// Something is not up to date, under `status --check`.
pub(crate) const STALE: u8 = 3;
/// Another run is using the artifacts folder.
pub(crate) const BUSY: u8 = 4;
/// The user stopped the run (128 + SIGINT, as shells count it).
pub(crate) const INTERRUPTED: u8 = 130;

/// Every exit code with its causes, as the help and the guide list them.
pub(crate) const TABLE: [(u8, &str); 6] = [
    (OK, "everything asked for was done and holds"),
    (
        FAILED,
        "a task failed; `compare`, `verify` or `accept` does not hold; a disk is full or damaged",
    ),
    (
        USAGE,
        "the command line, a file it names, or the set-up (programs, folders) cannot be used",
    ),
    (STALE, "something is not up to date (`status --check`)"),
    (BUSY, "another run is using the folder of results"),
    (INTERRUPTED, "interrupted"),
];

/// The table of exit codes as the help prints it.
pub(crate) fn help() -> String {
    let rows = TABLE.map(|(code, causes)| format!("\n{code:>5}  {causes}"));
    format!("Exit codes:{}", rows.concat())
}

/// A mistake in a file or on the command line, with its place where there is one.
#[derive(Debug, thiserror::Error)]
#[error("{diagnostic}")]
pub(crate) struct Diagnosed {
    diagnostic: Box<dyn miette::Diagnostic + Send + Sync>,
    /// A folder, and what is shown in its place.
    shown_as: Option<(String, String)>,
}

/// Keeps the labels of a diagnostic on its way up.
pub(crate) fn diagnosed(error: impl miette::Diagnostic + Send + Sync + 'static) -> anyhow::Error {
    anyhow::Error::new(Diagnosed {
        diagnostic: Box::new(error),
        shown_as: None,
    })
}

/// The same for a file in a folder that is temporary, and shown as `shown`.
pub(crate) fn diagnosed_in(
    error: impl miette::Diagnostic + Send + Sync + 'static,
    folder: &str,
    shown: &str,
) -> anyhow::Error {
    anyhow::Error::new(Diagnosed {
        diagnostic: Box::new(error),
        shown_as: Some((folder.to_owned(), shown.to_owned())),
    })
}

/// The code of a run that could go on to its end.
pub(crate) fn of_run(outcome: RunOutcome) -> u8 {
    match outcome {
        RunOutcome::Ok => OK,
        RunOutcome::Failed => FAILED,
        RunOutcome::Stopped => INTERRUPTED,
    }
}

/// The code of the innermost cause that has one of its own: the command that met it does not matter.
pub(crate) fn code(error: &anyhow::Error) -> u8 {
    let codes = error.chain().filter_map(|cause| {
        if let Some(cause) = cause.downcast_ref::<io::Error>() {
            return matches!(
                cause.kind(),
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge
            )
            .then_some(FAILED);
        }
        // Transparent errors hide what they wrap from the chain.
        let store = match cause.downcast_ref() {
            Some(ExecuteError::Store(error)) => Some(error),
            _ => cause.downcast_ref(),
        };
        let program = match cause.downcast_ref() {
            Some(TimelineError::Drawing(error)) => Some(error),
            _ => cause.downcast_ref(),
        };
        match (store, program) {
            (Some(StoreError::Locked { .. }), _) => Some(BUSY),
            (Some(StoreError::Damaged { .. }), _) => Some(FAILED),
            (_, Some(InvokeError::Failed { .. })) => Some(FAILED),
            _ => None,
        }
    });
    codes.last().unwrap_or(USAGE)
}

/// The text of an error within the width of a terminal: with source lines and labels where it has a place.
pub(crate) fn render(error: &anyhow::Error) -> String {
    if let Some(Diagnosed {
        diagnostic,
        shown_as,
    }) = error.downcast_ref()
    {
        let theme = match Terminal::of_stderr() {
            Terminal { draws: false, .. } => GraphicalTheme::none(),
            Terminal { colours: true, .. } => GraphicalTheme::unicode(),
            _ => GraphicalTheme::unicode_nocolor(),
        };
        let handler = GraphicalReportHandler::new_themed(theme);
        let handler = match wrapping::width_of_stderr() {
            Some(width) => handler.with_width(width),
            None => handler.with_wrap_lines(false),
        };
        let mut text = String::new();
        if handler
            .render_report(&mut text, diagnostic.as_ref())
            .is_ok()
        {
            let text = text.trim_end();
            return match shown_as {
                Some((folder, shown)) => text.replace(folder, shown),
                None => text.to_owned(),
            };
        }
    }
    let mut causes = error.chain();
    let mut text = format!("{} {error}", Tone::Bad.of("error:"));
    causes.next();
    for cause in causes {
        text.push_str(&format!("\n  caused by: {cause}"));
    }
    let lines = wrapping::lines_within(&text, wrapping::width_of_stderr());
    fitted(&lines, Terminal::of_stderr().colours).into_owned()
}
