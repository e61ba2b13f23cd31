//! Bilinear layers: interaction matrices, their eigenpairs, and the bias folded in.

mod eigenpairs;
mod ground_truth;
mod matrices;

pub use eigenpairs::{ClassDecomposition, decompose, kept_positions};
pub use ground_truth::{Folding, GroundTruth, cosine, fold_bias, ground_truth};
pub use matrices::{BilinearMatrices, input_vectors, interaction_matrix};
