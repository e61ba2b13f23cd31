//! Tables about networks drawn from the weight covariances of a model.

use crate::record::records;

records! {
    /// One network drawn from the weight covariances of a model.
    pub struct RainbowRow: "rainbow", 1 => {
        /// Number of the draw, counted from 1.
        draw: u32,
        /// Test images classified correctly.
        correct: u32,
        /// Test images.
        images: u32,
        /// `correct / images`.
        accuracy_fraction: f64,
    }
}

records! {
    /// All networks drawn from one model, beside it.
    pub struct RainbowSummaryRow: "rainbow-summary", 1 => {
        /// Networks drawn.
        draws: u32,
        /// Test accuracy of the model.
        trained_accuracy_fraction: f64,
        /// Mean test accuracy of the networks drawn.
        generated_accuracy_mean_fraction: f64,
        /// Its sample standard deviation (denominator n - 1); missing for one draw.
        generated_accuracy_std_fraction: Option<f64>,
        /// Smallest.
        generated_accuracy_min_fraction: f64,
        /// Largest.
        generated_accuracy_max_fraction: f64,
    }
}
