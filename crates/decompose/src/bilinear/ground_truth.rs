//! The top eigenvector and the linear term of one class, with the bias of the layer folded into the interaction matrix, so that
//! its eigenvectors account for the whole logit.

use eigenscope_models::BilinearWeights;
use faer::{Mat, MatRef};
use serde::Deserialize;

use super::matrices::{BilinearMatrices, input_vectors, interaction_matrix};
use crate::error::DecomposeError;
use crate::linear_algebra::eigensystem;

/// What a class takes from the constant unit that carries the bias (the last column of U', see [`fold_bias`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Folding {
    /// U' = [U, 0]: nothing, so that Q is exactly the logit.
    Corrected,
    /// U' = [U, 1]: its square, 1. No probability changes, but Q gains an eigenvalue near 1 along the constant
    /// input. Where the other eigenvalues are smaller, it is the largest, and its eigenvector shows no image.
    Published,
}

/// What the folded interaction matrix of one class says about single images.
#[derive(Debug, Clone, PartialEq)]
pub struct GroundTruth {
    /// Largest eigenvalue of Q, positive.
    pub eigenvalue: f64,
    /// Its eigenvector in input space, the first D entries of E'^T v for unit v, rounded to f32. Not normalised.
    /// Of E'^T v, the entry of largest absolute value is positive ([`input_vectors`]).
    pub top: Vec<f32>,
    /// Last entry of E'^T v: the component along the constant input 1.
    pub bias_component: f64,
    /// E^T (2 Q[:-1, -1]), the part of the logit that is linear in x, `[D]`, rounded to f32.
    pub linear: Vec<f32>,
}

/// Takes one class of a biased bilinear layer apart, in f64.
///
/// Q `[d + 1, d + 1]` is the [`interaction_matrix`] of [`fold_bias`]; its eigenvectors are mapped to input space
/// through E'.
///
/// # Errors
/// Returns an error if the model has no bias or is residual, has no such class or no weights, if no eigenvalue is positive, if the iteration does
/// not converge, or if a value overflows.
pub fn ground_truth(
    weights: &BilinearWeights,
    class: usize,
    folding: Folding,
) -> Result<GroundTruth, DecomposeError> {
    let (inputs, hidden, classes) = (weights.inputs, weights.hidden, weights.classes);
    if class >= classes {
        return Err(DecomposeError::no_class(class, classes));
    }
    if inputs == 0 || hidden == 0 {
        return Err(DecomposeError::empty_model(inputs, hidden, classes));
    }
    let folded = fold_bias(weights, folding)?;
    let not_finite = |quantity| DecomposeError::overflow(class, quantity);
    let matrix = interaction_matrix(&folded, class);
    let size = matrix.nrows();
    if !matrix.is_all_finite() {
        return Err(not_finite("the folded interaction matrix"));
    }
    let system =
        eigensystem(matrix.as_ref()).map_err(|_| DecomposeError::no_eigenvalues(class, size))?;
    let eigenvalue = system.values[hidden];
    if !eigenvalue.is_finite() {
        return Err(not_finite("an eigenvalue"));
    }
    if eigenvalue <= 0.0 {
        let problem = format!(
            "no eigenvalue of the folded interaction matrix is positive, the largest is {eigenvalue}"
        );
        return Err(DecomposeError::of_class(class, problem));
    }
    let unit = Mat::from_fn(size, 1, |row, _| system.vectors[(row, hidden)]);
    let mapped = input_vectors(folded.embed.as_ref(), unit.as_ref());
    let slope = Mat::from_fn(hidden, 1, |row, _| 2.0 * matrix[(row, hidden)]);
    let linear = folded
        .embed
        .submatrix(0, 0, hidden, inputs)
        .transpose()
        .to_owned()
        * slope;
    Ok(GroundTruth {
        eigenvalue,
        top: narrow(mapped.as_ref(), inputs).ok_or_else(|| not_finite("the top eigenvector"))?,
        bias_component: mapped[(inputs, 0)],
        linear: narrow(linear.as_ref(), inputs).ok_or_else(|| not_finite("the linear bias"))?,
    })
}

/// The first `count` entries of a column as f32, if all are finite.
fn narrow(column: MatRef<'_, f64>, count: usize) -> Option<Vec<f32>> {
    let values: Vec<f32> = (0..count).map(|row| column[(row, 0)] as f32).collect();
    values
        .iter()
        .all(|value| value.is_finite())
        .then_some(values)
}

