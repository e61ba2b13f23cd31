//! Takes a model apart: eigenvalues to `spectrum`, eigenvectors to `eigenpairs`, what it was taught to look for to
//! `patterns`; of every layer, eigenvalues to `layer-spectrum` and eigenvectors to `bases`; how two networks agree to
//! `alignments`, `r-squared` and `overlap`; and networks drawn from its weights to `rainbow`.
//! What a layer makes of images goes to `embeddings`; surgery on its weight puts an edited model together again.
//!
//! All linear algebra is in f64, from f32 weights and activations. Work is spread over classes, and each class
//! or layer is done in one thread with the same instructions: the result is the same bytes for any number of
//! threads.

mod activation_covariance;
mod activations;
mod alignment;
mod channels;
mod covariance_factors;
mod cross_moments;
mod eigen;
mod eigenbasis;
mod embedding;
mod error;
mod ground_truth;
mod interaction;
mod isolation_forest;
mod marchenko_pastur;
mod matrices;
mod merge;
mod overlap;
mod pass;
mod projector;
mod rainbow;
mod rainbow_sampler;
mod shown_images;
mod surgery;
mod svd;
mod weight_covariance;

use eigenscope_stage::TaskKind;

pub use activation_covariance::ActivationCovariance;
pub use activations::Activations;
pub use alignment::{LayerAlignment, align};
pub use channels::align_columns;
pub use covariance_factors::CovarianceFactors;
pub use cross_moments::{CrossMoments, LinearSamples, cross_moments};
pub use eigen::{Eigensystem, eigensystem};
pub use eigenbasis::Eigenbasis;
pub use error::DecomposeError;
pub use ground_truth::{Folding, GroundTruth, cosine, fold_bias, ground_truth};
pub use interaction::{ClassDecomposition, decompose, kept_positions};
pub use isolation_forest::{IsolationForest, IsolationTree};
pub use marchenko_pastur::MarchenkoPastur;
pub use matrices::{BilinearMatrices, input_vectors, interaction_matrix};
pub use merge::{ClassCentroid, EmbeddingLayer, Merger, OutlierRule};
pub use overlap::overlaps;
pub use projector::{orthonormal_basis, projector};
pub use rainbow_sampler::RainbowSampler;
pub use svd::{SingularSystem, singular_system};
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
