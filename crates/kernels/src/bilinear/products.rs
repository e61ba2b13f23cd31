//! Matrix products on the threads of the current pool, whose sums do not depend on how many there are.

use faer::{Accum, MatMut, MatRef};

use crate::product::product;

/// Longest sum that is kept in registers; a longer one is taken in equal parts, in order.
pub(super) const DEPTH: usize = 512;

/// Fewest rows of a result that are worth a thread.
const FEWEST_ROWS: usize = 64;

/// The length of the equal parts in which `depth` values are summed.
pub(super) fn part_length(depth: usize) -> usize {
    depth.div_ceil(depth.div_ceil(DEPTH).max(1)).max(1)
}

/// A matrix `[rows, values.len() / rows]`.
pub(super) fn matrix(values: &[f32], rows: usize) -> MatRef<'_, f32> {
    MatRef::from_row_major_slice(values, rows, values.len() / rows)
}

/// As [`matrix`].
pub(super) fn matrix_mut(values: &mut [f32], rows: usize) -> MatMut<'_, f32> {
    let columns = values.len() / rows;
    MatMut::from_row_major_slice_mut(values, rows, columns)
}

/// `out = left right`, or `out += left right`, on this thread.
pub(super) fn multiply(
    mut out: MatMut<'_, f32>,
    mut accum: Accum,
    left: MatRef<'_, f32>,
    right: MatRef<'_, f32>,
) {
    let depth = left.ncols();
    let part = part_length(depth);
    for start in (0..depth).step_by(part) {
        let length = part.min(depth - start);
        let (left, right) = (left.subcols(start, length), right.subrows(start, length));
        product(out.as_mut(), accum, left, right);
        accum = Accum::Add;
    }
}

/// As [`multiply`], on `threads` threads, each of which makes some rows of the result.
pub(super) fn multiply_on(
    threads: usize,
    out: MatMut<'_, f32>,
    accum: Accum,
    left: MatRef<'_, f32>,
    right: MatRef<'_, f32>,
) {
    let rows = out.nrows();
    if threads <= 1 || rows < 2 * FEWEST_ROWS {
        return multiply(out, accum, left, right);
    }
    let first = threads / 2;
    let middle = (rows * first / threads).next_multiple_of(16).min(rows);
    let (above, below) = out.split_at_row_mut(middle);
    let (left_above, left_below) = left.split_at_row(middle);
    rayon::join(
        || multiply_on(first, above, accum, left_above, right),
        || multiply_on(threads - first, below, accum, left_below, right),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_equal_but_for_the_last() {
        assert_eq!([1, 512, 784, 2048].map(part_length), [1, 512, 392, 512]);
        // 3 parts of 342, 342 and 341.
        assert_eq!(part_length(1025), 342);
    }

    #[test]
    fn the_number_of_threads_changes_no_bit() {
        let values = |count: usize, step: usize| -> Vec<f32> {
            let value = |i: usize| (i * step % 1009) as f32 / 1009.0 - 0.3;
            (0..count).map(value).collect()
        };
        let (rows, depth, columns) = (211, 1030, 77);
        let (left, right) = (values(rows * depth, 31), values(depth * columns, 57));
        let product = |threads: usize, transposed: bool| {
            let mut out = vec![0.5; rows * columns];
            let left = match transposed {
                false => matrix(&left, rows),
                true => matrix(&left, depth).transpose(),
            };
            let right = matrix(&right, depth);
            multiply_on(threads, matrix_mut(&mut out, rows), Accum::Add, left, right);
            out
        };
        for transposed in [false, true] {
            let one = product(1, transposed);
            for threads in [2, 3, 7] {
                assert_eq!(one, product(threads, transposed));
            }
        }
        let exact = |row: usize, column: usize| -> f64 {
            let term = |k: usize| {
                f64::from(left[row * depth + k]) * f64::from(right[k * columns + column])
            };
            0.5 + (0..depth).map(term).sum::<f64>()
        };
        let found = product(1, false);
        for (row, column) in [(0, 0), (210, 76), (100, 3)] {
            let (found, exact) = (f64::from(found[row * columns + column]), exact(row, column));
            assert!((found - exact).abs() < 1e-4, "{found} {exact}");
        }
    }
}
