//! Right singular vectors of a matrix of few columns.

/// Rounds over all pairs of columns; ten are enough for hundreds of columns.
const MOST_SWEEPS: usize = 64;

/// A right singular vector of a matrix.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Direction {
    /// Square of its singular value.
    pub(super) energy: f64,
    /// Of length 1; the component of largest magnitude is positive.
    pub(super) vector: Vec<f64>,
}

/// The right singular vectors of the matrix X with the given rows of `width` values, largest singular value first: the
/// eigenvectors of X^T X, by Jacobi's rotations.
pub(super) fn right_singular_vectors(rows: &[Vec<f64>], width: usize) -> Vec<Direction> {
    let mut matrix = gram(rows, width);
    let mut vectors = identity(width);
    let energy: f64 = (0..width).map(|index| matrix[index][index]).sum();
    for _ in 0..MOST_SWEEPS {
        if off_diagonal(&matrix) <= (f64::EPSILON * energy).powi(2) {
            break;
        }
        sweep(&mut matrix, &mut vectors);
    }
    let directions = vectors
        .into_iter()
        .enumerate()
        .map(|(index, vector)| Direction {
            energy: matrix[index][index],
            vector: with_sign(vector),
        });
    let mut directions: Vec<Direction> = directions.collect();
    directions.sort_by(|one, other| other.energy.total_cmp(&one.energy));
    directions
}

fn gram(rows: &[Vec<f64>], width: usize) -> Vec<Vec<f64>> {
    let product = |i: usize, j: usize| rows.iter().map(|row| row[i] * row[j]).sum();
    let line = |i: usize| (0..width).map(|j| product(i, j)).collect();
    (0..width).map(line).collect()
}

fn identity(width: usize) -> Vec<Vec<f64>> {
    let line = |i: usize| (0..width).map(|j| f64::from(u8::from(i == j))).collect();
    (0..width).map(line).collect()
}

/// Sum of the squares above the diagonal.
fn off_diagonal(matrix: &[Vec<f64>]) -> f64 {
    let above = matrix.iter().enumerate();
    above
        .flat_map(|(i, line)| &line[i + 1..])
        .map(|value| value * value)
        .sum()
}

/// Rotates every pair of axes such that its element off the diagonal becomes zero. The rows of `vectors` turn along.
fn sweep(matrix: &mut [Vec<f64>], vectors: &mut [Vec<f64>]) {
    for p in 0..matrix.len() {
        for q in p + 1..matrix.len() {
            if matrix[p][q] == 0.0 {
                continue;
            }
            let slope = (matrix[q][q] - matrix[p][p]) / (2.0 * matrix[p][q]);
            let tangent = slope.signum() / (slope.abs() + slope.hypot(1.0));
            let cosine = 1.0 / tangent.hypot(1.0);
            let turn = (cosine, tangent * cosine);
            turn_rows(matrix, (p, q), turn);
            for line in matrix.iter_mut() {
                (line[p], line[q]) = turned(line[p], line[q], turn);
            }
            turn_rows(vectors, (p, q), turn);
        }
    }
}

fn turn_rows(matrix: &mut [Vec<f64>], (p, q): (usize, usize), turn: (f64, f64)) {
    let (above, below) = matrix.split_at_mut(q);
    for (one, other) in above[p].iter_mut().zip(&mut below[0]) {
        (*one, *other) = turned(*one, *other, turn);
    }
}

fn turned(one: f64, other: f64, (cosine, sine): (f64, f64)) -> (f64, f64) {
    (cosine * one - sine * other, sine * one + cosine * other)
}

fn with_sign(mut vector: Vec<f64>) -> Vec<f64> {
    let largest = vector.iter().copied().fold(0.0, |largest: f64, value| {
        if value.abs() > largest.abs() {
            value
        } else {
            largest
        }
    });
    if largest < 0.0 {
        vector.iter_mut().for_each(|value| *value = -*value);
    }
    vector
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dot(one: &[f64], other: &[f64]) -> f64 {
        one.iter().zip(other).map(|(one, other)| one * other).sum()
    }

    #[test]
    fn a_known_decomposition_is_found() {
        // X = diag(3, 2, 1) turned by Q^T, whose columns are (1, 2, 2), (2, 1, -2), (2, -2, 1) over 3.
        let q = [[1.0, 2.0, 2.0], [2.0, 1.0, -2.0], [2.0, -2.0, 1.0]];
        let row = |(line, scale): (&[f64; 3], f64)| line.map(|value| scale * value / 3.0).to_vec();
        let rows: Vec<Vec<f64>> = q.iter().zip([3.0, 2.0, 1.0]).map(row).collect();
        let found = right_singular_vectors(&rows, 3);
        for (direction, (line, scale)) in found.iter().zip(q.iter().zip([3.0f64, 2.0, 1.0])) {
            assert!((direction.energy - scale * scale).abs() < 1e-12);
            let cosine = dot(&direction.vector, line) / 3.0;
            assert!((cosine.abs() - 1.0).abs() < 1e-12, "{cosine}");
        }
    }

    #[test]
    fn directions_are_orthonormal_and_keep_the_energy() {
        let width = 20;
        let value = |row: usize, column: usize| ((row * 37 + column * 11) as f64 * 0.7).sin();
        let rows: Vec<Vec<f64>> = (0..50)
            .map(|row| (0..width).map(|column| value(row, column)).collect())
            .collect();
        let found = right_singular_vectors(&rows, width);
        for (i, one) in found.iter().enumerate() {
            for (j, other) in found.iter().enumerate() {
                let expected = f64::from(u8::from(i == j));
                assert!((dot(&one.vector, &other.vector) - expected).abs() < 1e-12);
            }
            let projected: f64 = rows.iter().map(|row| dot(row, &one.vector).powi(2)).sum();
            assert!((projected - one.energy).abs() < 1e-9);
        }
        assert!(
            found
                .windows(2)
                .all(|pair| pair[0].energy >= pair[1].energy)
        );
    }

    #[test]
    fn signs_and_degenerate_matrices_are_settled() {
        let found = right_singular_vectors(&[vec![-2.0, 0.0], vec![-2.0, 0.0]], 2);
        assert_eq!(found[0].vector, [1.0, 0.0]);
        assert_eq!((found[0].energy, found[1].energy), (8.0, 0.0));
        assert_eq!(right_singular_vectors(&[vec![0.0; 2]], 2).len(), 2);
    }
}
