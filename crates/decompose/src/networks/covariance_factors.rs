//! Weights drawn at random with the covariance of given ones.

use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatMut, MatRef, Par};

use crate::error::DecomposeError;
use crate::linear_algebra::{row_major, singular_system_of_layer};

/// The covariance of the rows of a weight, factored: `W^T W / n = V diag(s^2) V^T / n` of W = U diag(s) V^T `[n, p]`.
#[derive(Debug, Clone)]
pub struct CovarianceFactors {
    rows: usize,
    /// diag(s) V^T / sqrt(n), `[r, p]` with r = min(n, p).
    root: Mat<f64>,
}

impl CovarianceFactors {
    /// Factors the weight of the layer `layer`, `[n, p]` row-major. f64; memory: W, V and about three matrices of the
    /// size of W.
    ///
    /// # Errors
    /// Returns an error if the singular values do not converge.
    pub fn new(layer: &str, weight: &[f32], rows: usize) -> Result<Self, DecomposeError> {
        let columns = weight.len() / rows;
        let system = singular_system_of_layer(layer, row_major(weight, rows, columns).as_ref())?;
        let scale = (rows as f64).sqrt();
        let root = Mat::from_fn(system.values.len(), columns, |rank, column| {
            system.values[rank] * system.right[(column, rank)] / scale
        });
        Ok(Self { rows, root })
    }

    /// The number of random numbers for a weight with as many rows as the given one: n r.
    pub fn noise_len(&self) -> usize {
        self.rows * self.root.nrows()
    }

    /// G diag(s) V^T / sqrt(n) `[m, p]` for G `[m, r]`, both row-major. For standard normal G the rows are independent
    /// Gaussian vectors of mean zero and covariance `W^T W / n`. Signs of V: [`SingularSystem`](crate::linear_algebra::SingularSystem).
    ///
    /// Source: Guth, Menard, Rochette and Mallat, *A rainbow in deep network black boxes* (2023), rainbow sampling.
    ///
    /// # Panics
    /// Panics if the noise does not consist of whole rows of r numbers.
    pub fn draw(&self, noise: &[f64]) -> Vec<f64> {
        let (rank, columns) = self.root.shape();
        let rows = noise.len() / rank;
        let mut weight = vec![0.0; rows * columns];
        matmul(
            MatMut::from_row_major_slice_mut(&mut weight, rows, columns),
            Accum::Replace,
            MatRef::from_row_major_slice(noise, rows, rank),
            &self.root,
            1.0,
            Par::Seq,
        );
        weight
    }
}
