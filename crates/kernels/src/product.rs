//! Matrix products of the libraries `gemm` and `faer`, which sum in the same order: each is faster at some sizes.

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};

/// Results with fewer rows or columns are left to `faer`, which has narrower kernels (bench `products`).
const FEWEST_WIDE: usize = 64;

/// `out = left right`, or `out += left right`, on this thread, for sums of at most 512 terms.
pub(crate) fn product(
    out: MatMut<'_, f32>,
    accum: Accum,
    left: MatRef<'_, f32>,
    right: MatRef<'_, f32>,
) {
    if out.nrows().min(out.ncols()) < FEWEST_WIDE {
        return by_faer(out, accum, left, right);
    }
    by_gemm(out, accum, left, right);
}

/// By `faer`.
pub(crate) fn by_faer(
    out: MatMut<'_, f32>,
    accum: Accum,
    left: MatRef<'_, f32>,
    right: MatRef<'_, f32>,
) {
    matmul(out, accum, left, right, 1.0, Par::Seq);
    leave_wide_vectors();
}

/// By `gemm`.
#[allow(
    unsafe_code,
    reason = "the library takes pointers; its own safe interface, that of burn, neither adds to a result nor writes to a buffer"
)]
fn by_gemm(out: MatMut<'_, f32>, accum: Accum, left: MatRef<'_, f32>, right: MatRef<'_, f32>) {
    let (rows, columns, depth) = (out.nrows(), out.ncols(), left.ncols());
    assert_eq!((left.nrows(), right.nrows()), (rows, depth), "rows");
    assert_eq!(right.ncols(), columns, "columns");
    let (read, keep) = match accum {
        Accum::Replace => (false, 0.0),
        Accum::Add => (true, 1.0),
    };
    // SAFETY: each pointer with its strides is that of a view with these numbers of rows and columns, which lives until the
    // end of this function; that of the result is the only one to its values.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            depth,
            out.as_ptr_mut(),
            out.col_stride(),
            out.row_stride(),
            read,
            left.as_ptr(),
            left.col_stride(),
            left.row_stride(),
            right.as_ptr(),
            right.col_stride(),
            right.row_stride(),
            keep,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// Ends the use of wide vectors. The products of `faer` are assembly that leaves the upper halves of the registers in use, and code
/// for processors without wide vectors, as that of the standard library and of most crates, then takes several times as long.
#[inline]
fn leave_wide_vectors() {
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = pulp::x86::V3::try_new() {
        simd.avx._mm256_zeroupper();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(count: usize, step: usize) -> Vec<f32> {
        let value = |i: usize| (i * step % 1009) as f32 / 1009.0 - 0.3;
        (0..count).map(value).collect()
    }

    /// A matrix that may be stored transposed.
    fn view(values: &[f32], rows: usize, columns: usize, turned: bool) -> MatRef<'_, f32> {
        match turned {
            true => MatRef::from_row_major_slice(values, columns, rows).transpose(),
            false => MatRef::from_row_major_slice(values, rows, columns),
        }
    }

    #[test]
    fn both_libraries_give_the_same_bytes() {
        for (rows, depth, columns) in [(70, 512, 90), (129, 37, 64), (200, 100, 300)] {
            let (left, right) = (values(rows * depth, 31), values(depth * columns, 57));
            for [left_turned, right_turned] in [[false, true], [true, false], [false, false]] {
                let left = view(&left, rows, depth, left_turned);
                let right = view(&right, depth, columns, right_turned);
                for (accum, start) in [(Accum::Replace, 0.0), (Accum::Add, 0.75)] {
                    let (mut wide, mut narrow) =
                        (vec![0.75; rows * columns], vec![0.75; rows * columns]);
                    let out = MatMut::from_row_major_slice_mut(&mut wide, rows, columns);
                    by_gemm(out, accum, left, right);
                    let out = MatMut::from_row_major_slice_mut(&mut narrow, rows, columns);
                    by_faer(out, accum, left, right);
                    assert!(wide == narrow, "{rows} {depth} {columns}");
                    for (row, column) in [(0, 0), (rows - 1, columns - 1), (rows / 2, 0)] {
                        let term =
                            |k: usize| f64::from(left[(row, k)]) * f64::from(right[(k, column)]);
                        let exact = start + (0..depth).map(term).sum::<f64>();
                        let found = f64::from(wide[row * columns + column]);
                        assert!((found - exact).abs() < 1e-4, "{found} {exact}");
                    }
                }
            }
        }
    }
}
