//! How the program ends: exit codes and the text of errors.

use eigenscope_pipeline::execute::ExecuteError;
use eigenscope_pipeline::store::StoreError;
use miette::{GraphicalReportHandler, GraphicalTheme};

/// Everything asked for was done.
pub(crate) const OK: u8 = 0;
/// A task failed or a check did not hold.
pub(crate) const FAILED: u8 = 1;
/// The command line, a pipeline file or the set-up cannot be used.
pub(crate) const USAGE: u8 = 2;
/// Something is not up to date, under `status --check`.
pub(crate) const STALE: u8 = 3;
/// The user stopped the run (128 + SIGINT, as shells count it).
pub(crate) const INTERRUPTED: u8 = 130;

/// A mistake in a file or on the command line, with its place where there is one.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0)]
pub(crate) struct Diagnosed(Box<dyn miette::Diagnostic + Send + Sync>);

/// Keeps the labels of a diagnostic on its way up.
pub(crate) fn diagnosed(error: impl miette::Diagnostic + Send + Sync + 'static) -> anyhow::Error {
    anyhow::Error::new(Diagnosed(Box::new(error)))
}

/// Running problems end with 1; everything else is usage or configuration.
pub(crate) fn code(error: &anyhow::Error) -> u8 {
    if error.is::<ExecuteError>() || error.is::<StoreError>() {
        FAILED
    } else {
        USAGE
    }
}

/// The text of an error: with source lines and labels where it has a place.
pub(crate) fn render(error: &anyhow::Error) -> String {
    if let Some(Diagnosed(diagnostic)) = error.downcast_ref() {
        let theme = if std::io::IsTerminal::is_terminal(&std::io::stderr()) {
            GraphicalTheme::unicode()
        } else {
            GraphicalTheme::unicode_nocolor()
        };
        let mut text = String::new();
        if GraphicalReportHandler::new_themed(theme)
            .render_report(&mut text, diagnostic.as_ref())
            .is_ok()
        {
            return text.trim_end().to_owned();
        }
    }
    let mut causes = error.chain();
    let mut text = format!("error: {error}");
    causes.next();
    for cause in causes {
        text.push_str(&format!("\n  caused by: {cause}"));
    }
    text
}
