//! The leading principal components of many vectors, without their covariance matrix, which would not fit in memory for
//! wide layers: orthogonal iteration with Rayleigh-Ritz projection (Golub and Van Loan, *Matrix Computations*, 8.2).

use eigenscope_stage::Seed;
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par, Scale, Side};
use rayon::prelude::*;

use crate::error::MetricError;
use crate::vectors::sign;

/// Directions that are iterated; the more there are than wanted, the fewer iterations.
const DIRECTIONS: usize = 16;
/// Iterations end when |C v - lambda v| is below this part of the largest lambda.
const TOLERANCE: f64 = 1e-10;
/// Nearly equal variances leave the direction open; it is not worth more iterations.
const MAXIMUM_ITERATIONS: usize = 200;
/// Sums over the rows are made in this many parts, whatever the number of threads.
const PARTS: usize = 16;
/// Values widened to f64 at a time.
const BLOCK_VALUES: usize = 1 << 16;

/// Scores `[n][2]` of the first two principal components of `points` `[n, width]`, in f64: the centred points
/// projected on the unit eigenvectors of the two largest eigenvalues of their covariance matrix, each with
/// the sign that makes its component of largest absolute value positive.
///
/// O(n width) an iteration. Memory: `2 KiB * width`, and 0.5 MiB or one point a thread. The same bits for any number
/// of threads.
///
/// # Errors
/// Returns an error if the vectors have one component or are all equal: there are no two directions then.
pub fn two_principal_components(
    points: &[f32],
    width: usize,
) -> Result<Vec<[f64; 2]>, MetricError> {
    let cloud = Cloud::new(points, width);
    let mut pairs = RitzPairs::new(&cloud, &start(width))?;
    for _ in 1..MAXIMUM_ITERATIONS {
        if pairs.residual() <= TOLERANCE {
            break;
        }
        pairs = RitzPairs::new(&cloud, &pairs.images.qr().compute_thin_Q())?;
    }
    let last = pairs.values.len() - 1;
    Ok(cloud.scores([last, last - 1].map(|column| pairs.axis(column))))
}

/// What a basis of a subspace says about the eigenvectors of the scatter matrix C = X^T X.
struct RitzPairs {
    /// Approximate eigenvalues, ascending; at least two, the last one positive.
    values: Vec<f64>,
    /// Approximate eigenvectors v, orthonormal columns.
    vectors: Mat<f64>,
    /// C v.
    images: Mat<f64>,
}

impl RitzPairs {
    /// The best approximations within the span of the orthonormal columns of `basis`.
    fn new(cloud: &Cloud<'_>, basis: &Mat<f64>) -> Result<Self, MetricError> {
        let image = cloud.scatter_times(basis);
        let pairs = (basis.transpose() * &image).self_adjoint_eigen(Side::Lower);
        let pairs = pairs.map_err(|error| {
            MetricError::Numerics(format!(
                "the principal components cannot be computed: {error:?}"
            ))
        })?;
        let values: Vec<f64> = pairs.S().column_vector().iter().copied().collect();
        match values.last_chunk() {
            Some([_, first]) if *first > 0.0 => Ok(Self {
                vectors: basis * pairs.U(),
                images: image * pairs.U(),
                values,
            }),
            _ => Err(MetricError::Undefined(format!(
                "{} vectors of {} values have no two principal components: expected different vectors of 2 values or more",
                cloud.len(),
                cloud.width
            ))),
        }
    }

    /// max |C v - lambda v| over the last two, as a part of the largest lambda.
    fn residual(&self) -> f64 {
        let last = self.values.len() - 1;
        let residual = |column: usize| {
            let approximation = self.vectors.col(column) * Scale(self.values[column]);
            (self.images.col(column) - approximation).norm_l2()
        };
        residual(last).max(residual(last - 1)) / self.values[last]
    }

    /// A vector with the sign that makes its component of largest absolute value positive.
    fn axis(&self, column: usize) -> Vec<f64> {
        let vector = self.vectors.col(column);
        let sign = sign(vector.iter());
        vector.iter().map(|value| value * sign).collect()
    }
}

/// Orthonormal directions `[width, min(16, width)]` to begin with: no structure of the data is orthogonal to them.
fn start(width: usize) -> Mat<f64> {
    let mut stream = Seed(0).stream("principal components", 0);
    Mat::from_fn(width, DIRECTIONS.min(width), |_, _| stream.uniform() - 0.5)
        .qr()
        .compute_thin_Q()
}

/// The mean of the `points` `[n, width]`, in f64.
pub(super) fn mean(points: &[f32], width: usize) -> Vec<f64> {
    let mut mean = vec![0.0; width];
    for point in points.chunks_exact(width) {
        for (sum, &value) in mean.iter_mut().zip(point) {
            *sum += f64::from(value);
        }
    }
    let count = (points.len() / width) as f64;
    mean.iter_mut().for_each(|sum| *sum /= count);
    mean
}

/// Vectors and their mean.
struct Cloud<'a> {
    /// `[n, width]`.
    points: &'a [f32],
    width: usize,
    mean: Vec<f64>,
}

impl<'a> Cloud<'a> {
    fn new(points: &'a [f32], width: usize) -> Self {
        Self {
            points,
            width,
            mean: mean(points, width),
        }
    }

    fn len(&self) -> usize {
        self.points.len() / self.width
    }

    /// X^T X V `[width, k]` of the centred points X `[n, width]` and a V `[width, k]`.
    fn scatter_times(&self, v: &Mat<f64>) -> Mat<f64> {
        let part = self.len().div_ceil(PARTS).max(1) * self.width;
        let sums: Vec<Mat<f64>> = self
            .points
            .par_chunks(part)
            .map(|points| self.scatter_of_part(points, v))
            .collect();
        let zero = Mat::zeros(v.nrows(), v.ncols());
        sums.iter().fold(zero, |sum, part| sum + part)
    }

    fn scatter_of_part(&self, points: &[f32], v: &Mat<f64>) -> Mat<f64> {
        let mut sum = Mat::zeros(v.nrows(), v.ncols());
        let block = (BLOCK_VALUES / self.width).max(1) * self.width;
        for values in points.chunks(block) {
            let rows = values.len() / self.width;
            let x = Mat::from_fn(rows, self.width, |row, column| {
                f64::from(values[row * self.width + column]) - self.mean[column]
            });
            let projected = &x * v;
            matmul(
                &mut sum,
                Accum::Add,
                x.transpose(),
                &projected,
                1.0,
                Par::Seq,
            );
        }
        sum
    }

    fn scores(&self, axes: [Vec<f64>; 2]) -> Vec<[f64; 2]> {
        let score = |point: &[f32], axis: &[f64]| -> f64 {
            let centred = point.iter().zip(&self.mean).map(|(&x, m)| f64::from(x) - m);
            centred.zip(axis).map(|(x, weight)| x * weight).sum()
        };
        self.points
            .par_chunks_exact(self.width)
            .map(|point| [score(point, &axes[0]), score(point, &axes[1])])
            .collect()
    }
}
