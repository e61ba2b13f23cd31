//! Products of the leading eigenvectors of two networks after alignment.

use eigenscope_artifact::NamedTensor;
use faer::{Mat, MatRef};

use super::channels::align_columns;
use super::cross_moments::overflow;
use crate::error::DecomposeError;
use crate::linear_algebra::row_major;

/// |V1 (A kron I) V2^T| of the first `count` rows (fewer if there are fewer) of two bases of one layer: entry (i, j)
/// is |v1_i^T (A kron I) v2_j|, 0 to 1 for unit vectors and a partial isometry.
///
/// V1 `[k1, c1 * inner]` and V2 `[k2, c2 * inner]` have unit rows, A `[c1, c2]` maps the channels of the other network
/// to those of the reference.
///
/// Source: Guth, Menard, Rochette and Mallat, *A rainbow in deep network black boxes* (2023).
///
/// # Errors
/// Returns an error if a tensor is not a matrix, if sizes do not fit together, or if values are not finite.
pub fn overlaps(
    reference: &NamedTensor,
    other: &NamedTensor,
    alignment: &NamedTensor,
    count: usize,
) -> Result<Mat<f64>, DecomposeError> {
    let [first, second, [from, to]] = [
        matrix_shape(reference)?,
        matrix_shape(other)?,
        matrix_shape(alignment)?,
    ];
    let inner = first[1] / from;
    if [first[1], second[1]] != [from * inner, to * inner] {
        return Err(DecomposeError::Mismatch(format!(
            "layer `{}`: the eigenvectors have {:?} values (reference, other), which the alignment {:?} of their \
             channels does not fit",
            reference.name,
            [first[1], second[1]],
            [from, to]
        )));
    }
    let kept = [first, second].map(|[rows, _]| rows.min(count));
    let map = row_major(&alignment.data, from, to);
    let mapped = align_columns(&reference.data[..kept[0] * first[1]], inner, map.as_ref());
    let mapped = MatRef::from_row_major_slice(&mapped, kept[0], second[1]);
    let products = mapped * row_major(&other.data, kept[1], second[1]).transpose();
    if !products.is_all_finite() {
        return Err(overflow(&reference.name));
    }
    Ok(Mat::from_fn(kept[0], kept[1], |row, column| {
        products[(row, column)].abs()
    }))
}

/// `[rows, columns]`, none of them zero.
fn matrix_shape(tensor: &NamedTensor) -> Result<[usize; 2], DecomposeError> {
    match *tensor.shape {
        [rows, columns] if rows > 0 && columns > 0 => Ok([rows, columns]),
        _ => Err(DecomposeError::Mismatch(format!(
            "layer `{}`: a tensor of shape {:?}, expected a matrix of at least one entry",
            tensor.name, tensor.shape
        ))),
    }
}
