//! The section `[run]`: what holds for runs wherever their tasks run.

use eigenscope_stage::{Parameter, ParameterType};

use super::section::Section;
use crate::file::{Entry, Problems};

/// Reads the command that is told how a run has ended.
pub(super) fn notify(entry: &Entry, problems: &mut Problems) -> Option<String> {
    let known = [Parameter::required(
        "notify",
        ParameterType::Text,
        "command that is told how a run has ended",
    )];
    let section = Section::read(entry, "[run]", &known, &[], problems);
    section.text("notify")
}
