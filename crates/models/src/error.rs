//! Errors of building, reading and running a model.

use eigenscope_artifact::{ArtifactError, InputShape};

/// A model that cannot be built, read or run.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The artifact cannot be read or written.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// A tensor that the architecture names is missing, misshapen or not finite.
    #[error("tensor `{name}` {problem}")]
    Tensor { name: String, problem: String },
    /// A step that cannot read what the step before it makes.
    #[error(
        "{step} needs inputs of shape {}, it is given {}",
        sides(expected),
        sides(found)
    )]
    StepShape {
        step: String,
        expected: InputShape,
        found: InputShape,
    },
    /// An image without room for a window of a convolution or of pooling.
    #[error(
        "{layer} needs an image of at least {kernel} x {kernel} pixels, its input has {height} x {width}"
    )]
    TooSmall {
        layer: String,
        kernel: usize,
        height: usize,
        width: usize,
    },
    /// Windows of size zero, or that do not move.
    #[error("the windows of {layer} have no pixels or no distance")]
    EmptyWindow { layer: String },
    /// A layer that the model does not have.
    #[error("there is no layer `{name}`, the model has {}", layers.join(", "))]
    UnknownLayer { name: String, layers: Vec<String> },
    /// A model to which an operation or images do not apply.
    #[error(transparent)]
    Incompatible(#[from] Incompatible),
    /// burn did not hand back the values of a tensor.
    #[error("cannot read the values of a tensor: {0}")]
    Values(String),
}

/// What a model cannot be used with.
#[derive(Debug, thiserror::Error)]
pub enum Incompatible {
    /// An operation that is defined for bilinear models only.
    #[error(
        "{operation} is defined for a bilinear layer; this model, `{network}`, consists of other steps"
    )]
    Operation {
        operation: &'static str,
        network: String,
    },
    /// Images of another shape than the model takes.
    #[error(
        "`{data}` does not fit `{model}`: its images are {} after their transforms, the model takes {} (channels x height x width)",
        sides(found),
        sides(expected)
    )]
    Shape {
        model: String,
        expected: InputShape,
        data: String,
        found: InputShape,
    },
    /// Images of other classes than the model tells apart, or in another order.
    #[error(
        "`{data}` does not fit `{model}`: its classes are {found}, those of the model are {expected}, and names and order must be the same"
    )]
    Classes {
        model: String,
        expected: String,
        data: String,
        found: String,
    },
}

fn sides(shape: &InputShape) -> String {
    let InputShape {
        channels,
        height,
        width,
    } = shape;
    format!("{channels} x {height} x {width}")
}
