//! Matrices from stored values, and products in one thread.

use faer::linalg::matmul::matmul;
use faer::{Accum, ColRef, Mat, MatMut, MatRef, Par};

/// The matrix `[rows, columns]` of row-major values, widened exactly.
pub(crate) fn row_major(values: &[f32], rows: usize, columns: usize) -> Mat<f64> {
    Mat::from_fn(rows, columns, |row, column| {
        f64::from(values[row * columns + column])
    })
}

/// The matrix product, computed in the calling thread.
pub(crate) fn product(left: MatRef<'_, f64>, right: MatRef<'_, f64>) -> Mat<f64> {
    let mut product = Mat::zeros(left.nrows(), right.ncols());
    matmul(&mut product, Accum::Replace, left, right, 1.0, Par::Seq);
    product
}

/// Gives every column the sign that makes its entry of largest absolute value positive (the first of equal ones):
/// an eigenvector has no sign of its own.
pub(crate) fn fix_signs(vectors: MatMut<'_, f64>) {
    for column in vectors.col_iter_mut() {
        if largest(column.as_ref()) < 0.0 {
            column.iter_mut().for_each(|value| *value = -*value);
        }
    }
}

/// The entry of largest absolute value (the first of equal ones), 0 without entries.
pub(crate) fn largest(vector: ColRef<'_, f64>) -> f64 {
    let larger = |a: f64, b: f64| if b.abs() > a.abs() { b } else { a };
    vector.iter().copied().fold(0.0, larger)
}
