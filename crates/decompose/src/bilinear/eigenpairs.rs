//! Eigenpairs of the interaction matrix of every class.

use eigenscope_artifact::EigenpairRow;
use eigenscope_artifact::tables::bilinear::SpectrumRow;
use eigenscope_models::BilinearWeights;
use faer::Mat;
use rayon::prelude::*;

use super::matrices::{BilinearMatrices, input_vectors, interaction_matrix};
use crate::error::DecomposeError;
use crate::linear_algebra::{Eigensystem, eigensystem};

/// The decomposition of one class.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassDecomposition {
    /// All d eigenvalues, ascending.
    pub spectrum: Vec<SpectrumRow>,
    /// The eigenpairs at [`kept_positions`], ascending, with their vectors in input space
    /// ([`input_vectors`]) rounded to f32.
    pub pairs: Vec<EigenpairRow>,
}

/// Positions kept of `size` ascending eigenvalues: the `count` lowest, then the `count` highest, none twice.
pub fn kept_positions(size: usize, count: usize) -> Vec<usize> {
    let lowest = count.min(size);
    let highest = size.saturating_sub(count).max(lowest);
    (0..lowest).chain(highest..size).collect()
}

/// Decomposes the interaction matrix of every class, in class order, in f64.
///
/// Classes are spread over the current rayon pool; `finished` is called once a class, in any order.
/// Besides the weights, each thread holds five d x d matrices at its peak: 40 MB for d = 1000, Q and V
/// being 8 MB each and the rest the solver's.
///
/// # Errors
/// Returns an error if the model has no inputs, hidden units or classes, if an eigenvalue iteration does not converge, or if a
/// matrix, eigenvalue or vector overflows. It is that of the first failing class.
pub fn decompose(
    weights: &BilinearWeights,
    count: usize,
    finished: impl Fn() + Sync,
) -> Result<Vec<ClassDecomposition>, DecomposeError> {
    let matrices = BilinearMatrices::of_some(weights)?;
    let results: Vec<Result<ClassDecomposition, DecomposeError>> = (0..weights.classes)
        .into_par_iter()
        .map(|class| {
            let result = decompose_class(&matrices, class, count);
            finished();
            result
        })
        .collect();
    results.into_iter().collect()
}

/// All eigenpairs of the interaction matrix of one class.
///
/// # Errors
/// Returns an error if the iteration does not converge, or if the matrix or an eigenvalue overflows.
pub(crate) fn class_eigensystem(
    matrices: &BilinearMatrices,
    class: usize,
) -> Result<Eigensystem, DecomposeError> {
    let matrix = interaction_matrix(matrices, class);
    if !matrix.is_all_finite() {
        return Err(DecomposeError::overflow(class, "the interaction matrix"));
    }
    let system = eigensystem(matrix.as_ref())
        .map_err(|_| DecomposeError::no_eigenvalues(class, matrix.nrows()))?;
    match system.values.iter().all(|value| value.is_finite()) {
        true => Ok(system),
        false => Err(DecomposeError::overflow(class, "an eigenvalue")),
    }
}

fn decompose_class(
    matrices: &BilinearMatrices,
    class: usize,
    count: usize,
) -> Result<ClassDecomposition, DecomposeError> {
    let system = class_eigensystem(matrices, class)?;
    input_eigenpairs(matrices, &system, class, count)
}

/// The eigenpairs at [`kept_positions`] of a matrix in the hidden space, which the result calls `class`, with their vectors in input space,
/// and all eigenvalues.
///
/// # Errors
/// Returns an error if a vector overflows.
pub(crate) fn input_eigenpairs(
    matrices: &BilinearMatrices,
    system: &Eigensystem,
    class: usize,
    count: usize,
) -> Result<ClassDecomposition, DecomposeError> {
    let size = system.values.len();
    let kept = kept_positions(size, count);
    let vectors = Mat::from_fn(size, kept.len(), |row, column| {
        system.vectors[(row, kept[column])]
    });
    let images = input_vectors(matrices.embed.as_ref(), vectors.as_ref());
    let mut pairs = Vec::with_capacity(kept.len());
    for (column, &position) in kept.iter().enumerate() {
        let input_vector: Vec<f32> = images
            .col(column)
            .iter()
            .map(|&value| value as f32)
            .collect();
        if !input_vector.iter().all(|value| value.is_finite()) {
            let vector = "an eigenvector in input space";
            return Err(DecomposeError::overflow(class, vector));
        }
        pairs.push(EigenpairRow {
            class: class as u32,
            index: position as u32,
            eigenvalue: system.values[position],
            input_vector,
        });
    }
    let spectrum = system.values.iter().enumerate();
    Ok(ClassDecomposition {
        spectrum: spectrum
            .map(|(index, &eigenvalue)| SpectrumRow {
                class: class as u32,
                index: index as u32,
                eigenvalue,
            })
            .collect(),
        pairs,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_kept_once() {
        assert_eq!(kept_positions(6, 2), [0, 1, 4, 5]);
        assert_eq!(kept_positions(4, 2), [0, 1, 2, 3]);
        assert_eq!(kept_positions(3, 2), [0, 1, 2]);
        assert_eq!(kept_positions(2, 30), [0, 1]);
        assert_eq!(kept_positions(0, 1), [0; 0]);
    }
}
