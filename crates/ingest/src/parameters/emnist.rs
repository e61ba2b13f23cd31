//! The parameters of `emnist`: which of its data sets.

use eigenscope_stage::{Parameter, ParameterType};
use serde::Deserialize;

use crate::emnist::EmnistSplit;

/// The parameters of `emnist`: which of its data sets.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmnistParameters {
    pub(crate) split: EmnistSplit,
}

/// Parameters of `emnist`.
pub(crate) fn emnist() -> Vec<Parameter> {
    vec![Parameter::optional(
        "split",
        ParameterType::choice(&EmnistSplit::WORDS),
        EmnistSplit::WORDS[0],
        "which of the six data sets of EMNIST",
    )]
}
