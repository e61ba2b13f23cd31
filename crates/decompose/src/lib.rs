//! Takes the weights of a model apart: eigenvalues to `spectrum`, eigenvectors to `eigenpairs`,
//! and what a model was taught to look for to `patterns`. What a layer makes of images goes to `embeddings`; surgery on its
//! weight puts an edited model together again.
//!
//! All linear algebra is in f64, from the stored f32 weights. Work is spread over classes, and each class
//! is done in one thread with the same instructions: the result is the same bytes for any number of
//! threads.

mod activations;
mod eigen;
mod embedding;
mod error;
mod ground_truth;
mod interaction;
mod isolation_forest;
mod matrices;
mod merge;
mod projector;
mod singular_values;
mod surgery;

pub use activations::{Activations, PIECE, pieces};
pub use eigen::{Eigensystem, eigensystem};
pub use error::DecomposeError;
pub use ground_truth::{Folding, GroundTruth, cosine, fold_bias, ground_truth};
pub use interaction::{ClassDecomposition, decompose, kept_positions, kinds};
pub use isolation_forest::{IsolationForest, IsolationTree};
pub use matrices::{BilinearMatrices, input_vectors, interaction_matrix};
pub use merge::{ClassCentroid, EmbeddingLayer, Merger, OutlierRule};
pub use projector::{orthonormal_basis, projector};
pub use singular_values::singular_values;
