//! Directions of embeddings in the plane that holds most of them.

use eigenscope_artifact::tables::embeddings::UnitCirclePlaneRow;
use faer::{Mat, Side};

use crate::error::MetricError;
use crate::vectors::{dot, sign};

/// The plane of the first two right singular vectors of a matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct Plane {
    /// The singular vectors, of length 1. The component of largest magnitude is positive.
    pub directions: [Vec<f64>; 2],
    /// Squares of their singular values, as fractions of the sum of all squares.
    pub energy_fractions: [f64; 2],
}

impl Plane {
    /// The plane of the matrix X `[n, width]` with these rows: the eigenvectors of X^T X with the largest eigenvalues.
    ///
    /// # Errors
    /// A width of less than 2, and a decomposition that does not converge.
    pub fn of<'a>(
        rows: impl Iterator<Item = &'a [f64]> + Clone,
        width: usize,
    ) -> Result<Self, MetricError> {
        let gram = Mat::from_fn(width, width, |i, j| -> f64 {
            rows.clone().map(|row| row[i] * row[j]).sum()
        });
        let pairs = gram.self_adjoint_eigen(Side::Lower).map_err(|error| {
            MetricError::Numerics(format!("the plane cannot be computed: {error:?}"))
        })?;
        let energies: Vec<f64> = pairs.S().column_vector().iter().copied().collect();
        if width < 2 {
            let problem = format!("vectors of width {width} have no plane");
            return Err(MetricError::Undefined(problem));
        }
        let total: f64 = energies.iter().sum();
        let columns = [width - 1, width - 2];
        Ok(Self {
            directions: columns.map(|column| {
                let vector = pairs.U().col(column);
                let sign = sign(vector.iter());
                vector.iter().map(|value| value * sign).collect()
            }),
            energy_fractions: columns.map(|column| energies[column] / total),
        })
    }

    /// Components of a vector along both directions.
    pub fn project(&self, vector: &[f64]) -> [f64; 2] {
        self.directions
            .each_ref()
            .map(|direction| dot(vector, direction))
    }

    /// The rows of its table.
    pub fn rows(&self) -> Vec<UnitCirclePlaneRow> {
        let directions = self.directions.iter().zip(self.energy_fractions).zip(1..);
        let rows = directions.flat_map(|((direction, energy_fraction), rank)| {
            direction
                .iter()
                .zip(1..)
                .map(move |(&value, component)| UnitCirclePlaneRow {
                    rank,
                    energy_fraction,
                    component,
                    value,
                })
        });
        rows.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(rows: &[Vec<f64>]) -> Plane {
        Plane::of(rows.iter().map(Vec::as_slice), rows[0].len()).expect("a plane")
    }

    #[test]
    fn a_known_decomposition_is_found() {
        // X = diag(3, 2, 1) turned by Q^T, whose columns are (1, 2, 2), (2, 1, -2), (2, -2, 1) over 3.
        let q = [[1.0, 2.0, 2.0], [2.0, 1.0, -2.0], [2.0, -2.0, 1.0]];
        let row = |(line, scale): (&[f64; 3], f64)| line.map(|value| scale * value / 3.0).to_vec();
        let rows: Vec<Vec<f64>> = q.iter().zip([3.0, 2.0, 1.0]).map(row).collect();
        let found = plane(&rows);
        for (index, (line, scale)) in q.iter().zip([3.0f64, 2.0]).enumerate() {
            assert!((found.energy_fractions[index] - scale * scale / 14.0).abs() < 1e-12);
            let cosine = dot(&found.directions[index], line) / 3.0;
            assert!((cosine.abs() - 1.0).abs() < 1e-12, "{cosine}");
        }
    }

    #[test]
    fn directions_are_orthonormal_and_keep_the_energy() {
        let value = |row: usize, column: usize| ((row * 37 + column * 11) as f64 * 0.7).sin();
        let rows: Vec<Vec<f64>> = (0..50)
            .map(|row| (0..20).map(|column| value(row, column)).collect())
            .collect();
        let found = plane(&rows);
        let [first, second] = &found.directions;
        assert!((dot(first, first) - 1.0).abs() < 1e-12);
        assert!((dot(second, second) - 1.0).abs() < 1e-12);
        assert!(dot(first, second).abs() < 1e-12);
        let total: f64 = rows.iter().map(|row| dot(row, row)).sum();
        for (direction, fraction) in found.directions.iter().zip(found.energy_fractions) {
            let projected: f64 = rows.iter().map(|row| dot(row, direction).powi(2)).sum();
            assert!((projected - fraction * total).abs() < 1e-9);
        }
        assert!(found.energy_fractions[0] >= found.energy_fractions[1]);
    }

    #[test]
    fn signs_and_degenerate_matrices_are_settled() {
        let found = plane(&[vec![-2.0, 0.0], vec![-2.0, 0.0]]);
        assert_eq!(found.directions[0], [1.0, 0.0]);
        assert_eq!(found.energy_fractions, [1.0, 0.0]);
        assert!(Plane::of([[1.0].as_slice()].into_iter(), 1).is_err());
    }
}
