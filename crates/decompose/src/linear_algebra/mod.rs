//! Decompositions of matrices in f64, each in one thread, so that results do not depend on the number of threads.

mod eigen;
mod matrix;
mod projector;
mod svd;

pub use eigen::{Eigensystem, eigensystem};
pub(crate) use matrix::{fix_signs, product, row_major};
pub use projector::{orthonormal_basis, projector};
pub use svd::{SingularSystem, singular_system};
pub(crate) use svd::{no_convergence, singular_system_of_layer};
