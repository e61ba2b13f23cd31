//! Pictures whose pixels are colours.

use crate::colour::{ColourScale, Rgb};
use crate::error::{FigureError, Result};
use crate::matrix::Matrix;

/// Colours `[rows, columns]`, top row first.
#[derive(Clone, Debug, PartialEq)]
pub struct Bitmap {
    rows: usize,
    columns: usize,
    colours: Vec<Rgb>,
}

impl Bitmap {
    /// Creates a bitmap from `rows * columns` colours.
    ///
    /// # Errors
    /// A side of length zero, and a list of another length.
    pub fn new(rows: usize, columns: usize, colours: Vec<Rgb>) -> Result<Self> {
        let place = || format!("bitmap of {rows} x {columns}");
        if rows == 0 || columns == 0 {
            return Err(FigureError::empty(place(), "one of its sides"));
        }
        if Some(colours.len()) != rows.checked_mul(columns) {
            let expected = rows.saturating_mul(columns);
            return Err(FigureError::length(
                place(),
                "its list of colours",
                colours.len(),
                expected,
            ));
        }
        Ok(Self {
            rows,
            columns,
            colours,
        })
    }

    /// Colours numbers by a scale.
    pub fn coloured(values: &Matrix, scale: &ColourScale) -> Self {
        let colours = values.values().iter().map(|value| scale.colour(*value));
        Self {
            rows: values.rows(),
            columns: values.columns(),
            colours: colours.collect(),
        }
    }

    /// Number of rows, at least 1.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns, at least 1.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// All colours, row by row.
    pub fn colours(&self) -> &[Rgb] {
        &self.colours
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bitmap_checks_its_shape() {
        assert!(Bitmap::new(1, 2, vec![Rgb::BLACK, Rgb::WHITE]).is_ok());
        let refused = |rows, columns, count| {
            let bitmap = Bitmap::new(rows, columns, vec![Rgb::BLACK; count]);
            bitmap.unwrap_err().to_string()
        };
        assert_eq!(
            refused(2, 0, 0),
            "bitmap of 2 x 0: one of its sides is empty"
        );
        assert_eq!(
            refused(2, 2, 3),
            "bitmap of 2 x 2: its list of colours has 3 entries, expected 4"
        );
    }
}
