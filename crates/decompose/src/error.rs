//! Errors of the decompositions.

use eigenscope_artifact::ArtifactError;
use eigenscope_models::ModelError;

/// A decomposition that has no result.
#[derive(Debug, thiserror::Error)]
pub enum DecomposeError {
    /// A model cannot be built, read or run.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// An artifact cannot be read.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// A class, layer or image that an input does not have.
    #[error("{0}")]
    Unknown(String),
    /// Inputs whose layers, shapes or contents do not fit together.
    #[error("{0}")]
    Mismatch(String),
    /// An operation that is not defined for a model or for the values of its parameters.
    #[error("{0}")]
    Undefined(String),
    /// No images, weights or inliers to compute from.
    #[error("{0}")]
    Empty(String),
    /// A value that overflows, an iteration that does not converge, or a vector without direction.
    #[error("{subject}: {problem}")]
    Numerics {
        /// The class or layer.
        subject: String,
        /// What happened, and where known the remedy.
        problem: String,
    },
}

impl DecomposeError {
    /// [`DecomposeError::Numerics`] of a class (output index).
    pub(crate) fn of_class(class: usize, problem: impl Into<String>) -> Self {
        Self::Numerics {
            subject: format!("class {class}"),
            problem: problem.into(),
        }
    }

    /// [`DecomposeError::Numerics`] of a layer.
    pub(crate) fn of_layer(layer: &str, problem: impl Into<String>) -> Self {
        Self::Numerics {
            subject: format!("layer `{layer}`"),
            problem: problem.into(),
        }
    }

    /// [`DecomposeError::Unknown`] for a class (output index) of a model with `classes` classes.
    pub(crate) fn no_class(class: usize, classes: usize) -> Self {
        Self::Unknown(format!(
            "there is no class {class}, the model has {classes}"
        ))
    }

    /// A result of a class that is not finite.
    pub(crate) fn overflow(class: usize, quantity: &str) -> Self {
        Self::of_class(
            class,
            format!("{quantity} is not finite; the weights are too large"),
        )
    }

    /// An interaction matrix `[size, size]` whose eigenvalues were not found.
    pub(crate) fn no_eigenvalues(class: usize, size: usize) -> Self {
        let matrix = format!("the eigenvalues of the {size} x {size} interaction matrix");
        Self::of_class(class, format!("{matrix} did not converge"))
    }

    /// A bilinear layer without entries.
    pub(crate) fn empty_model(inputs: usize, hidden: usize, classes: usize) -> Self {
        Self::Empty(format!(
            "a model of {inputs} inputs, {hidden} hidden units and {classes} classes has no eigenvectors"
        ))
    }
}
