//! The eigendecomposition of one symmetric matrix.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd::{
    ComputeEigenvectors, EvdError, self_adjoint_evd, self_adjoint_evd_scratch,
};
use faer::{Mat, MatRef, Par, Spec};

/// All eigenvalues of a symmetric matrix and their unit eigenvectors.
#[derive(Debug, Clone)]
pub struct Eigensystem {
    /// Eigenvalues, ascending.
    pub values: Vec<f64>,
    /// V `[d, d]`: column i belongs to eigenvalue i; V^T V = I. Signs are the solver's.
    pub vectors: Mat<f64>,
}

/// A = V diag(values) V^T of a symmetric matrix `[d, d]`, of which the lower triangle is read.
///
/// Runs in the calling thread only, so the result does not depend on the number of threads. Needs V
/// and three matrices of scratch: `4 * 8 d d` bytes (32 MB for d = 1000).
///
/// # Errors
/// Returns an error if the iteration does not converge, as happens with values that are not finite.
pub fn eigensystem(matrix: MatRef<'_, f64>) -> Result<Eigensystem, EvdError> {
    let size = matrix.nrows();
    let mut vectors = Mat::zeros(size, size);
    let mut values = faer::diag::Diag::zeros(size);
    let scratch =
        self_adjoint_evd_scratch::<f64>(size, ComputeEigenvectors::Yes, Par::Seq, Spec::default());
    self_adjoint_evd(
        matrix,
        values.as_mut(),
        Some(vectors.as_mut()),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Spec::default(),
    )?;
    Ok(Eigensystem {
        values: values.column_vector().iter().copied().collect(),
        vectors,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_spectrum() {
        // The second difference matrix: eigenvalues 2 - 2 cos(pi k / (n + 1)), ascending for k = 1..=n.
        let size = 40;
        let matrix = Mat::from_fn(size, size, |row, column| match row.abs_diff(column) {
            0 => 2.0,
            1 => -1.0,
            _ => 0.0,
        });
        let found = eigensystem(matrix.as_ref()).expect("converges");
        for (k, value) in found.values.iter().enumerate() {
            let angle = std::f64::consts::PI * (k + 1) as f64 / (size + 1) as f64;
            assert!((value - (2.0 - 2.0 * angle.cos())).abs() < 1e-13);
        }
    }

    #[test]
    fn one_by_one_and_repeated_eigenvalues() {
        let one = eigensystem(Mat::from_fn(1, 1, |_, _| -3.0).as_ref()).expect("converges");
        assert_eq!(one.values, [-3.0]);
        assert_eq!(one.vectors[(0, 0)].abs(), 1.0);
        let zero = eigensystem(Mat::zeros(4, 4).as_ref()).expect("converges");
        assert_eq!(zero.values, [0.0; 4]);
    }
}
