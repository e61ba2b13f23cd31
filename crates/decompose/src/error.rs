//! Why a model cannot be taken apart.

use eigenscope_artifact::SplitName;
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
    /// A layer without inputs or without outputs.
    #[error("layer `{layer}` has no weights: {inputs} inputs and {outputs} outputs")]
    EmptyLayer {
        /// Its name.
        layer: String,
        /// Values that it reads.
        inputs: usize,
        /// Values that it writes.
        outputs: usize,
    },
    /// An average over nothing.
    #[error("there are no {} images in {path}", split.name(), path = path.display())]
    NoImages {
        /// The split asked for.
        split: SplitName,
        /// The data set.
        path: std::path::PathBuf,
    },
    /// Activations so large that their covariance overflows.
    #[error(
        "layer `{layer}`: the covariance of what it reads is not finite; the weights before it are too large"
    )]
    LayerNotFinite {
        /// Its name.
        layer: String,
    },
    /// The iteration for the eigenvalues or singular values of a layer's matrix did not converge.
    #[error("layer `{layer}`: the spectrum of a matrix of {rows} x {columns} did not converge")]
    LayerNoConvergence {
        /// Its name.
        layer: String,
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        columns: usize,
    },
    /// No Marchenko-Pastur law.
    #[error(
        "the Marchenko-Pastur law needs a positive variance and a positive ratio, found {variance} and {ratio}"
    )]
    NoLaw {
        /// Variance of the entries.
        variance: f64,
        /// Columns over rows.
        ratio: f64,
    },
}
