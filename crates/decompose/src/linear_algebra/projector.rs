//! Shrinking one direction of a space and leaving the others alone.

use faer::Mat;

use super::matrix::product;

/// U `[n, n]` with U^T U = I and the unit vector `direction` `[n]` as its first column: Gram-Schmidt on `direction` and
/// all unit vectors of the axes, in order, but the one of the direction's largest component (the first of equal
/// ones).
///
/// With that one left out, no axis lies near the space of the vectors before it: of each, a part of length 1/sqrt(2)
/// or more is new, whatever the direction and n are.
pub fn orthonormal_basis(direction: &[f64]) -> Mat<f64> {
    let size = direction.len();
    let mut basis = Mat::zeros(size, size);
    for (row, &value) in direction.iter().enumerate() {
        basis[(row, 0)] = value;
    }
    let largest = largest_component(direction);
    let axes = (0..size).filter(|&axis| Some(axis) != largest);
    for (axis, column) in axes.zip(1..) {
        let mut vector = vec![0.0; size];
        vector[axis] = 1.0;
        for earlier in 0..column {
            let earlier = basis.col(earlier);
            let part: f64 = earlier.iter().zip(&vector).map(|(a, b)| a * b).sum();
            let subtract = |(value, &one): (&mut f64, &f64)| *value -= part * one;
            vector.iter_mut().zip(earlier.iter()).for_each(subtract);
        }
        let norm = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
        for (row, value) in vector.into_iter().enumerate() {
            basis[(row, column)] = value / norm;
        }
    }
    basis
}

/// Position of the value of largest absolute value, the first of equal ones.
fn largest_component(direction: &[f64]) -> Option<usize> {
    let mut positions = 0..direction.len();
    let first = positions.next()?;
    Some(positions.fold(first, |largest, position| {
        if direction[position].abs() > direction[largest].abs() {
            position
        } else {
            largest
        }
    }))
}

/// P `[n, n]`, which multiplies the part of a vector along the unit vector `direction` `[n]` by `shrink` and keeps the
/// rest:
///
/// ```text
/// P = U diag(shrink, 1, ..., 1) U^T = I - (1 - shrink) direction direction^T
/// ```
///
/// with U the [`orthonormal_basis`]; P does not depend on the columns of U after the first. Takes three
/// matrices of `8 n n` bytes.
///
/// Source: the published notebook, with shrink = 1e-5.
pub fn projector(direction: &[f64], shrink: f64) -> Mat<f64> {
    let basis = orthonormal_basis(direction);
    let size = direction.len();
    let scaled = Mat::from_fn(size, size, |row, column| {
        let factor = if column == 0 { shrink } else { 1.0 };
        factor * basis[(row, column)]
    });
    product(scaled.as_ref(), basis.transpose())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Printed in the published notebook, with four and five digits.
    const PUBLISHED: [f64; 3] = [0.78621, 0.55179, 0.27821];
    const PUBLISHED_BASIS: [[f64; 3]; 3] = [
        [0.78621, -0.52018, -0.33359],
        [0.55179, 0.83398, 0.0],
        [0.27821, -0.18407, 0.94272],
    ];

    #[test]
    fn the_published_basis() {
        let basis = orthonormal_basis(&PUBLISHED);
        for (row, values) in PUBLISHED_BASIS.iter().enumerate() {
            for (column, value) in values.iter().enumerate() {
                let found = basis[(row, column)];
                assert!((found - value).abs() < 1e-5, "{row} {column}: {found}");
            }
        }
    }

    #[test]
    fn a_direction_along_an_axis() {
        let basis = orthonormal_basis(&[0.0, -1.0, 0.0]);
        let expected = Mat::from_fn(3, 3, |row, column| {
            [[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [0.0, 0.0, 1.0]][row][column]
        });
        assert_eq!(basis, expected);
        let found = projector(&[0.0, -1.0, 0.0], 0.25);
        let expected = Mat::from_fn(3, 3, |row, column| match (row, column) {
            (1, 1) => 0.25,
            _ if row == column => 1.0,
            _ => 0.0,
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn one_dimension() {
        assert_eq!(projector(&[-1.0], 1e-5)[(0, 0)], 1e-5);
    }
}
