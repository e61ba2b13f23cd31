//! Why stored tensors do not make a model.

use eigenscope_artifact::{ArtifactError, InputShape};

/// A model that cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The artifact itself cannot be read.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// A tensor that the architecture needs is not there.
    #[error("tensor `{name}` is missing")]
    Missing {
        /// Its name.
        name: String,
    },
    /// A tensor of another shape than the architecture needs.
    #[error("tensor `{name}` has shape {found:?}, expected {expected:?}")]
    Shape {
        /// Its name.
        name: String,
        /// Shape the architecture needs.
        expected: Vec<usize>,
        /// Shape found.
        found: Vec<usize>,
    },
    /// A tensor with a value that is not finite.
    #[error("tensor `{name}` holds {value} at position {position}")]
    NotFinite {
        /// Its name.
        name: String,
        /// Row-major position.
        position: usize,
        /// The value.
        value: f32,
    },
    /// A convolution or image without room for it.
    #[error(
        "{layer} needs an image of at least {kernel} x {kernel} pixels, its input has {height} x {width}"
    )]
    TooSmall {
        /// Name of the convolution, or what else it is.
        layer: String,
        /// Side of its windows.
        kernel: usize,
        /// Height of its input.
        height: usize,
        /// Width of its input.
        width: usize,
    },
    /// Windows without pixels, or that are all in one place.
    #[error("the windows of {layer} have no pixels or no distance")]
    EmptyWindow {
        /// Name of the convolution.
        layer: String,
    },
    /// A step that cannot read what it is given.
    #[error(
        "{step} needs inputs of shape {}, it is given {}",
        sides(expected),
        sides(found)
    )]
    Misfit {
        /// Name of the layer, or what else it is.
        step: String,
        /// Shape that it reads.
        expected: InputShape,
        /// Shape of what the step before it makes.
        found: InputShape,
    },
    /// Steps that are not those of the network that they are called.
    #[error("its steps are not those of a network `{network}`")]
    OtherSteps {
        /// Kind of network.
        network: &'static str,
    },
    /// A layer that the model does not have.
    #[error("there is no layer `{name}`, the model has {}", layers.join(", "))]
    NoLayer {
        /// Name asked for.
        name: String,
        /// Layers of the model.
        layers: Vec<String>,
    },
    /// Asked of a model that it does not apply to.
    #[error("{operation} is defined for `{expected}` models, this one is `{found}`")]
    WrongNetwork {
        /// What was asked.
        operation: &'static str,
        /// Kind of network it needs.
        expected: &'static str,
        /// Kind of this model.
        found: &'static str,
    },
    /// Images of another shape than a model takes.
    #[error(
        "`{data}` does not fit `{model}`: its images are {} after their transforms, the model takes {} (channels x height x width)",
        sides(found),
        sides(expected)
    )]
    OtherShape {
        /// Task of the model.
        model: String,
        /// Shape that it takes.
        expected: InputShape,
        /// Task of the images.
        data: String,
        /// Their shape.
        found: InputShape,
    },
    /// Images of other classes than a model tells apart, or in another order.
    #[error(
        "`{data}` does not fit `{model}`: its classes are {found}, those of the model are {expected}, and names and order must be the same"
    )]
    OtherClasses {
        /// Task of the model.
        model: String,
        /// Its classes.
        expected: String,
        /// Task of the images.
        data: String,
        /// Their classes.
        found: String,
    },
    /// burn could not hand back a tensor's values.
    #[error("cannot read the values of a tensor: {0}")]
    Values(String),
}

fn sides(shape: &InputShape) -> String {
    let InputShape {
        channels,
        height,
        width,
    } = shape;
    format!("{channels} x {height} x {width}")
}
