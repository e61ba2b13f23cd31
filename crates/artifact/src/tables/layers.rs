//! Tables about the activations and weights of layers.

use crate::record::records;

records! {
    /// One eigenvalue of a covariance in the space of a layer's inputs.
    pub struct LayerSpectrumRow: "layer-spectrum", 1 => {
        /// `activations`, `weights`, `initial weights` (a fresh draw; of a model from a file `fresh draw of PyTorch's default initialisation`) or `Marchenko-Pastur` (the law of its limit).
        series: String,
        /// Name of the layer.
        layer: String,
        /// Position in descending order, counted from 1.
        rank: u32,
        /// The eigenvalue.
        eigenvalue: f64,
    }
}

records! {
    /// How many eigenvalues of a layer's weight covariance are larger than those of an untrained layer can be.
    pub struct SpikesRow: "spikes", 1 => {
        /// Name of the layer.
        layer: String,
        /// Values that the layer reads.
        inputs: u32,
        /// Values that it gives.
        outputs: u32,
        /// Upper edge of the Marchenko-Pastur law for the variance of the layer's initialisation.
        upper_edge: f64,
        /// Eigenvalues above it: the learned components.
        spikes: u32,
        /// The same of a fresh draw of the initialisation: 0, or a few in small layers, which exceed the law's limit.
        initial_spikes: u32,
    }
}

records! {
    /// How well the activations that a layer reads in one network follow from those in another.
    pub struct RSquaredRow: "r-squared", 1 => {
        /// Name of the layer that reads the activations.
        layer: String,
        /// `train` (which the alignment was computed from) or `test`.
        split: String,
        /// Samples: images, times places for convolutions.
        samples: u64,
        /// tr(A^T C12) / sqrt(tr C11 tr C22), at most 1. On `train` this is the sum of the singular values of C12
        /// over the same root.
        r_squared: f64,
    }
}

records! {
    /// |v1_i A v2_j| of an eigenvector of each of two networks.
    pub struct OverlapRow: "overlap", 2 => {
        /// `activations` or `weights`: whose covariance the eigenvectors are those of.
        of: String,
        /// Name of the layer.
        layer: String,
        /// Rank of the eigenvector of the reference network, counted from 1.
        reference_rank: u32,
        /// Rank of the eigenvector of the other network, counted from 1.
        other_rank: u32,
        /// Absolute value of their product after alignment, 0 to 1.
        overlap: f64,
        /// Whether one of the two belongs to an eigenvalue below 1e-7 of the largest of its layer: its direction is
        /// arbitrary, and so is the overlap.
        null_space: bool,
    }
}

records! {
    /// Accuracy of a model with the weight of one layer clipped to the first eigenvectors of a basis.
    pub struct ClippingRow: "clipping", 1 => {
        /// `activations` or `weights`: whose covariance the eigenvectors are those of.
        of: String,
        /// Name of the layer.
        layer: String,
        /// Eigenvectors kept, counted from 1.
        kept: u32,
        /// Images classified correctly.
        correct: u32,
        /// Images.
        images: u32,
        /// `correct / images`.
        accuracy_fraction: f64,
    }
}

records! {
    /// How many dimensions of a layer's inputs a model needs.
    pub struct LearnedDimensionsRow: "learned-dimensions", 2 => {
        /// `activations` or `weights`: whose covariance the eigenvectors are those of.
        of: String,
        /// Name of the layer.
        layer: String,
        /// Values of an eigenvector: those that the layer reads, or the channels that a convolution reads at one place.
        inputs: u32,
        /// Accuracy of the whole model.
        accuracy_fraction: f64,
        /// Accuracy that may be lost.
        within_fraction: f64,
        /// Smallest rank from which on every rank loses no more; missing if the last one does.
        dimensions: Option<u32>,
        /// Smallest rank that loses no more, though larger ones may; missing if every rank loses more.
        first_dimensions: Option<u32>,
        /// Of weights, the number of eigenvalues above the upper edge of the Marchenko-Pastur law.
        spikes: Option<u32>,
        /// Accuracy with as many eigenvectors as there are spikes; missing without a spike.
        spikes_accuracy_fraction: Option<f64>,
    }
}

records! {
    /// What the spectrum of a layer's weight says about it, without any image.
    pub struct WeightQualityRow: "weight-quality", 1 => {
        /// Name of the layer.
        layer: String,
        /// Values that the layer reads: columns of its weight W, a convolution flattened to `[out, in * kh * kw]`.
        inputs: u32,
        /// Values that it gives: rows of W.
        outputs: u32,
        /// Largest singular value of W.
        spectral_norm: f64,
        /// Root of the sum of the squared weights.
        frobenius_norm: f64,
        /// Decimal logarithm of `frobenius_norm`; missing if all weights are 0.
        log_frobenius_norm: Option<f64>,
        /// (`frobenius_norm / spectral_norm`)^2, 1 to the rank of W; missing if all weights are 0.
        stable_rank: Option<f64>,
        /// Exponent of the density x^-alpha of the largest eigenvalues of W^T W; missing if fewer than two differ.
        alpha: Option<f64>,
        /// Standard error of `alpha`.
        alpha_error: Option<f64>,
        /// Smallest eigenvalue that the power law was fitted to.
        tail_minimum: Option<f64>,
        /// Number of eigenvalues that it was fitted to.
        tail_eigenvalues: Option<u32>,
        /// Kolmogorov-Smirnov distance of these eigenvalues from the power law.
        tail_distance: Option<f64>,
        /// `alpha` times the decimal logarithm of the largest eigenvalue.
        weighted_alpha: Option<f64>,
        /// Largest eigenvalue that random weights would have with the median that W has (Marchenko-Pastur); missing if the median
        /// is 0 or rounding, at most 1e-7 of the largest eigenvalue.
        bulk_edge: Option<f64>,
        /// `bulk_edge` over the largest eigenvalue: above 1 if no eigenvalue exceeds it.
        soft_rank: Option<f64>,
        /// Eigenvalues above `bulk_edge`.
        spikes: Option<u32>,
        /// Frobenius norm of the difference from the weights that training started from; missing where these are unknown.
        initial_distance: Option<f64>,
        /// The same over the Frobenius norm of those weights.
        initial_relative_distance: Option<f64>,
    }
}
