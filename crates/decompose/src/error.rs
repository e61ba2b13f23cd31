//! Why a model cannot be taken apart.

use eigenscope_artifact::{ArtifactError, InputShape, SplitName};
use eigenscope_models::ModelError;

/// A decomposition that has no result.
#[derive(Debug, thiserror::Error)]
pub enum DecomposeError {
    /// The weights are not those of a model that this decomposition is defined for.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// An artifact that cannot be read.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
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
    #[error("training image {target} is not among the {images} of {path}{left_out}", path = path.display())]
    NoTarget {
        /// Position asked for, in the source file.
        target: u32,
        /// Training images there are.
        images: usize,
        /// The data set.
        path: std::path::PathBuf,
        /// What may have left it out, as a clause.
        left_out: String,
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
    /// A split without images.
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
    /// A layer that only one of two networks has.
    #[error(
        "layer `{layer}` is not in both networks: the reference has {}, the other has {}",
        reference.join(", "),
        other.join(", ")
    )]
    LayersDiffer {
        /// The layer.
        layer: String,
        /// Layers of the reference network.
        reference: Vec<String>,
        /// Layers of the other.
        other: Vec<String>,
    },
    /// Layers that two networks have in different orders.
    #[error("`{reference}` of the reference stands where the other network has `{other}`")]
    LayerOrder {
        /// Layer of the reference network.
        reference: String,
        /// Layer of the other at the same position.
        other: String,
    },
    /// An alignment of the data with itself.
    #[error(
        "layer `{layer}` reads the data itself, the same in both networks: its alignment is the identity"
    )]
    ReadsData {
        /// The layer.
        layer: String,
    },
    /// A network without a hidden layer.
    #[error("no layer reads activations: the network has one layer, and it reads the data")]
    OneLayer,
    /// Places that cannot be paired.
    #[error(
        "layer `{layer}` reads {reference:?} (height, width) in the reference and {other:?} in the other network; \
         an alignment pairs place with place"
    )]
    PlacesDiffer {
        /// The layer.
        layer: String,
        /// Height and width of what it reads in the reference network.
        reference: [usize; 2],
        /// The same in the other.
        other: [usize; 2],
    },
    /// Activations without variance.
    #[error("layer `{layer}` reads nothing but zeros in the {network} network; r^2 is not defined")]
    Silent {
        /// The layer.
        layer: String,
        /// Which of the two networks.
        network: &'static str,
    },
    /// Weights or activations so large that a result overflows.
    #[error("layer `{layer}`: a product is not finite; the weights are too large")]
    Overflow {
        /// The layer.
        layer: String,
    },
    /// Eigenvectors of different things.
    #[error(
        "the reference has eigenvectors of the covariance of {reference}, the other of {other}"
    )]
    BasesDiffer {
        /// Whose covariance in the reference.
        reference: &'static str,
        /// Whose covariance in the other.
        other: &'static str,
    },
    /// Bases that share no layer.
    #[error(
        "no layer is in both bases: the reference has {}, the other has {}",
        reference.join(", "),
        other.join(", ")
    )]
    NoCommonLayer {
        /// Layers of the reference.
        reference: Vec<String>,
        /// Layers of the other.
        other: Vec<String>,
    },
    /// A tensor that should be a matrix.
    #[error(
        "layer `{layer}`: a tensor of shape {shape:?}, expected a matrix of at least one entry"
    )]
    NoMatrix {
        /// The layer.
        layer: String,
        /// Shape found.
        shape: Vec<usize>,
    },
    /// Bases and an alignment that are not of the same two networks.
    #[error(
        "layer `{layer}`: the eigenvectors have {columns:?} values (reference, other), which the alignment \
         {alignment:?} of their channels does not fit"
    )]
    AlignmentDoesNotFit {
        /// The layer.
        layer: String,
        /// Values of an eigenvector of the reference and of the other.
        columns: [usize; 2],
        /// Channels of the reference and of the other.
        alignment: [usize; 2],
    },
    /// A gated layer, whose weight has no rows to be drawn one by one.
    #[error("a gate multiplies pairs of rows; rows drawn one by one are no pairs")]
    Gate,
    /// A bias, which the covariance of a weight says nothing about.
    #[error("layer `{layer}` has a bias, of which the covariance of its weight says nothing")]
    Bias {
        /// The layer.
        layer: String,
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
    NoneOfClass {
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
}
