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
    /// The two values that a residual block adds have different shapes.
    #[error(
        "the branch of a residual block makes {}, its shortcut {} (channels x height x width); they are added and must be the same, \
         which a shortcut with steps of its own can do",
        sides(branch),
        sides(shortcut)
    )]
    ResidualShape {
        branch: InputShape,
        shortcut: InputShape,
    },
    /// Groups of channels that are not of one size.
    #[error(
        "{layer} has {groups} groups, which must divide its {inputs} input channels and its {outputs} output channels; only \
         convolutions have more than one"
    )]
    Groups {
        layer: String,
        groups: usize,
        inputs: usize,
        outputs: usize,
    },
    /// A setting of a step that has no meaning.
    #[error("{0}")]
    Setting(String),
    /// Two steps with tensors that have one name.
    #[error("two steps have the name `{name}`, which would be that of two tensors")]
    SameName { name: String },
    /// More of something than there is room for.
    #[error("{what} than the limit of {limit}")]
    TooLarge { what: String, limit: usize },
    /// A batch in training without a variance.
    #[error(
        "{norm} needs more than one value of every channel in training, and this batch has one; leave out batches of one image"
    )]
    NoVariance { norm: String },
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
    /// An operation that is defined for one bilinear layer, not for several one after another.
    #[error(
        "{operation} is defined for one bilinear layer; this model, `{network}`, has {blocks} one after another, whose logits are \
         polynomials of higher degree in the inputs"
    )]
    Blocks {
        operation: &'static str,
        network: String,
        blocks: usize,
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
