//! The parameters of `emnist`: which of its data sets.

use eigenscope_artifact::PixelTransform;
use eigenscope_stage::{Parameter, ParameterType};
use serde::Deserialize;

use super::common::{Parameters, SimilarityLabel, common};
use crate::emnist::EmnistSplit;

/// The parameters of `emnist`: which of its data sets, and those of the published ones.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmnistParameters {
    pub(crate) split: EmnistSplit,
    transforms: Vec<PixelTransform>,
    train_fraction: f64,
    train_count: usize,
    classes: Vec<usize>,
    similarity_label: SimilarityLabel,
}

impl EmnistParameters {
    /// Those that the published data sets have, too.
    pub(crate) fn common(&self) -> Parameters {
        Parameters {
            transforms: self.transforms.clone(),
            train_fraction: self.train_fraction,
            train_count: self.train_count,
            classes: self.classes.clone(),
            similarity_label: self.similarity_label,
        }
    }
}

/// Parameters of `emnist`.
pub(crate) fn emnist() -> Vec<Parameter> {
    let mut parameters = vec![Parameter::optional(
        "split",
        ParameterType::choice(&EmnistSplit::WORDS),
        EmnistSplit::WORDS[0],
        "which of the six data sets of EMNIST",
    )];
    parameters.extend(common());
    parameters
}
