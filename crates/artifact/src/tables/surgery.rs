//! Tables about classes merged by weight surgery.

use crate::record::records;

records! {
    /// One pair of classes merged by weight surgery. Cosines are those of the centroids (normalised means).
    pub struct SurgeryRow: "surgery", 1 => {
        /// Number of the operation, counted from 1; each works on the result of the one before.
        operation: u32,
        /// Name of the first class.
        first_class: String,
        /// Name of the second class.
        second_class: String,
        /// Images of the first class.
        first_images: u32,
        /// Those of them that are no outliers.
        first_inliers: u32,
        /// Images of the second class.
        second_images: u32,
        /// Those of them that are no outliers.
        second_inliers: u32,
        /// Cosine of the centroids of the inliers, before.
        cosine_inliers: f64,
        /// Cosine of the centroids of all images, before.
        cosine_before: f64,
        /// Cosine of the centroids of all images, after.
        cosine_after: f64,
    }
}

records! {
    /// One component of a centroid, the normalised mean of the inliers of one class before surgery.
    pub struct CentroidRow: "centroids", 1 => {
        /// Number of the operation, counted from 1.
        operation: u32,
        /// Name of the class.
        class: String,
        /// Component, counted from 1.
        component: u32,
        /// Its value.
        value: f64,
    }
}

records! {
    /// One singular value of the weight of the edited layer.
    pub struct SingularValueRow: "singular-values", 1 => {
        /// `before` or `after` surgery.
        state: String,
        /// Position in descending order, counted from 1.
        rank: u32,
        /// The singular value.
        singular_value: f64,
    }
}

records! {
    /// What merging two classes, and no others, does. Cosines are those of the centroids (normalised means) of all images.
    pub struct MergeRow: "merges", 1 => {
        /// Name of the first class.
        first_class: String,
        /// Name of the second class.
        second_class: String,
        /// Cosine of their centroids, before.
        cosine_before: f64,
        /// Cosine of their centroids, after.
        cosine_after: f64,
        /// Images of the two classes.
        pair_images: u32,
        /// Those of them that are classified correctly before.
        pair_correct_before: u32,
        /// Those of them that are classified correctly after.
        pair_correct_after: u32,
        /// Correct over all images of the two classes, before.
        pair_accuracy_before_fraction: f64,
        /// Correct over all images of the two classes, after.
        pair_accuracy_after_fraction: f64,
        /// Images of the other classes.
        rest_images: u32,
        /// Those of them that are classified correctly before.
        rest_correct_before: u32,
        /// Those of them that are classified correctly after.
        rest_correct_after: u32,
        /// Correct over all images of the other classes, before; none if there are no such images.
        rest_accuracy_before_fraction: Option<f64>,
        /// Correct over all images of the other classes, after; none if there are no such images.
        rest_accuracy_after_fraction: Option<f64>,
    }
}
