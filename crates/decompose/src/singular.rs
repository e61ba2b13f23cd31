//! The singular values and right singular vectors of one matrix.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::svd::{ComputeSvdVectors, SvdError, svd, svd_scratch};
use faer::{Mat, MatRef, Par, Spec};

/// A matrix without its left singular vectors.
#[derive(Debug, Clone)]
pub struct RightSingular {
    /// The min(n, p) singular values, descending.
    pub values: Vec<f64>,
    /// V `[p, min(n, p)]`: column i belongs to singular value i; V^T V = I. Signs are the solver's.
    pub vectors: Mat<f64>,
}

/// Singular values and right singular vectors of A = U diag(values) V^T `[n, p]`.
///
/// Runs in the calling thread only, so the result does not depend on the number of threads.
///
/// # Errors
/// The iteration did not converge, as happens with values that are not finite.
pub fn right_singular(matrix: MatRef<'_, f64>) -> Result<RightSingular, SvdError> {
    let (rows, columns) = matrix.shape();
    let ranks = rows.min(columns);
    let mut vectors = Mat::zeros(columns, ranks);
    let mut values = faer::diag::Diag::zeros(ranks);
    let (left, right) = (ComputeSvdVectors::No, ComputeSvdVectors::Thin);
    let scratch = svd_scratch::<f64>(rows, columns, left, right, Par::Seq, Spec::default());
    svd(
        matrix,
        values.as_mut(),
        None,
        Some(vectors.as_mut()),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Spec::default(),
    )?;
    Ok(RightSingular {
        values: values.column_vector().iter().copied().collect(),
        vectors,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_decomposition_either_way_round() {
        // Columns of lengths 3 and 5, at right angles; their transpose has the axes of the larger space.
        let tall = Mat::from_fn(3, 2, |row, column| {
            [[0.0, 4.0], [3.0, 0.0], [0.0, 3.0]][row][column]
        });
        let found = right_singular(tall.as_ref()).expect("converges");
        let near = |found: f64, expected: f64| (found.abs() - expected).abs() < 1e-14;
        assert!(near(found.values[0], 5.0) && near(found.values[1], 3.0));
        assert!(near(found.vectors[(1, 0)], 1.0) && near(found.vectors[(0, 1)], 1.0));
        let wide = right_singular(tall.transpose()).expect("converges");
        assert_eq!(wide.vectors.shape(), (3, 2));
        assert!(near(wide.values[0], 5.0) && near(wide.values[1], 3.0));
        assert!(near(wide.vectors[(0, 0)], 0.8) && near(wide.vectors[(2, 0)], 0.6));
        assert!(near(wide.vectors[(1, 1)], 1.0));
    }
}
