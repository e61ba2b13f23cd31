//! What is kept of how one network represents some images.

use eigenscope_artifact::BasisHeader;
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par, Side};

use super::measure::Measure;
use crate::error::MetricError;
use crate::vectors::{dot, unit};

/// A representation X `[n, p]` of n images, as far as it takes to compare it with others: nothing that grows with p.
///
/// Memory: at most `8 n^2` bytes for the shape and `4 n^2` for each of the other measures, 5 MB for 500 images. [`Memory`] tells what it
/// takes to make and to compare it.
#[derive(Debug, Clone)]
pub struct Representation {
    /// For each measure that is a cosine, the vector of length 1; `None` if it has no direction.
    vectors: Vec<(Measure, Option<Vec<f64>>)>,
    /// For measures of shape; `None` if X is the same for all images.
    shape: Option<Shape>,
    alpha: f64,
}

/// The centred X = U S V^T without V.
#[derive(Debug, Clone)]
struct Shape {
    /// U `[n, r]`.
    left: Mat<f64>,
    /// S in units of its root mean square, of which those below sqrt(1e-7) of the largest are rounding and left out.
    singular: Vec<f64>,
}

/// Bytes for representations of n images, about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Memory {
    /// What is kept of each.
    pub kept: f64,
    /// What a thread needs beside that while it makes one or compares two: kernels and their eigenvectors, but not the values of the
    /// layer, which are there three times as f32.
    pub working: f64,
}

impl Memory {
    /// For these measures of `images` images.
    pub fn new(images: usize, measures: &[Measure], alpha: f64) -> Self {
        let pairs = (images as f64).powi(2);
        let shapes = measures.iter().filter_map(|measure| measure.shape(alpha));
        let shapes = shapes.count();
        let cosines = measures.len() - shapes;
        let (kept, working) = match shapes {
            0 => (0.0, 24.0),
            _ => (8.0, 48.0),
        };
        Self {
            kept: pairs * (kept + 4.0 * cosines as f64),
            working: pairs * working,
        }
    }
}

impl Representation {
    /// What `measures` need of `rows`, the p values of each of n images. `alpha` belongs to [`Measure::Shape`].
    ///
    /// f64; n^2 p multiplications, in the calling thread. `name` is for messages.
    ///
    /// # Errors
    /// Returns an error if a value is not finite, or if the eigenvalues of X X^T are not found.
    ///
    /// # Panics
    /// Panics if the rows are not whole, or without images.
    pub fn new(
        name: &str,
        rows: &[f32],
        images: usize,
        measures: &[Measure],
        alpha: f64,
    ) -> Result<Self, MetricError> {
        let kernel = centred_kernel(rows, images);
        if !kernel.is_all_finite() {
            return Err(MetricError::Numerics(format!(
                "{name} holds values that are not finite or too large to multiply"
            )));
        }
        let vectors = measures.iter().filter_map(|measure| {
            let vector = match measure {
                Measure::Cka => upper(&kernel, true),
                Measure::DebiasedCka => upper(&centred_without_diagonal(&kernel), false),
                Measure::Rsa => centred_ranks(squared_distances(&kernel)),
                Measure::Procrustes | Measure::Shape | Measure::Cca => return None,
            };
            Some((*measure, unit(vector, 0.0)))
        });
        let vectors = vectors.collect();
        let needs_shape = measures
            .iter()
            .any(|measure| measure.shape(alpha).is_some());
        let shape = match needs_shape {
            true => Shape::new(name, &kernel)?,
            false => None,
        };
        Ok(Self {
            vectors,
            shape,
            alpha,
        })
    }

    fn vector(&self, measure: Measure) -> Option<&[f64]> {
        let found = self.vectors.iter().find(|(own, _)| *own == measure);
        found.and_then(|(_, vector)| vector.as_deref())
    }

    /// Whether the measure is defined with this representation.
    pub(super) fn varies(&self, measure: Measure) -> bool {
        match measure.shape(self.alpha) {
            None => self.vector(measure).is_some(),
            Some(_) => self.shape.is_some(),
        }
    }

    /// The number of directions in which the images differ; 0 where no measure needed it.
    pub fn rank(&self) -> usize {
        self.shape.as_ref().map_or(0, |shape| shape.singular.len())
    }

    /// The values of `measures` with another representation of the same images.
    pub(super) fn compare(&self, other: &Self, measures: &[Measure]) -> Vec<Option<f64>> {
        let shapes = self.shape.as_ref().zip(other.shape.as_ref());
        let of_shape = measures
            .iter()
            .any(|measure| measure.shape(self.alpha).is_some());
        let cross = shapes.filter(|_| of_shape).map(|(one, other)| {
            let cross = product(one.left.transpose(), other.left.as_ref());
            (one, other, cross)
        });
        let value = |measure: &Measure| match measure.shape(self.alpha) {
            None => {
                let vectors = self.vector(*measure).zip(other.vector(*measure));
                vectors.map(|(one, other)| dot(one, other))
            }
            Some(alpha) => {
                let (one, other, cross) = cross.as_ref()?;
                angle(cross, &one.weights(alpha), &other.weights(alpha))
            }
        };
        measures.iter().map(value).collect()
    }
}

