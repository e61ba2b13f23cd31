//! The matrices of a bilinear layer in f64, and what is built from them.

use eigenscope_models::BilinearWeights;
use faer::{Mat, MatRef};

use crate::error::DecomposeError;
use crate::linear_algebra::{fix_signs, product, row_major};

/// The weights of a bilinear layer as f64 matrices: `8 (2 d d + d D + C d)` bytes, 23 MB for d = 1000 on
/// MNIST. The bias is left out.
#[derive(Debug, Clone)]
pub struct BilinearMatrices {
    /// E `[d, D]`.
    pub embed: Mat<f64>,
    /// L `[d, d]`.
    pub left: Mat<f64>,
    /// R `[d, d]`.
    pub right: Mat<f64>,
    /// U `[C, d]`.
    pub unembed: Mat<f64>,
}

impl BilinearMatrices {
    /// Widens the stored weights, exactly.
    pub fn new(weights: &BilinearWeights) -> Self {
        let (hidden, inputs) = (weights.hidden, weights.inputs);
        Self {
            embed: row_major(&weights.embed, hidden, inputs),
            left: row_major(&weights.left, hidden, hidden),
            right: row_major(&weights.right, hidden, hidden),
            unembed: row_major(&weights.unembed, weights.classes, hidden),
        }
    }

    /// As [`BilinearMatrices::new`], of weights that are not empty.
    ///
    /// # Errors
    /// Returns an error if the model has no inputs, hidden units or classes.
    pub fn of_some(weights: &BilinearWeights) -> Result<Self, DecomposeError> {
        let (inputs, hidden) = (weights.inputs, weights.hidden);
        match inputs == 0 || hidden == 0 || weights.classes == 0 {
            true => Err(DecomposeError::empty_model(inputs, hidden, weights.classes)),
            false => Ok(Self::new(weights)),
        }
    }

    /// C.
    pub fn classes(&self) -> usize {
        self.unembed.nrows()
    }
}

/// The interaction matrix of one class, `[d, d]`, symmetric to the last bit:
///
/// ```text
/// Q_c = 1/2 sum_o U[c,o] (l_o r_o^T + r_o l_o^T) = 1/2 (M + M^T),   M = L^T diag(U_c) R
/// ```
///
/// with l_o and r_o the rows of L and R as columns. Without a bias, `logits[c] = (E x)^T Q_c (E x)`; with
/// one, or if the layer is residual, this is the part of second order in x. Weights have no unit, nor has Q.
///
/// Source: Pearce et al., *Bilinear MLPs enable weight-based mechanistic interpretability* (2025).
///
/// Three matrices of `8 d d` bytes are alive at the peak (8 MB each for d = 1000).
pub fn interaction_matrix(matrices: &BilinearMatrices, class: usize) -> Mat<f64> {
    let hidden = matrices.left.nrows();
    let weighted = Mat::from_fn(hidden, hidden, |output, input| {
        matrices.unembed[(class, output)] * matrices.left[(output, input)]
    });
    let product = product(weighted.transpose(), matrices.right.as_ref());
    drop(weighted);
    Mat::from_fn(hidden, hidden, |row, column| {
        0.5 * (product[(row, column)] + product[(column, row)])
    })
}

/// Eigenvectors in input space, E^T v, one a column: `[D, m]` from E `[d, D]` and unit eigenvectors in the
/// columns of `vectors` `[d, m]`.
///
/// They are not normalised: `lambda (v^T E x)^2` is the eigenpair's part of the logit of x. An eigenvector
/// has no sign of its own; here the entry of largest absolute value is positive (the first of equal ones).
pub fn input_vectors(embed: MatRef<'_, f64>, vectors: MatRef<'_, f64>) -> Mat<f64> {
    let mut images = product(embed.transpose(), vectors);
    fix_signs(images.as_mut());
    images
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sign_makes_the_largest_entry_positive_and_the_first_of_equal_ones_decides() {
        let identity = Mat::<f64>::identity(3, 3);
        let vectors = Mat::from_fn(3, 3, |row, column| {
            [[1.0, -3.0, 2.0], [2.0, -2.0, 1.0], [-2.0, 2.0, 1.0]][column][row]
        });
        let images = input_vectors(identity.as_ref(), vectors.as_ref());
        let column = |c: usize| [images[(0, c)], images[(1, c)], images[(2, c)]];
        assert_eq!(column(0), [-1.0, 3.0, -2.0]);
        assert_eq!(column(1), [2.0, -2.0, 1.0]);
        assert_eq!(column(2), [2.0, -2.0, -1.0]);
    }

    #[test]
    fn interaction_by_hand() {
        let weights = BilinearWeights {
            inputs: 1,
            hidden: 2,
            classes: 1,
            embed: vec![1.0, 1.0],
            left: vec![1.0, 2.0, 3.0, 4.0],
            right: vec![5.0, 6.0, 7.0, 8.0],
            bias: None,
            unembed: vec![2.0, -1.0],
            residual: false,
        };
        let q = interaction_matrix(&BilinearMatrices::new(&weights), 0);
        // M = 2 [1 2]^T [5 6] - [3 4]^T [7 8] = [[10 - 21, 12 - 24], [20 - 28, 24 - 32]]
        let expected = [[-11.0, -10.0], [-10.0, -8.0]];
        for (row, values) in expected.iter().enumerate() {
            for (column, value) in values.iter().enumerate() {
                assert_eq!(q[(row, column)], *value);
            }
        }
    }
}
