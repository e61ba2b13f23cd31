//! The singular value decomposition of one matrix.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::svd::{ComputeSvdVectors, SvdError, svd, svd_scratch};
use faer::{Mat, MatRef, Par, Spec};

use super::matrix::largest;
use crate::error::DecomposeError;

/// M = U diag(values) V^T, thin: r = min(m, n) of M `[m, n]`.
#[derive(Debug, Clone)]
pub struct SingularSystem {
    /// Singular values, descending.
    pub values: Vec<f64>,
    /// U `[m, r]`, U^T U = I.
    pub left: Mat<f64>,
    /// V `[n, r]`, V^T V = I. In every column the entry of largest absolute value is positive (the first of equal
    /// ones); a pair of singular vectors has no sign of its own.
    pub right: Mat<f64>,
}

/// The thin singular value decomposition of a matrix `[m, n]`.
///
/// Runs in the calling thread only, so the result does not depend on the number of threads. Memory: U, V and
/// about three matrices of the size of M.
///
/// # Errors
/// Returns an error if the iteration does not converge, as happens with values that are not finite.
pub fn singular_system(matrix: MatRef<'_, f64>) -> Result<SingularSystem, SvdError> {
    let (rows, columns) = matrix.shape();
    let size = rows.min(columns);
    let (mut left, mut right) = (Mat::zeros(rows, size), Mat::zeros(columns, size));
    let mut values = faer::diag::Diag::zeros(size);
    let vectors = ComputeSvdVectors::Thin;
    let scratch = svd_scratch::<f64>(rows, columns, vectors, vectors, Par::Seq, Spec::default());
    svd(
        matrix,
        values.as_mut(),
        Some(left.as_mut()),
        Some(right.as_mut()),
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Spec::default(),
    )?;
    fix_signs(&mut left, &mut right);
    Ok(SingularSystem {
        values: values.column_vector().iter().copied().collect(),
        left,
        right,
    })
}

/// The error of a matrix of the layer `layer` whose spectrum was not found.
pub(crate) fn no_convergence(layer: &str, matrix: MatRef<'_, f64>) -> DecomposeError {
    let (rows, columns) = matrix.shape();
    let problem = format!("the spectrum of a matrix of {rows} x {columns} did not converge");
    DecomposeError::of_layer(layer, problem)
}

/// [`singular_system`] of a matrix of the layer `layer`.
pub(crate) fn singular_system_of_layer(
    layer: &str,
    matrix: MatRef<'_, f64>,
) -> Result<SingularSystem, DecomposeError> {
    singular_system(matrix).map_err(|_| no_convergence(layer, matrix))
}

fn fix_signs(left: &mut Mat<f64>, right: &mut Mat<f64>) {
    for column in 0..right.ncols() {
        if largest(right.col(column)) < 0.0 {
            for vectors in [&mut *left, &mut *right] {
                let vector = vectors.as_mut().col_mut(column);
                vector.iter_mut().for_each(|value| *value = -*value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_tall_and_rank_deficient_matrices() {
        for (rows, columns) in [(3, 7), (7, 3), (40, 40), (1, 1), (1, 5)] {
            let full = Mat::from_fn(rows, columns, |row, column| {
                (1.7 * row as f64 + 0.3 * (column * column) as f64).sin()
            });
            for matrix in [&full, &Mat::zeros(rows, columns)] {
                let found = singular_system(matrix.as_ref()).expect("converges");
                assert!(found.values.is_sorted_by(|a, b| a >= b));
                let size = rows.min(columns);
                let identity = Mat::<f64>::identity(size, size);
                for vectors in [&found.left, &found.right] {
                    let difference = vectors.transpose() * vectors - &identity;
                    assert!(difference.norm_max() < 1e-13);
                }
                let scaled = Mat::from_fn(rows, size, |row, column| {
                    found.left[(row, column)] * found.values[column]
                });
                assert!((scaled * found.right.transpose() - matrix).norm_max() < 1e-13);
            }
        }
    }

    #[test]
    fn signs_by_hand() {
        let matrix = Mat::from_fn(2, 2, |row, column| [[0.0, -3.0], [2.0, 0.0]][row][column]);
        let found = singular_system(matrix.as_ref()).expect("converges");
        assert_eq!(found.values, [3.0, 2.0]);
        let entries = |m: &Mat<f64>| [m[(0, 0)], m[(0, 1)], m[(1, 0)], m[(1, 1)]];
        assert_eq!(entries(&found.right), [0.0, 1.0, 1.0, 0.0]);
        assert_eq!(entries(&found.left), [-1.0, 0.0, 0.0, 1.0]);
    }
}
