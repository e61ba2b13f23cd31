//! Bilinear layers: their matrices.

mod matrices;

pub use matrices::{BilinearMatrices, input_vectors, interaction_matrix};
