//! Errors of the metrics.

use eigenscope_artifact::ArtifactError;
use eigenscope_models::ModelError;
use polars::error::PolarsError;

/// A metric that cannot be computed.
#[derive(Debug, thiserror::Error)]
pub enum MetricError {
    /// An input cannot be read.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// A model cannot be built or run.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Grouping or averaging failed.
    #[error("cannot aggregate the observations")]
    Aggregate(#[from] PolarsError),
    /// A label, size, layer or image that no input has.
    #[error("{0}")]
    Unknown(String),
    /// Inputs, or labels of inputs, that do not fit together.
    #[error("{0}")]
    Mismatch(String),
    /// A metric that is not defined for its inputs.
    #[error("{0}")]
    Undefined(String),
    /// Fewer images, epochs or values than the metric needs.
    #[error("{0}")]
    TooFew(String),
    /// A vector without direction or length, or an iteration without result.
    #[error("{0}")]
    Numerics(String),
}

impl MetricError {
    /// The error of a selection of eigenpairs. Where too few are stored, it says what to change.
    pub(crate) fn of_selection(error: ArtifactError) -> Self {
        match error {
            ArtifactError::TooFewEigenpairs { asked, .. } => Self::TooFew(format!(
                "{error}; raise `count` of the decompose task to {asked}"
            )),
            other => other.into(),
        }
    }
}
