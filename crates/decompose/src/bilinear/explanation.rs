//! What the eigenpairs of a bilinear layer add to the logits of one image.

use faer::Mat;

use super::eigenpairs::class_eigensystem;
use super::matrices::BilinearMatrices;
use crate::error::DecomposeError;
use crate::linear_algebra::product;

/// What one eigenpair adds to the logit of its class.
#[derive(Debug, Clone, PartialEq)]
pub struct Contribution {
    /// lambda.
    pub eigenvalue: f64,
    /// lambda (v . E x)^2.
    pub value: f64,
    /// E^T v `[D]`, with the sign that makes its product with the image positive.
    pub input_vector: Vec<f32>,
}

/// The contributions of all d eigenpairs of `class` to its logit of the input `x` `[D]`, largest first, in f64. They add up to the part
/// of the logit that is quadratic in x.
///
/// Source: Pearce et al., *Bilinear MLPs enable weight-based mechanistic interpretability* (2025), appendix C.
///
/// # Errors
/// Returns an error if the iteration does not converge or a value overflows.
pub fn contributions(
    matrices: &BilinearMatrices,
    class: usize,
    x: &[f32],
) -> Result<Vec<Contribution>, DecomposeError> {
    let system = class_eigensystem(matrices, class)?;
    let images = product(matrices.embed.transpose(), system.vectors.as_ref());
    let x = Mat::from_fn(x.len(), 1, |row, _| f64::from(x[row]));
    let projections = product(images.transpose(), x.as_ref());
    let pairs = system.values.iter().enumerate();
    let mut found: Vec<Contribution> = pairs
        .map(|(position, &eigenvalue)| {
            let projection = projections[(position, 0)];
            let sign = if projection < 0.0 { -1.0 } else { 1.0 };
            let vector = images.col(position).iter();
            Contribution {
                eigenvalue,
                value: eigenvalue * projection * projection,
                input_vector: vector.map(|value| (sign * value) as f32).collect(),
            }
        })
        .collect();
    if !found.iter().all(|one| one.value.is_finite()) {
        return Err(DecomposeError::overflow(class, "a contribution"));
    }
    found.sort_by(|a, b| b.value.total_cmp(&a.value));
    Ok(found)
}
