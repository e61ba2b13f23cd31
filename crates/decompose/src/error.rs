//! Why a model cannot be taken apart.

use eigenscope_artifact::InputShape;
use eigenscope_models::ModelError;

/// A decomposition that has no result.
#[derive(Debug, thiserror::Error)]
pub enum DecomposeError {
    /// The weights are not those of a model that this decomposition is defined for.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A model with nothing in it.
    #[error(
        "a model of {inputs} inputs, {hidden} hidden units and {classes} classes has no eigenvectors"
    )]
    Empty {
        /// Inputs.
        inputs: usize,
        /// Hidden units.
        hidden: usize,
        /// Classes.
        classes: usize,
    },
    /// The eigenvalue iteration did not converge.
    #[error(
        "class {class}: the eigenvalues of the {size} x {size} interaction matrix did not converge"
    )]
    NoConvergence {
        /// Class (output index).
        class: usize,
        /// Rows of the matrix.
        size: usize,
    },
    /// Weights so large that a result overflows.
    #[error("class {class}: {quantity} is not finite; the weights are too large")]
    NotFinite {
        /// Class (output index).
        class: usize,
        /// What overflowed.
        quantity: &'static str,
    },
    /// A bilinear layer without the bias that is to be folded in.
    #[error("the model has no bias to fold in; train it with `bias = true`")]
    NoBias,
    /// A class that the model does not have.
    #[error("there is no class {class}, the model has {classes}")]
    NoClass {
        /// Class asked for.
        class: usize,
        /// Classes of the model.
        classes: usize,
    },
    /// A target image that is not among the training images.
    #[error("training image {target} is not in {path}, which holds {images} training images", path = path.display())]
    NoTarget {
        /// Position asked for, in the source file.
        target: u32,
        /// Training images there are.
        images: usize,
        /// The data set.
        path: std::path::PathBuf,
    },
    /// A model and a data set that do not belong together.
    #[error(
        "the model takes inputs of {model:?} (channels, height, width), the images are {images:?}"
    )]
    WrongShape {
        /// Shape of the model's inputs.
        model: [usize; 3],
        /// Shape of the images after their transforms.
        images: [usize; 3],
    },
    /// No direction of the input raises the class's score.
    #[error(
        "class {class}: no eigenvalue of the folded interaction matrix is positive, the largest is {largest}"
    )]
    NoPositiveEigenvalue {
        /// Class (output index).
        class: usize,
        /// Largest eigenvalue.
        largest: f64,
    },
    /// Embeddings that another model made.
    #[error("{embeddings} was made by {made_by}, not by {model}; embed images with that model")]
    OtherModel {
        /// Task that made the embeddings.
        embeddings: String,
        /// Task that made the model to work on.
        model: String,
        /// Task that made the model of the embeddings.
        made_by: String,
    },
    /// Embeddings that the layer they name cannot have made.
    #[error(
        "{path} holds embeddings of {found:?} (values, classes), layer `{layer}` of the model makes {expected:?}",
        path = path.display()
    )]
    ForeignEmbeddings {
        /// The embeddings.
        path: std::path::PathBuf,
        /// Their values and classes.
        found: [usize; 2],
        /// Name of the layer.
        layer: String,
        /// Values and classes of the model.
        expected: [usize; 2],
    },
    /// Surgery on a convolution.
    #[error(
        "`{layer}` is a convolution: its embeddings have places ({height} x {width}), and its weight \
         cannot turn the values of one place into those of another; embed images with a layer without places",
        height = output.height,
        width = output.width
    )]
    Places {
        /// Name of the layer.
        layer: String,
        /// Shape of its output.
        output: InputShape,
    },
    /// Anything but two classes to merge.
    #[error("{found:?} cannot be merged; a pair is two classes")]
    NoPair {
        /// Classes (output indices) asked for.
        found: Vec<usize>,
    },
    /// A pair of one class.
    #[error("class {class} cannot be merged with itself; a pair is two classes")]
    SameClass {
        /// Class (output index).
        class: usize,
    },
    /// A class of which there is nothing to see.
    #[error("there is no image of class {class} among the embeddings")]
    NoImages {
        /// Class (output index).
        class: usize,
    },
    /// A class of outliers.
    #[error(
        "class {class}: the isolation forest scores all {images} embeddings above the threshold {threshold}; raise it"
    )]
    NoInliers {
        /// Class (output index).
        class: usize,
        /// Its images.
        images: usize,
        /// Largest score of an inlier.
        threshold: f64,
    },
    /// A mean without a direction.
    #[error("class {class}: the mean embedding is zero, so it has no direction")]
    NoCentroid {
        /// Class (output index).
        class: usize,
    },
    /// A pair that nothing tells apart.
    #[error("classes {first} and {second} have the same centroid; there is nothing to merge")]
    SameCentroid {
        /// First class (output index).
        first: usize,
        /// Second class (output index).
        second: usize,
    },
    /// The singular value iteration did not converge.
    #[error("layer `{layer}`: the singular values of the weight did not converge")]
    NoSingularValues {
        /// Name of the layer.
        layer: String,
    },
}
