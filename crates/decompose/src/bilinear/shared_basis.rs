//! Subspaces of the hidden space: how much of one class lies in the leading subspace of another, and one basis for all classes.

use faer::{Mat, MatRef};
use rayon::prelude::*;

use super::matrices::{BilinearMatrices, interaction_matrix};
use crate::error::DecomposeError;
use crate::linear_algebra::{Eigensystem, eigensystem, product};

/// The quadratic forms of all classes, taken apart.
#[derive(Debug, Clone)]
pub struct Forms {
    /// Q_c `[d, d]`.
    forms: Vec<Mat<f64>>,
    /// Eigenpairs of each.
    systems: Vec<Eigensystem>,
}

/// The share of every class's form in the leading subspace of every class.
#[derive(Debug, Clone, PartialEq)]
pub struct Completeness {
    /// Eigenvectors that span each subspace.
    pub kept: usize,
    /// For every class a, in every subspace b: `[a][b]`.
    pub shares: Vec<Vec<f64>>,
}

/// A basis that all classes share.
#[derive(Debug, Clone)]
pub struct SharedBasis {
    /// B `[d, k]`, B^T B = I.
    pub basis: Mat<f64>,
    /// B^T Q_c B `[k, k]` of every class.
    pub cores: Vec<Mat<f64>>,
    /// sqrt(sum_c |B^T Q_c B|^2 / sum_c |Q_c|^2) in Frobenius norms, 0 to 1.
    pub share: f64,
}

impl Forms {
    /// Takes the interaction matrix of every class apart, on the threads of the current rayon pool.
    ///
    /// # Errors
    /// Returns an error if an iteration does not converge, or if a matrix overflows or is zero in every class.
    pub fn new(matrices: &BilinearMatrices) -> Result<Self, DecomposeError> {
        let all: Vec<Result<_, DecomposeError>> = (0..matrices.classes())
            .into_par_iter()
            .map(|class| {
                let form = interaction_matrix(matrices, class);
                if !form.is_all_finite() {
                    return Err(DecomposeError::overflow(class, "the interaction matrix"));
                }
                let size = form.nrows();
                let system = eigensystem(form.as_ref())
                    .map_err(|_| DecomposeError::no_eigenvalues(class, size))?;
                Ok((form, system))
            })
            .collect();
        let all = all.into_iter().collect::<Result<Vec<_>, _>>()?;
        let (forms, systems): (Vec<Mat<f64>>, Vec<_>) = all.into_iter().unzip();
        if forms.iter().all(|form| form.norm_max() == 0.0) {
            let problem =
                "the interaction matrices of all classes are zero: there is no share of them";
            return Err(DecomposeError::Undefined(problem.to_owned()));
        }
        Ok(Self { forms, systems })
    }

    /// d.
    pub fn hidden(&self) -> usize {
        self.forms.first().map_or(0, Mat::nrows)
    }

    /// |P_b Q_a P_b| / |Q_a| in Frobenius norms for all classes a and b, with P_b the projector on the `min(kept, d)` eigenvectors
    /// of largest |lambda| of class b; 0 for a form that is zero.
    pub fn completeness(&self, kept: usize) -> Completeness {
        let kept = kept.min(self.hidden());
        let shares = self.forms.iter().map(|form| {
            let norm = form.norm_l2();
            let share = |system: &Eigensystem| {
                let leading = leading_by_magnitude(system, kept);
                // |P Q P| = |V^T Q V| for orthonormal V with P = V V^T.
                let inside = sandwich(form.as_ref(), leading.as_ref()).norm_l2();
                if norm > 0.0 {
                    (inside / norm).min(1.0)
                } else {
                    0.0
                }
            };
            self.systems.iter().map(share).collect()
        });
        Completeness {
            kept,
            shares: shares.collect(),
        }
    }

    /// The shared basis of `min(rank, d)` vectors: a Tucker-2 decomposition of the interaction tensor `[C, d, d]` with one factor for
    /// both its hidden sides.
    ///
    /// It starts with the leading eigenvectors of sum_c Q_c^2 (the factor of the higher-order singular value decomposition), and
    /// replaces B by the leading eigenvectors of sum_c Q_c B B^T Q_c (higher-order orthogonal iteration) as long as that increases the
    /// share, `iterations` times at most.
    ///
    /// # Errors
    /// Returns an error if an iteration does not converge.
    pub fn shared_basis(
        &self,
        rank: usize,
        iterations: usize,
    ) -> Result<SharedBasis, DecomposeError> {
        let rank = rank.min(self.hidden());
        let identity = Mat::identity(self.hidden(), self.hidden());
        let mut best = self.in_basis(self.leading(&identity, rank)?);
        for _ in 0..iterations {
            let next = self.in_basis(self.leading(&best.basis, rank)?);
            if next.share <= best.share {
                break;
            }
            best = next;
        }
        Ok(best)
    }

    /// The `rank` leading eigenvectors of sum_c Q_c B B^T Q_c.
    fn leading(&self, basis: &Mat<f64>, rank: usize) -> Result<Mat<f64>, DecomposeError> {
        let size = self.hidden();
        let mut sum = Mat::<f64>::zeros(size, size);
        for form in &self.forms {
            let inner = product(form.as_ref(), basis.as_ref());
            sum += product(inner.as_ref(), inner.transpose());
        }
        let system = eigensystem(sum.as_ref()).map_err(|_| {
            DecomposeError::Undefined(format!(
                "the eigenvalues of the {size} x {size} sum over all classes did not converge"
            ))
        })?;
        Ok(Mat::from_fn(size, rank, |row, column| {
            system.vectors[(row, size - 1 - column)]
        }))
    }

    fn in_basis(&self, basis: Mat<f64>) -> SharedBasis {
        let cores: Vec<Mat<f64>> = self
            .forms
            .iter()
            .map(|form| sandwich(form.as_ref(), basis.as_ref()))
            .collect();
        let squares = |matrices: &[Mat<f64>]| -> f64 {
            matrices.iter().map(|matrix| matrix.norm_l2().powi(2)).sum()
        };
        SharedBasis {
            // A share is 1 at most; rounding would put it above.
            share: (squares(&cores) / squares(&self.forms)).sqrt().min(1.0),
            basis,
            cores,
        }
    }
}

/// The eigenvectors of the `kept` eigenvalues of largest absolute value, in the columns.
fn leading_by_magnitude(system: &Eigensystem, kept: usize) -> Mat<f64> {
    let positions = eigenscope_artifact::Selection::Magnitude.positions(&system.values, kept);
    Mat::from_fn(system.values.len(), positions.len(), |row, column| {
        system.vectors[(row, positions[column])]
    })
}

/// V^T Q V.
fn sandwich(form: MatRef<'_, f64>, vectors: MatRef<'_, f64>) -> Mat<f64> {
    let inner = product(form, vectors);
    product(vectors.transpose(), inner.as_ref())
}
