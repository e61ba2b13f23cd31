//! Tables about how alike the representations of networks are.

use crate::record::records;

records! {
    /// How alike two representations of the same images are.
    pub struct RepresentationSimilarityRow: "representation-similarity", 1 => {
        /// `cka`, `debiased-cka`, `rsa` (similarities, at most 1), `procrustes`, `shape` or `cca` (angles between 0 and pi/2).
        measure: String,
        /// Id of the task that made one network.
        row_model: String,
        /// Name of the layer that reads its representation.
        row_layer: String,
        /// Id of the task that made the other network.
        column_model: String,
        /// Name of the layer that reads its representation.
        column_layer: String,
        /// The similarity or distance; missing where a representation is the same for all images.
        value: Option<f64>,
    }
}

records! {
    /// The place of a representation on a map whose distances are about those of a measure.
    pub struct RepresentationMapRow: "representation-map", 1 => {
        /// The measure; the distance of similarities s is sqrt(2 - 2 s).
        measure: String,
        /// Id of the task that made the network.
        model: String,
        /// Name of the layer that reads the representation.
        layer: String,
        /// Place along the direction of largest variance.
        x: f64,
        /// Place along the second.
        y: f64,
        /// Part of the variance that the map shows; missing if all distances are 0.
        share_fraction: Option<f64>,
    }
}
