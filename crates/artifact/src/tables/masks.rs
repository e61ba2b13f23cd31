//! Tables about adversarial masks: images made from the weights of a bilinear layer that, added to an input, change its class.

use crate::ImageRecord;
use crate::record::records;

records! {
    /// One adversarial mask with the eigenvector that it was made for.
    pub struct MaskRow: "masks", 1 => {
        /// Class (output index) that the mask is for.
        class: u32,
        /// Rank of the eigenvector within its class, counted from 1 = largest eigenvalue.
        rank: u32,
        /// Its eigenvalue.
        eigenvalue: f64,
        /// Standard deviation over the pixels (denominator n - 1) of the encoder in input space, which the mask was divided by.
        encoder_std: f64,
    }
}

impl ImageRecord for MaskRow {
    /// The eigenvector in input space; the mask, of standard deviation 1; the mask with its pixels in a random order.
    const IMAGES: &'static [&'static str] = &["eigenvector", "mask", "random_mask"];
}

records! {
    /// How a model does on images to which one mask is added.
    pub struct MaskScoreRow: "mask-scores", 1 => {
        /// `adversarial`, `random` (the pixels of the mask in a random order) or `none`.
        mask: String,
        /// Class (output index) that the mask is for.
        class: u32,
        /// Rank of its eigenvector within the class, counted from 1.
        rank: u32,
        /// Standard deviation over the pixels of what is added; 0 for `none`.
        strength: f64,
        /// Images classified correctly.
        correct: u32,
        /// Images of other classes predicted to be of this class.
        misclassified: u32,
        /// Images.
        images: u32,
        /// `correct / images`.
        accuracy_fraction: f64,
        /// `misclassified / images`.
        misclassified_fraction: f64,
    }
}

records! {
    /// Means over all masks of one sort and strength.
    pub struct MaskSummaryRow: "mask-summary", 1 => {
        /// `adversarial`, `random` or `none`.
        mask: String,
        /// Standard deviation over the pixels of what is added; 0 for `none`.
        strength: f64,
        /// Masks averaged.
        masks: u32,
        /// Mean accuracy.
        accuracy_mean_fraction: f64,
        /// 1.96 standard errors of it; missing for one mask.
        accuracy_half_width_fraction: Option<f64>,
        /// Mean part of the images that are of another class than that of the mask, but predicted to be of it.
        misclassified_mean_fraction: f64,
        /// 1.96 standard errors of it; missing for one mask.
        misclassified_half_width_fraction: Option<f64>,
    }
}