/// A bilinear layer with its bias made part of the matrices, one hidden unit larger:
///
/// ```text
/// L' = [[L, b_l], [0, 1]]   R' = [[R, b_r], [0, 1]]   U' = [U, u]   E' = blockdiag(E, 1)
/// ```
///
/// With x' = [x, 1] and Q_c the [`interaction_matrix`] of these, `(E' x')^T Q_c (E' x') = logits[c] + u`, where u is
/// 0 ([`Folding::Corrected`]) or 1 ([`Folding::Published`]) for every class alike.
///
/// Source: the published notebook, with u = 1.
///
/// # Errors
/// Returns an error if the layer has no bias or is residual.
pub fn fold_bias(
    weights: &BilinearWeights,
    folding: Folding,
) -> Result<BilinearMatrices, DecomposeError> {
    let constant = match folding {
        Folding::Corrected => 0.0,
        Folding::Published => 1.0,
    };
    if weights.residual {
        let text = "the model is residual: its logits have a linear part U E x beside the folded matrix, so that the matrix does not \
                    account for them";
        return Err(DecomposeError::Undefined(text.to_owned()));
    }
    let Some((left, right)) = &weights.bias else {
        let text = "the model has no bias to fold in; train it with `bias = true`";
        return Err(DecomposeError::Undefined(text.to_owned()));
    };
    let plain = BilinearMatrices::new(weights);
    let size = weights.hidden + 1;
    Ok(BilinearMatrices {
        embed: bordered(&plain.embed, size, weights.inputs + 1, |_| 0.0, 1.0),
        left: bordered(&plain.left, size, size, |row| f64::from(left[row]), 1.0),
        right: bordered(&plain.right, size, size, |row| f64::from(right[row]), 1.0),
        unembed: Mat::from_fn(weights.classes, size, |row, column| {
            if column < weights.hidden {
                plain.unembed[(row, column)]
            } else {
                constant
            }
        }),
    })
}

/// `[[inner, last column], [0, corner]]`.
fn bordered(
    inner: &Mat<f64>,
    rows: usize,
    columns: usize,
    last: impl Fn(usize) -> f64,
    corner: f64,
) -> Mat<f64> {
    Mat::from_fn(rows, columns, |row, column| {
        match (row + 1 == rows, column + 1 == columns) {
            (false, false) => inner[(row, column)],
            (false, true) => last(row),
            (true, false) => 0.0,
            (true, true) => corner,
        }
    })
}

/// a . b / (|a| |b|) in f64, with its sign; none if either is all zero.
pub fn cosine(a: &[f32], b: &[f32]) -> Option<f64> {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        let products = a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b));
        products.sum()
    };
    let (first, second) = (dot(a, a).sqrt(), dot(b, b).sqrt());
    (first > 0.0 && second > 0.0).then(|| dot(a, b) / first / second)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_hand(bias: Option<(Vec<f32>, Vec<f32>)>) -> BilinearWeights {
        BilinearWeights {
            inputs: 1,
            hidden: 1,
            classes: 2,
            embed: vec![2.0],
            left: vec![3.0],
            right: vec![5.0],
            bias,
            unembed: vec![0.0, 1.0],
            residual: false,
        }
    }

    #[test]
    fn folding_by_hand() {
        let weights = by_hand(Some((vec![1.0], vec![-1.0])));
        let folded = fold_bias(&weights, Folding::Published).expect("a bias");
        // (3 h + 1)(5 h - 1) + 1 = 15 h^2 + 2 h + 0, h = 2 x.
        let q = interaction_matrix(&folded, 1);
        assert_eq!(
            [q[(0, 0)], q[(0, 1)], q[(1, 0)], q[(1, 1)]],
            [15.0, 1.0, 1.0, 0.0]
        );
        let exact = fold_bias(&weights, Folding::Corrected).expect("a bias");
        let exact = interaction_matrix(&exact, 1);
        assert_eq!(exact[(1, 1)], -1.0);
        assert_eq!([exact[(0, 0)], exact[(0, 1)]], [q[(0, 0)], q[(0, 1)]]);
        let truth = ground_truth(&weights, 1, Folding::Published).expect("decomposes");
        assert_eq!(truth.linear, [4.0]);
        let expected = 7.5 + (7.5_f64 * 7.5 + 1.0).sqrt();
        assert!((truth.eigenvalue - expected).abs() < 1e-12);
        // Unit v with v_1 / v_0 = lambda - 15; E' stretches v_0 by 2.
        let ratio = expected - 15.0;
        let first = 1.0 / (1.0 + ratio * ratio).sqrt();
        assert!((f64::from(truth.top[0]) - 2.0 * first).abs() < 1e-6);
        assert!((truth.bias_component - ratio * first).abs() < 1e-12);
    }

    #[test]
    fn an_empty_target_has_no_cosine() {
        assert_eq!(cosine(&[1.0, 2.0], &[0.0, 0.0]), None);
        assert_eq!(cosine(&[1.0, 0.0], &[-3.0, 0.0]), Some(-1.0));
    }

    #[test]
    fn what_cannot_be_folded_says_why() {
        let message = |weights: &BilinearWeights, class| {
            ground_truth(weights, class, Folding::Published)
                .expect_err("refused")
                .to_string()
        };
        assert_eq!(
            message(&by_hand(None), 1),
            "the model has no bias to fold in; train it with `bias = true`"
        );
        let mut biased = by_hand(Some((vec![1.0], vec![-1.0])));
        assert_eq!(message(&biased, 2), "there is no class 2, the model has 2");
        // logits[1] = -15 h_1^2 - 4, so Q = diag(-15, 0, -3).
        let negative = BilinearWeights {
            hidden: 2,
            embed: vec![2.0, 0.0],
            left: vec![3.0, 0.0, 0.0, 0.0],
            right: vec![5.0, 0.0, 0.0, 0.0],
            bias: Some((vec![0.0, 2.0], vec![0.0, 2.0])),
            unembed: vec![0.0, 0.0, -1.0, -1.0],
            ..by_hand(None)
        };
        assert!(message(&negative, 1).contains("no eigenvalue of the folded interaction matrix"));
        biased.embed.clear();
        biased.inputs = 0;
        assert!(message(&biased, 1).contains("has no eigenvectors"));
    }
}
