//! Matrices of numbers, shown as images and heat maps.

use crate::error::{FigureError, Result};

/// Numbers `[rows, columns]`, top row first. NaN is a missing value, drawn in the colour scale's `missing` colour;
/// infinities are refused.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    rows: usize,
    columns: usize,
    values: Vec<f64>,
}

impl Matrix {
    /// Creates a matrix from `rows * columns` values.
    ///
    /// # Errors
    /// A side of length zero, a list of another length, and an infinite value.
    pub fn new(rows: usize, columns: usize, values: Vec<f64>) -> Result<Self> {
        let place = || format!("matrix of {rows} x {columns}");
        if rows == 0 || columns == 0 {
            return Err(FigureError::empty(place(), "one of its sides"));
        }
        if Some(values.len()) != rows.checked_mul(columns) {
            let expected = rows.saturating_mul(columns);
            return Err(FigureError::length(
                place(),
                "its list of values",
                values.len(),
                expected,
            ));
        }
        if let Some(position) = values.iter().position(|value| value.is_infinite()) {
            return Err(FigureError::not_finite(
                place(),
                "its list of values",
                position,
                values[position],
            ));
        }
        Ok(Self {
            rows,
            columns,
            values,
        })
    }

    /// Creates a matrix from `rows * columns` values.
    ///
    /// # Errors
    /// As [`Matrix::new`].
    pub fn from_f32(rows: usize, columns: usize, values: &[f32]) -> Result<Self> {
        Self::new(
            rows,
            columns,
            values.iter().copied().map(f64::from).collect(),
        )
    }

    /// Number of rows, at least 1.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns, at least 1.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// All values, row by row.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Largest absolute value, for a symmetric colour scale; 0 if every value is missing.
    pub fn largest_magnitude(&self) -> f64 {
        self.values
            .iter()
            .filter(|value| !value.is_nan())
            .fold(0.0, |largest, value| largest.max(value.abs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_checks_its_shape_and_its_values() {
        let good = Matrix::new(1, 3, vec![1.0, f64::NAN, -2.0]).unwrap();
        assert_eq!(good.largest_magnitude(), 2.0);
        let refused =
            |rows, columns, values| Matrix::new(rows, columns, values).unwrap_err().to_string();
        assert_eq!(
            refused(0, 3, vec![]),
            "matrix of 0 x 3: one of its sides is empty"
        );
        assert_eq!(
            refused(2, 2, vec![0.0; 3]),
            "matrix of 2 x 2: its list of values has 3 entries, expected 4"
        );
        assert_eq!(
            refused(1, 2, vec![0.0, f64::INFINITY]),
            "matrix of 1 x 2: its list of values holds inf at position 1, expected a finite number"
        );
    }
}
