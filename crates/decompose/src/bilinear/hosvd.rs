//! The singular value decomposition of the interaction tensor (HOSVD along its classes).
//!
//! ```text
//! T [C, d^2], row c = Q_c        T = sum_k sigma_k u_k vec(V_k)^T
//! ```
//!
//! with unit u_k `[C]` and symmetric V_k `[d, d]` of Frobenius norm 1: interactions that several classes share, and what each class
//! takes from them.
//!
//! Source: Pearce et al., *Bilinear MLPs enable weight-based mechanistic interpretability* (2025), appendix D.

use faer::Mat;
use rayon::prelude::*;

use super::matrices::{BilinearMatrices, interaction_matrix};
use crate::error::DecomposeError;
use crate::linear_algebra::{Eigensystem, eigensystem, singular_system};

/// One component of the interaction tensor.
#[derive(Debug, Clone)]
pub struct Component {
    /// sigma_k.
    pub singular_value: f64,
    /// u_k `[C]`; its entry of largest absolute value is positive (the first of equal ones).
    pub contributions: Vec<f64>,
    /// Eigenpairs of V_k.
    pub system: Eigensystem,
}

/// The components of the interaction tensor, `min(C, d (d + 1) / 2)` of them, largest singular value first, in f64.
///
/// The components' eigenpairs are spread over the current rayon pool. Memory: about four times C matrices of `4 d d` bytes, and
/// four of `8 d d` bytes a thread.
///
/// # Errors
/// Returns an error if an iteration does not converge or a matrix overflows.
pub fn hosvd(matrices: &BilinearMatrices) -> Result<Vec<Component>, DecomposeError> {
    let size = matrices.left.nrows();
    // Of a symmetric matrix the upper triangle; what stands for two entries counts twice.
    let pairs: Vec<(usize, usize)> = (0..size)
        .flat_map(|row| (row..size).map(move |column| (row, column)))
        .collect();
    let weight = |(row, column): (usize, usize)| if row == column { 1.0 } else { 2.0_f64.sqrt() };
    let forms: Vec<Mat<f64>> = (0..matrices.classes())
        .into_par_iter()
        .map(|class| interaction_matrix(matrices, class))
        .collect();
    if let Some(class) = forms.iter().position(|form| !form.is_all_finite()) {
        return Err(DecomposeError::overflow(class, "the interaction matrix"));
    }
    let flat = Mat::from_fn(pairs.len(), forms.len(), |row, class| {
        weight(pairs[row]) * forms[class][pairs[row]]
    });
    drop(forms);
    let system = singular_system(flat.as_ref()).map_err(|_| {
        DecomposeError::Undefined(
            "the singular values of the interaction tensor did not converge".to_owned(),
        )
    })?;
    drop(flat);
    let components = (0..system.values.len()).into_par_iter().map(|number| {
        let mut form = Mat::zeros(size, size);
        for (position, &(row, column)) in pairs.iter().enumerate() {
            let value = system.left[(position, number)] / weight((row, column));
            (form[(row, column)], form[(column, row)]) = (value, value);
        }
        let system_of_form = eigensystem(form.as_ref()).map_err(|_| {
            let number = number + 1;
            DecomposeError::Undefined(format!(
                "the eigenvalues of component {number} of the interaction tensor did not converge"
            ))
        })?;
        // The decomposition has made the largest entry positive.
        Ok(Component {
            singular_value: system.values[number],
            contributions: system.right.col(number).iter().copied().collect(),
            system: system_of_form,
        })
    });
    components.collect()
}
