//! Adversarial masks from the weights of a bilinear layer.
//!
//! The k largest eigenvectors of every class, unit vectors v of the hidden space, are the rows of the decoders B `[C k, d]`. The
//! columns of the pseudo-inverse of B are the encoders: of all decoders, encoder i projects on decoder i only, as far as
//! they are independent. E^T maps both to input space. An encoder divided by its standard deviation over the pixels is a
//! mask.
//!
//! Source: Pearce et al., *Bilinear MLPs enable weight-based mechanistic interpretability* (2025), figure 7 and appendix M.

use faer::{Mat, MatRef};
use rayon::prelude::*;

use super::eigenpairs::class_eigensystem;
use super::matrices::BilinearMatrices;
use crate::error::DecomposeError;
use crate::linear_algebra::{product, singular_system};

/// The largest eigenvectors of every class, and the encoders that single them out.
#[derive(Debug, Clone)]
pub struct MaskVectors {
    /// k, at most d.
    pub count: usize,
    /// Eigenvalues `[C k]`, those of a class descending.
    pub eigenvalues: Vec<f64>,
    /// E^T v `[D, C k]`, in the order of the eigenvalues. Signs are the solver's.
    pub decoders: Mat<f64>,
    /// E^T times the encoders, `[D, C k]`; their signs are those of the decoders.
    pub encoders: Mat<f64>,
}

/// The `min(count, d)` largest eigenvectors of every class and their encoders, in f64.
///
/// Classes are spread over the current rayon pool.
///
/// # Errors
/// Returns an error if an iteration does not converge or a matrix overflows.
pub fn mask_vectors(
    matrices: &BilinearMatrices,
    count: usize,
) -> Result<MaskVectors, DecomposeError> {
    let hidden = matrices.left.nrows();
    let count = count.min(hidden);
    let systems: Vec<_> = (0..matrices.classes())
        .into_par_iter()
        .map(|class| class_eigensystem(matrices, class))
        .collect();
    let systems = systems.into_iter().collect::<Result<Vec<_>, _>>()?;
    let place = |column: usize| (&systems[column / count], hidden - 1 - column % count);
    let total = systems.len() * count;
    let vectors = Mat::from_fn(hidden, total, |row, column| {
        let (system, position) = place(column);
        system.vectors[(row, position)]
    });
    let eigenvalues = (0..total).map(place);
    let eigenvalues = eigenvalues.map(|(system, position)| system.values[position]);
    let eigenvalues = eigenvalues.collect();
    let encoders = pseudo_inverse(vectors.transpose())?;
    Ok(MaskVectors {
        count,
        eigenvalues,
        decoders: product(matrices.embed.transpose(), vectors.as_ref()),
        encoders: product(matrices.embed.transpose(), encoders.as_ref()),
    })
}

/// The Moore-Penrose pseudo-inverse `[n, m]` of a matrix `[m, n]`, in which singular values of at most `max(m, n)` times the
/// precision of f64 times the largest one count as zero.
///
/// # Errors
/// Returns an error if the singular values do not converge.
fn pseudo_inverse(matrix: MatRef<'_, f64>) -> Result<Mat<f64>, DecomposeError> {
    let system = singular_system(matrix).map_err(|_| {
        DecomposeError::Undefined(
            "the singular values of the stacked eigenvectors did not converge".to_owned(),
        )
    })?;
    let (rows, columns) = matrix.shape();
    let largest = system.values.first().copied().unwrap_or(0.0);
    let cut = rows.max(columns) as f64 * f64::EPSILON * largest;
    let scaled = Mat::from_fn(columns, system.values.len(), |row, column| {
        match system.values[column] {
            value if value > cut => system.right[(row, column)] / value,
            _ => 0.0,
        }
    });
    Ok(product(scaled.as_ref(), system.left.transpose()))
}

/// The standard deviation of some values, denominator n - 1; not a number for less than two.
pub fn standard_deviation(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let count = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / count;
    let squares: f64 = values.map(|value| (value - mean).powi(2)).sum();
    (squares / (count - 1.0)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pseudo_inverse_by_hand() {
        // Rows (1, 0, 0) and (1, 1, 0): their inverse in the plane.
        let matrix = Mat::from_fn(2, 3, |row, column| {
            [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]][row][column]
        });
        let found = pseudo_inverse(matrix.as_ref()).expect("converges");
        let expected = [[1.0, 0.0], [-1.0, 1.0], [0.0, 0.0]];
        let expected = Mat::from_fn(3, 2, |row, column| expected[row][column]);
        assert!((found - expected).norm_max() < 1e-14);
        // Twice the same row: each gets half of it.
        let twice = Mat::from_fn(2, 2, |_, column| [2.0, 0.0][column]);
        let found = pseudo_inverse(twice.as_ref()).expect("converges");
        assert!((found - Mat::from_fn(2, 2, |row, _| [0.25, 0.0][row])).norm_max() < 1e-14);
    }

    #[test]
    fn deviations_have_one_degree_less() {
        assert_eq!(standard_deviation([1.0, 3.0].into_iter()), 2.0_f64.sqrt());
        assert!(standard_deviation([1.0].into_iter()).is_nan());
    }
}
