//! The channel index of what a layer reads and of the columns of its weight.
//!
//! Both are laid out channel-major: `column = channel * inner + position`, where the positions are the places of
//! an image, or the pixels of a window.

use faer::MatRef;

use crate::linear_algebra::product;

/// Rows `[n, channels * inner]` as one vector of channels for every row and position: `[n * inner, channels]`,
/// column-major.
pub(crate) fn by_channel<T: Copy + Into<f64>>(
    rows: &[T],
    channels: usize,
    inner: usize,
) -> Vec<f64> {
    let mut values = Vec::with_capacity(rows.len());
    for channel in 0..channels {
        for row in rows.chunks_exact(channels * inner) {
            let plane = &row[channel * inner..][..inner];
            values.extend(plane.iter().map(|&value| value.into()));
        }
    }
    values
}

/// W (A kron I): rows that multiply the inputs of a layer in one network, as rows for those of another.
///
/// W is `[n, c1 * inner]`, A `[c1, c2]`, the result `[n, c2 * inner]`; both row-major. Where phi = A psi at every
/// position, `W phi` is `W (A kron I) psi`.
///
/// # Panics
/// Panics if W does not consist of whole rows.
pub fn align_columns<T: Copy + Into<f64>>(
    rows: &[T],
    inner: usize,
    alignment: MatRef<'_, f64>,
) -> Vec<f64> {
    let (from, to) = alignment.shape();
    let count = rows.len() / (from * inner);
    assert_eq!(rows.len(), count * from * inner, "whole rows");
    let values = by_channel(rows, from, inner);
    let values = MatRef::from_column_major_slice(&values, count * inner, from);
    let product = product(values, alignment);
    let columns = to * inner;
    let entry = |at: usize| {
        let (row, column) = (at / columns, at % columns);
        product[(row * inner + column % inner, column / inner)]
    };
    (0..count * columns).map(entry).collect()
}

#[cfg(test)]
mod tests {
    use faer::Mat;

    use super::*;

    #[test]
    fn channels_by_hand() {
        let rows: [f32; 8] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
        assert_eq!(
            by_channel(&rows, 2, 2),
            [1.0, 2.0, 5.0, 6.0, 3.0, 4.0, 7.0, 8.0]
        );
        assert_eq!(
            by_channel(&rows, 2, 1),
            [1.0, 3.0, 5.0, 7.0, 2.0, 4.0, 6.0, 8.0]
        );
    }

    #[test]
    fn columns_move_with_their_channel() {
        // Channel 0 goes to channel 2, channel 1 negated to channel 0.
        let alignment = Mat::from_fn(2, 3, |row, column| {
            [[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0]][row][column]
        });
        let rows: [f32; 8] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
        assert_eq!(
            align_columns(&rows, 2, alignment.as_ref()),
            [
                -3.0, -4.0, 0.0, 0.0, 1.0, 2.0, -7.0, -8.0, 0.0, 0.0, 5.0, 6.0
            ]
        );
    }
}