impl Shape {
    fn new(name: &str, kernel: &Mat<f64>) -> Result<Option<Self>, MetricError> {
        let system = kernel.self_adjoint_eigen(Side::Lower).map_err(|_| {
            let size = kernel.nrows();
            MetricError::Numerics(format!(
                "the eigenvalues of {name}, {size} x {size}, did not converge"
            ))
        })?;
        let values: Vec<f64> = system.S().column_vector().iter().copied().collect();
        let largest = values.last().copied().unwrap_or(0.0);
        let kept: Vec<usize> = (0..values.len())
            .rev()
            .filter(|at| values[*at] > BasisHeader::CUT * largest && values[*at] > 0.0)
            .collect();
        if kept.is_empty() {
            return Ok(None);
        }
        let mean = kept.iter().map(|at| values[*at]).sum::<f64>() / kept.len() as f64;
        let singular = kept.iter().map(|at| (values[*at] / mean).sqrt()).collect();
        let left = Mat::from_fn(kernel.nrows(), kept.len(), |row, column| {
            system.U()[(row, kept[column])]
        });
        Ok(Some(Self { left, singular }))
    }

    /// The diagonal of alpha S + (1 - alpha) I, of length 1.
    fn weights(&self, alpha: f64) -> Vec<f64> {
        let mixed = self
            .singular
            .iter()
            .map(|value| alpha * value + (1.0 - alpha));
        unit(mixed.collect(), 0.0).unwrap_or_default()
    }
}

/// The angle between two shapes: the arc cosine of the sum of the singular values of diag(one) cross diag(other). `None` if they are not found.
fn angle(cross: &Mat<f64>, one: &[f64], other: &[f64]) -> Option<f64> {
    let scaled = Mat::from_fn(cross.nrows(), cross.ncols(), |row, column| {
        one[row] * cross[(row, column)] * other[column]
    });
    let values = scaled.singular_values().ok()?;
    let cosine: f64 = values.iter().sum();
    Some(cosine.clamp(0.0, 1.0).acos())
}

/// X X^T of the centred X.
fn centred_kernel(rows: &[f32], images: usize) -> Mat<f64> {
    let width = rows.len() / images;
    assert_eq!(rows.len(), width * images, "whole rows");
    let mut centred = Mat::from_fn(images, width, |row, column| {
        f64::from(rows[row * width + column])
    });
    for column in centred.col_iter_mut() {
        let mean = column.as_ref().iter().sum::<f64>() / images as f64;
        column.iter_mut().for_each(|value| *value -= mean);
    }
    product(centred.as_ref(), centred.transpose())
}

/// The kernel with a diagonal of zeros, centred so that its rows still sum to 0 and products have no bias: Song et al. (2012).
fn centred_without_diagonal(kernel: &Mat<f64>) -> Mat<f64> {
    let size = kernel.nrows();
    let n = size as f64;
    let sums: Vec<f64> = (0..size)
        .map(|row| {
            (0..size)
                .filter(|at| *at != row)
                .map(|at| kernel[(row, at)])
                .sum()
        })
        .collect();
    let all: f64 = sums.iter().sum::<f64>() / ((n - 1.0) * (n - 2.0));
    Mat::from_fn(size, size, |row, column| {
        kernel[(row, column)] - (sums[row] + sums[column]) / (n - 2.0) + all
    })
}

/// Entries above the diagonal, row by row; with the diagonal, each is scaled so that products of two are those of the whole matrices.
fn upper(matrix: &Mat<f64>, with_diagonal: bool) -> Vec<f64> {
    let size = matrix.nrows();
    let mut values = Vec::with_capacity(size * (size + 1) / 2);
    let twice = if with_diagonal { 2.0_f64.sqrt() } else { 1.0 };
    for row in 0..size {
        if with_diagonal {
            values.push(matrix[(row, row)]);
        }
        values.extend((row + 1..size).map(|column| twice * matrix[(row, column)]));
    }
    values
}

/// The squared Euclidean distances of every two images; their order is that of the distances.
fn squared_distances(kernel: &Mat<f64>) -> Vec<f64> {
    let size = kernel.nrows();
    let pairs = (0..size).flat_map(|row| (row + 1..size).map(move |column| (row, column)));
    let distance =
        |(row, column)| kernel[(row, row)] + kernel[(column, column)] - 2.0 * kernel[(row, column)];
    pairs.map(distance).collect()
}

/// The rank of every value, equal values sharing the mean of theirs, less the mean rank.
fn centred_ranks(values: Vec<f64>) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|one, other| {
        values[*one].total_cmp(&values[*other]).then(one.cmp(other))
    });
    let mean = (values.len() as f64 - 1.0) / 2.0;
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    for equal in order.chunk_by(|one, other| values[*one] == values[*other]) {
        let rank = first as f64 + (equal.len() as f64 - 1.0) / 2.0 - mean;
        equal.iter().for_each(|at| ranks[*at] = rank);
        first += equal.len();
    }
    ranks
}

/// The matrix product, computed in the calling thread.
fn product(left: MatRef<'_, f64>, right: MatRef<'_, f64>) -> Mat<f64> {
    let mut product = Mat::zeros(left.nrows(), right.ncols());
    matmul(&mut product, Accum::Replace, left, right, 1.0, Par::Seq);
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_share_a_rank() {
        assert_eq!(
            centred_ranks(vec![3.0, 1.0, 3.0, 7.0]),
            [0.0, -1.5, 0.0, 1.5]
        );
        assert_eq!(centred_ranks(vec![2.0, 2.0]), [0.0, 0.0]);
        assert!(centred_ranks(Vec::new()).is_empty());
    }

    #[test]
    fn distances_of_a_right_triangle() {
        // Images at (0, 0), (3, 0) and (0, 4).
        let kernel = centred_kernel(&[0.0, 0.0, 3.0, 0.0, 0.0, 4.0], 3);
        let found = squared_distances(&kernel);
        for (found, expected) in found.iter().zip([9.0, 16.0, 25.0]) {
            assert!((found - expected).abs() < 1e-12, "{found}");
        }
    }
}
