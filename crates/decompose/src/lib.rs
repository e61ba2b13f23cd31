//! Takes the weights of a model apart: eigenvalues to `spectrum`, eigenvectors to `eigenpairs`,
//! and what a model was taught to look for to `patterns`.
//!
//! All linear algebra is in f64, from the stored f32 weights. Work is spread over classes, and each class
//! is done in one thread with the same instructions: the result is the same bytes for any number of
//! threads.

mod activations;
mod alignment;
mod channels;
mod covariance_factors;
mod cross_moments;
mod eigen;
mod error;
mod ground_truth;
mod interaction;
mod matrices;
mod overlap;
mod pass;
mod rainbow;
mod rainbow_sampler;
mod svd;

pub use activations::{Activations, PIECE, pieces};
pub use alignment::{LayerAlignment, align};
pub use channels::align_columns;
pub use covariance_factors::CovarianceFactors;
pub use cross_moments::{CrossMoments, LinearSamples, cross_moments};
pub use eigen::{Eigensystem, eigensystem};
pub use error::DecomposeError;
pub use ground_truth::{Folding, GroundTruth, cosine, fold_bias, ground_truth};
pub use interaction::{ClassDecomposition, decompose, kept_positions, kinds};
pub use matrices::{BilinearMatrices, input_vectors, interaction_matrix};
pub use overlap::overlaps;
pub use rainbow_sampler::RainbowSampler;
pub use svd::{SingularSystem, singular_system};
