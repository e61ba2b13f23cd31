//! Tables about the eigenvectors of bilinear models.

use crate::record::records;

records! {
    /// One eigenvalue of one class's interaction matrix.
    pub struct SpectrumRow: "spectrum", 1 => {
        /// Class (output index).
        class: u32,
        /// Position in ascending order, 0 = most negative.
        index: u32,
        /// The eigenvalue.
        eigenvalue: f64,
    }
}

records! {
    /// Similarity of eigenvectors of one size with those of the reference size, at one rank.
    pub struct SimilarityRow: "similarity", 2 => {
        /// How eigenvectors are ranked and models paired: `corrected` (largest absolute eigenvalue first, distinct
        /// models) or `published` (most negative eigenvalue first, a model with itself included).
        variant: String,
        /// Hidden size of the reference models.
        reference_hidden: u32,
        /// Hidden size of the compared models.
        hidden: u32,
        /// Rank of the eigenvectors, 0 = first of the selection.
        rank: u32,
        /// Number of observations: pairs of models times classes.
        observations: u32,
        /// Mean absolute cosine.
        similarity_mean: f64,
        /// Sample standard deviation (denominator n - 1); missing for one observation.
        similarity_std: Option<f64>,
        /// Half the width of the 90% Student-t confidence interval of the mean; missing for one observation.
        half_width: Option<f64>,
    }
}

records! {
    /// Similarity of the rank-0 eigenvectors of two sizes.
    pub struct SimilarityMapRow: "similarity-map", 2 => {
        /// `corrected` or `published`, as in [`SimilarityRow`].
        variant: String,
        /// Hidden size of the first model of each pair.
        row_hidden: u32,
        /// Hidden size of the second.
        column_hidden: u32,
        /// Number of observations: pairs of models times classes.
        observations: u32,
        /// Mean absolute cosine; missing when no pair exists (one seed only).
        similarity_mean: Option<f64>,
    }
}

records! {
    /// Test accuracy of one model with only the strongest eigenpairs of every class.
    pub struct TruncationRow: "truncation", 1 => {
        /// Hidden size of the model.
        hidden: u32,
        /// Eigenpairs of largest absolute eigenvalue that were kept per class.
        kept: u32,
        /// Test images classified correctly.
        correct: u32,
        /// Test images.
        images: u32,
        /// `correct / images`.
        accuracy_fraction: f64,
        /// `1 - accuracy_fraction`.
        error_fraction: f64,
        /// Accuracy of the full model minus `accuracy_fraction`.
        accuracy_drop_fraction: f64,
    }
}

records! {
    /// Truncation averaged over the models of one size, with 90% Student-t half-widths over them.
    pub struct TruncationSummaryRow: "truncation-summary", 2 => {
        /// Hidden size.
        hidden: u32,
        /// Eigenpairs kept per class.
        kept: u32,
        /// Models averaged.
        models: u32,
        /// Mean accuracy.
        accuracy_mean_fraction: f64,
        /// Half-width of the interval of the mean accuracy (and of the mean error).
        accuracy_half_width_fraction: Option<f64>,
        /// Mean error.
        error_mean_fraction: f64,
        /// Mean accuracy drop against the full model.
        accuracy_drop_mean_fraction: f64,
        /// Half-width of the interval of the mean drop.
        accuracy_drop_half_width_fraction: Option<f64>,
    }
}
