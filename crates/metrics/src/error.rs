//! Why a metric has no value.

use eigenscope_artifact::ArtifactError;
use eigenscope_models::ModelError;
use faer::linalg::evd::EvdError;
use polars::error::PolarsError;

/// A metric that cannot be computed.
#[derive(Debug, thiserror::Error)]
pub enum MetricError {
    /// An input cannot be read.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The model cannot be built or run.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Grouping or averaging failed.
    #[error("cannot aggregate the observations")]
    Aggregate(#[from] PolarsError),
    /// A label that is not a whole number in range.
    #[error("{task}: label `{label}` is {found}, expected a whole number up to {maximum}")]
    Label {
        /// The input's task.
        task: String,
        /// The label.
        label: &'static str,
        /// Its value.
        found: String,
        /// Largest number that fits.
        maximum: u64,
    },
    /// Inputs that cannot be combined, since they speak of different things.
    #[error(
        "{first} and {second} do not fit together: {quantity} {found_first} and {found_second}"
    )]
    Mismatch {
        /// One input.
        first: String,
        /// The other.
        second: String,
        /// What differs.
        quantity: &'static str,
        /// Its value in the first.
        found_first: String,
        /// Its value in the second.
        found_second: String,
    },
    /// Truncating a layer whose eigenpairs do not add up to its logits.
    #[error(
        "{model}: a bilinear layer with a bias is not the sum of its eigenpairs, so truncating it is not defined"
    )]
    Biased {
        /// Task of the model.
        model: String,
    },
    /// An eigenvector without direction has no cosine.
    #[error(
        "{task}, class {class}, rank {rank}: the eigenvector in input space is zero, it has no cosine"
    )]
    ZeroVector {
        /// Task of the eigenpairs.
        task: String,
        /// Class (output index).
        class: usize,
        /// Rank in the selection.
        rank: usize,
    },
    /// Models that would be averaged although more may differ than the label averaged over.
    #[error(
        "{first} and {second} cannot be averaged: they are not two values of `{over}` in one sweep. Sweep over `{over}` \
         in one table of the pipeline file, or summarise them apart"
    )]
    NotApart {
        /// One task.
        first: String,
        /// The other.
        second: String,
        /// The label averaged over.
        over: String,
    },
    /// A label to average over that no input has.
    #[error("no input has a label `{over}` to average over; labels: {known}")]
    UnknownOver {
        /// The label.
        over: String,
        /// Labels that can be averaged over.
        known: String,
    },
    /// No model of the reference size.
    #[error(
        "no model has the reference size {reference}; hidden sizes given: {found}. Set `reference` to one of them"
    )]
    NoReference {
        /// Size looked for.
        reference: u32,
        /// Sizes there are.
        found: String,
    },
    /// No image to measure on.
    #[error("{task} has no {split} images")]
    NoImages {
        /// Task of the images.
        task: String,
        /// The split asked for.
        split: &'static str,
    },
    /// A layer that computes nothing.
    #[error("{model}: layer `{layer}` has {inputs} inputs and {outputs} outputs")]
    EmptyLayer {
        /// Task of the model.
        model: String,
        /// The layer.
        layer: String,
        /// Values that it reads.
        inputs: usize,
        /// Values that it gives.
        outputs: usize,
    },
    /// A layer whose inputs have no basis.
    #[error("{bases} has no basis of layer `{layer}`, only of {layers}")]
    NoBasis {
        /// Task of the bases.
        bases: String,
        /// Layer asked for.
        layer: String,
        /// Layers there are.
        layers: String,
    },
    /// A basis of another space than that of a layer's inputs.
    #[error(
        "{bases}: the basis of layer `{layer}` has shape {found:?}, but the layer reads {inputs} values in {model}: expected 1 to {inputs} vectors of {inputs} values"
    )]
    BasisShape {
        /// Task of the bases.
        bases: String,
        /// The layer.
        layer: String,
        /// Shape found.
        found: Vec<usize>,
        /// Task of the model.
        model: String,
        /// Values that the layer reads.
        inputs: usize,
    },
    /// A vector of a basis that is not a direction.
    #[error("{bases}: eigenvector {rank} of layer `{layer}` has length {length}, expected 1")]
    NotUnit {
        /// Task of the bases.
        bases: String,
        /// The layer.
        layer: String,
        /// Rank of the vector, counted from 1.
        rank: usize,
        /// Its length.
        length: f64,
    },
    /// A model that was never trained.
    #[error("{task}: the history has no epoch")]
    NoEpoch {
        /// Task of the history.
        task: String,
    },
    /// A position past the last image.
    #[error("{task} has no image at position {position}: there are {images}, counted from 0")]
    NoImage {
        /// Task of the images.
        task: String,
        /// Position asked for.
        position: usize,
        /// Images there are.
        images: usize,
    },
    /// More neighbours than there are other images.
    #[error("{count} neighbours wanted, but {task} has {images} images in all")]
    TooFewOthers {
        /// Task of the images.
        task: String,
        /// Neighbours asked for.
        count: usize,
        /// Images there are.
        images: usize,
    },
    /// Fewer images than a neighbourhood.
    #[error(
        "{images} images of {task} are too few for perplexity {perplexity}: it must be below the number of others"
    )]
    TooFewImages {
        /// Task of the images.
        task: String,
        /// Images to lay out.
        images: usize,
        /// Perplexity asked for.
        perplexity: f64,
    },
    /// A history that does not name the images of the training.
    #[error("{history} does not say which images it was trained on")]
    NoTrainingData {
        /// Task of the history.
        history: String,
    },
    /// A history of other images.
    #[error("{history} was trained on the images of `{made_from}`, which are not among `data`")]
    OtherData {
        /// Task of the history.
        history: String,
        /// Task of the images that it was trained on.
        made_from: String,
    },
    /// A measurement that no power law goes through.
    #[error("{y} at {x} has no logarithm, so no power law can be fitted")]
    NoLogarithm {
        /// Where it was measured.
        x: f64,
        /// The measurement.
        y: f64,
    },
    /// A line through one point.
    #[error("a power law needs measurements at two sizes or more, {points} at one size are given")]
    OneSize {
        /// Measurements.
        points: usize,
    },
    /// Embeddings that are all the same.
    #[error("all {images} embeddings of {task} are equal: there is nothing to lay out")]
    AllEqual {
        /// Task of the embeddings.
        task: String,
        /// Images to lay out.
        images: usize,
    },
    /// Vectors that do not span a plane.
    #[error(
        "{points} vectors of {width} values have no two principal components: expected different vectors of 2 values or more"
    )]
    NoPlane {
        /// Number of vectors.
        points: usize,
        /// Values of each.
        width: usize,
    },
    /// An eigendecomposition that does not converge.
    #[error("the principal components cannot be computed: {0:?}")]
    Eigen(EvdError),
    /// A quantile outside the distribution's domain.
    #[error(
        "Student's t has no quantile {probability} for {degrees_of_freedom} degrees of freedom"
    )]
    Quantile {
        /// Probability asked for.
        probability: f64,
        /// Degrees of freedom asked for.
        degrees_of_freedom: f64,
    },
}

impl From<EvdError> for MetricError {
    fn from(error: EvdError) -> Self {
        Self::Eigen(error)
    }
}
