//! The singular values of one matrix.

use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::svd::{ComputeSvdVectors, SvdError, svd, svd_scratch};
use faer::{MatRef, Par, Spec};

/// The min(m, n) singular values of a matrix `[m, n]`, descending.
///
/// Runs in the calling thread only, so the result does not depend on the number of threads.
///
/// # Errors
/// The iteration did not converge, as happens with values that are not finite.
pub fn singular_values(matrix: MatRef<'_, f64>) -> Result<Vec<f64>, SvdError> {
    let (rows, columns) = matrix.shape();
    let mut values = Diag::zeros(rows.min(columns));
    let none = ComputeSvdVectors::No;
    let scratch = svd_scratch::<f64>(rows, columns, none, none, Par::Seq, Spec::default());
    svd(
        matrix,
        values.as_mut(),
        None,
        None,
        Par::Seq,
        MemStack::new(&mut MemBuffer::new(scratch)),
        Spec::default(),
    )?;
    Ok(values.column_vector().iter().copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use faer::Mat;

    #[test]
    fn known_singular_values() {
        // Columns of lengths 2, 12 and 9 at right angles.
        let matrix = Mat::from_fn(4, 3, |row, column| {
            [
                [1.0, 6.0, -4.5],
                [1.0, -6.0, 4.5],
                [1.0, 6.0, 4.5],
                [1.0, -6.0, -4.5],
            ][row][column]
        });
        for matrix in [matrix.as_ref(), matrix.transpose()] {
            let found = singular_values(matrix).expect("converges");
            for (found, expected) in found.iter().zip([12.0, 9.0, 2.0]) {
                assert!((found - expected).abs() < 1e-13, "{found}");
            }
        }
        let zero = singular_values(Mat::zeros(2, 5).as_ref()).expect("converges");
        assert_eq!(zero, [0.0; 2]);
    }
}
