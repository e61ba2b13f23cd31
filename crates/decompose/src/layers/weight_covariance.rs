//! The covariance of the weights of a layer:
//!
//! ```text
//! C = W^T W / n
//! ```
//!
//! for W `[n, p]`, n outputs and p inputs; a convolution is flattened to `[out, in * kh * kw]`, biases play no part. C is
//! never formed: its eigenvectors are the right singular vectors of W, and its eigenvalues s^2 / n, for the min(n, p)
//! singular values s of W; the other eigenvalues are 0 and left out. They have the squared unit of the weights.
//!
//! All in f64, layer by layer. Memory: W, its singular vectors and the solver's scratch, at most `52 n p` bytes for one
//! layer after the other (27 MB for 512 x 1024), and `4 p min(n, p)` bytes of eigenvectors for each done.
//!
//! Source: the published notebook.

use eigenscope_artifact::NamedTensor;
use eigenscope_models::Layer;

use super::eigenbasis::Eigenbasis;
use crate::error::DecomposeError;
use crate::linear_algebra::row_major;

/// Eigenvalues and eigenvectors of W^T W / n for the weight W of a layer, `[n, p]` or `[n, channels, kh, kw]`.
///
/// # Errors
/// Returns an error if the iteration does not converge.
///
/// # Panics
/// Panics if the weight has other sizes than the layer.
pub fn weight_covariance(
    layer: &Layer,
    weight: &NamedTensor,
) -> Result<Eigenbasis, DecomposeError> {
    let matrix = row_major(&weight.data, layer.outputs, layer.inputs());
    Eigenbasis::of_rows(&layer.name, matrix.as_ref())
}
