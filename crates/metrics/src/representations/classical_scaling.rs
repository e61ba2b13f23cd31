//! A map on which things are about as far from each other as given distances say.

use faer::{Mat, Side};

use crate::error::MetricError;
use crate::vectors::sign;

/// Places in the plane.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaneMap {
    /// Centred at 0, along the two directions of largest variance.
    pub points: Vec<[f64; 2]>,
    /// The part of the variance that the plane holds; missing if all distances are 0.
    pub share: Option<f64>,
}

/// Classical multidimensional scaling of K things with these distances, `[K, K]`: the first two eigenvectors of B = -1/2 J D^2 J, D^2 the
/// squared distances and J = I - 1/K, each times the root of its eigenvalue, 0 for a negative one. The coordinate of largest absolute value of each is
/// positive.
///
/// `share` is the part of the sum of the positive eigenvalues. Distances of points in a plane are met exactly.
///
/// Source: Torgerson, *Multidimensional scaling* (1952).
///
/// # Errors
/// Returns an error if the eigenvalues are not found.
///
/// # Panics
/// Panics if there are not K x K distances.
pub fn classical_scaling(distances: &[f64], size: usize) -> Result<PlaneMap, MetricError> {
    assert_eq!(distances.len(), size * size, "a distance for every two");
    let squares = Mat::from_fn(size, size, |row, column| {
        distances[row * size + column].powi(2)
    });
    let means: Vec<f64> = squares
        .col_iter()
        .map(|column| column.iter().sum::<f64>() / size as f64)
        .collect();
    let mean = means.iter().sum::<f64>() / size as f64;
    let inner = Mat::from_fn(size, size, |row, column| {
        -0.5 * (squares[(row, column)] - means[row] - means[column] + mean)
    });
    let system = inner.self_adjoint_eigen(Side::Lower).map_err(|_| {
        MetricError::Numerics(format!(
            "the map of {size} representations did not converge"
        ))
    })?;
    let values: Vec<f64> = system.S().column_vector().iter().rev().copied().collect();
    let mut points = vec![[0.0; 2]; size];
    for (axis, value) in values.iter().take(2).enumerate() {
        let vector = system.U().col(size - 1 - axis);
        let scale = value.max(0.0).sqrt() * sign(vector.iter());
        for (point, coordinate) in points.iter_mut().zip(vector.iter()) {
            point[axis] = coordinate * scale;
        }
    }
    let positive = |values: &[f64]| values.iter().map(|value| value.max(0.0)).sum::<f64>();
    let all = positive(&values);
    Ok(PlaneMap {
        points,
        share: (all > 0.0).then(|| positive(&values[..values.len().min(2)]) / all),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distances(points: &[[f64; 2]]) -> Vec<f64> {
        let to = |[x, y]: [f64; 2]| points.iter().map(move |[u, v]| (x - u).hypot(y - v));
        points.iter().flat_map(|point| to(*point)).collect()
    }

    #[test]
    fn points_of_a_plane_keep_their_distances() {
        let points = [[0.0, 0.0], [3.0, 0.0], [0.0, 1.0], [-2.0, 5.0], [1.0, 1.0]];
        let given = distances(&points);
        let map = classical_scaling(&given, 5).expect("converges");
        for (found, given) in distances(&map.points).iter().zip(&given) {
            assert!((found - given).abs() < 1e-12, "{found} {given}");
        }
        assert!((map.share.expect("they differ") - 1.0).abs() < 1e-12);
    }

    #[test]
    fn corners_of_a_regular_simplex_fill_three_directions_alike() {
        let given: Vec<f64> = (0..16).map(|at| f64::from(u8::from(at % 5 != 0))).collect();
        let map = classical_scaling(&given, 4).expect("converges");
        assert!((map.share.expect("they differ") - 2.0 / 3.0).abs() < 1e-12);
    }

    #[test]
    fn one_thing_and_equal_things_are_at_the_centre() {
        let one = classical_scaling(&[0.0], 1).expect("converges");
        assert_eq!((one.points, one.share), (vec![[0.0; 2]], None));
        let equal = classical_scaling(&[0.0; 9], 3).expect("converges");
        assert_eq!(equal.points, [[0.0; 2]; 3]);
    }
}
