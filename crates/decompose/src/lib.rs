//! Takes a model apart: eigenvalues to `spectrum`, eigenvectors to `eigenpairs`, what it was taught to look for to
//! `patterns`; of every layer, eigenvalues to `layer-spectrum` and eigenvectors to `bases`; how two networks agree to
//! `alignments`, `r-squared` and `overlap`; and networks drawn from its weights to `rainbow`.
//! What a layer makes of images goes to `embeddings`; surgery on its weight puts an edited model together again.
//!
//! All linear algebra is in f64, from f32 weights and activations. Work is spread over classes, and each class
//! or layer is done in one thread with the same instructions: the result is the same bytes for any number of
//! threads.

mod activation_covariance;
mod alignment;
mod bilinear;
mod eigenbasis;
mod embedding;
mod embeddings;
mod error;
mod ground_truth;
mod image_batches;
mod interaction;
mod layers;
mod linear_algebra;
mod networks;
mod overlap;
mod rainbow;
mod surgery;
mod weight_covariance;

use eigenscope_stage::TaskKind;

pub use activation_covariance::ActivationCovariance;
pub use alignment::{LayerAlignment, align};
pub use bilinear::{BilinearMatrices, input_vectors, interaction_matrix};
pub use eigenbasis::Eigenbasis;
pub use embeddings::{
    ClassCentroid, EmbeddingLayer, IsolationForest, IsolationTree, MergedClasses, OutlierRule,
};
pub use error::DecomposeError;
pub use ground_truth::{Folding, GroundTruth, cosine, fold_bias, ground_truth};
pub use interaction::{ClassDecomposition, decompose, kept_positions};
pub use layers::{Activations, MarchenkoPastur};
pub use linear_algebra::{
    Eigensystem, SingularSystem, eigensystem, orthonormal_basis, projector, singular_system,
};
pub use networks::{
    CovarianceFactors, CrossMoments, LinearSamples, RainbowSampler, align_columns, cross_moments,
};
pub use overlap::overlaps;
pub use weight_covariance::weight_covariance;

/// The task kinds of this program.
pub fn kinds() -> Vec<TaskKind> {
    vec![
        interaction::kind(),
        ground_truth::kind(),
        activation_covariance::kind(),
        weight_covariance::kind(),
        alignment::kind(),
        overlap::kind(),
        rainbow::kind(),
        embedding::kind(),
        surgery::kind(),
    ]
}
