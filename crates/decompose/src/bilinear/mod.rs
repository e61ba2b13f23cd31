//! Bilinear layers: interaction matrices and their eigenpairs, the bias folded in, adversarial masks, the interaction tensor of all
//! classes, and what it says about one image.

mod eigenpairs;
mod explanation;
mod ground_truth;
mod hosvd;
mod masks;
mod matrices;
mod shared_basis;

pub(crate) use eigenpairs::input_eigenpairs;
pub use eigenpairs::{ClassDecomposition, decompose, kept_positions};
pub use explanation::{Contribution, contributions};
pub use ground_truth::{Folding, GroundTruth, cosine, fold_bias, ground_truth};
pub use hosvd::{Component, hosvd};
pub use masks::{MaskVectors, mask_vectors, standard_deviation};
pub use matrices::{BilinearMatrices, input_vectors, interaction_matrix};
pub use shared_basis::{Completeness, Forms, SharedBasis};
