//! The eigenvectors of a covariance in the space of what a layer reads.

use eigenscope_artifact::{BasisHeader, NamedTensor};
use eigenscope_models::Architecture;
use faer::{Mat, MatRef};

use crate::error::DecomposeError;
use crate::linear_algebra::{eigensystem, fix_signs, no_convergence, singular_system_of_layer};

/// Eigenvalues of a covariance `[p, p]` with their unit eigenvectors, largest first.
#[derive(Debug, Clone)]
pub struct Eigenbasis {
    /// Eigenvalues, descending.
    pub eigenvalues: Vec<f64>,
    /// `[p, eigenvalues.len()]`: column i belongs to eigenvalue i. Columns are orthonormal, and in each the entry of
    /// largest absolute value is positive (the first of equal ones).
    pub vectors: Mat<f64>,
}

impl Eigenbasis {
    /// All p eigenvectors of a covariance `[p, p]`, of which the lower triangle is read; `layer` is for messages.
    ///
    /// A covariance has no negative eigenvalue, but rounding gives those that should be 0 either sign, about
    /// 1e-16 p of the largest in size. They are kept as they are found.
    ///
    /// # Errors
    /// Returns an error if the iteration does not converge.
    pub fn of_covariance(layer: &str, covariance: MatRef<'_, f64>) -> Result<Self, DecomposeError> {
        let size = covariance.nrows();
        let mut system = eigensystem(covariance).map_err(|_| no_convergence(layer, covariance))?;
        system.values.reverse();
        let mut vectors = Mat::from_fn(size, size, |row, column| {
            system.vectors[(row, size - 1 - column)]
        });
        fix_signs(vectors.as_mut());
        Ok(Self {
            eigenvalues: system.values,
            vectors,
        })
    }

    /// The min(n, p) eigenvectors of A^T A / n for A `[n, p]`: its right singular vectors. The eigenvalues are s^2 / n
    /// of its singular values s; the other p - min(n, p) are 0 and left out. `layer` is for messages.
    ///
    /// # Errors
    /// Returns an error if the iteration does not converge.
    pub fn of_rows(layer: &str, rows: MatRef<'_, f64>) -> Result<Self, DecomposeError> {
        let found = singular_system_of_layer(layer, rows)?;
        let count = rows.nrows() as f64;
        let values = found.values.iter();
        Ok(Self {
            eigenvalues: values.map(|value| value * value / count).collect(),
            vectors: found.right,
        })
    }

    /// What the eigenvalues say about the eigenvectors; `spikes` as in [`BasisHeader`].
    pub fn header(&self, spikes: Option<u32>) -> BasisHeader {
        let largest = self.eigenvalues.first().copied().unwrap_or(0.0);
        let above = |value: &&f64| **value > BasisHeader::CUT * largest;
        let rank = self.eigenvalues.iter().filter(above).count() as u32;
        BasisHeader { rank, spikes }
    }

    /// The eigenvectors as rows, `[eigenvalues.len(), p]` in f32, named by their layer.
    pub fn tensor(&self, layer: &str) -> NamedTensor {
        let (inputs, ranks) = self.vectors.shape();
        let values = self.vectors.col_iter().flat_map(|column| column.iter());
        NamedTensor {
            name: layer.to_owned(),
            shape: vec![ranks, inputs],
            data: values.map(|&value| value as f32).collect(),
        }
    }
}

/// Refuses a model with a layer that has no inputs or no outputs.
pub(crate) fn check_layers(architecture: &Architecture) -> Result<(), DecomposeError> {
    for (_, layer) in architecture.layers() {
        if layer.inputs() == 0 || layer.outputs == 0 {
            return Err(DecomposeError::Empty(format!(
                "layer `{}` has no weights: {} inputs and {} outputs",
                layer.name,
                layer.inputs(),
                layer.outputs
            )));
        }
    }
    Ok(())
}
