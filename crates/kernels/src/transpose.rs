//! Transposed matrices: images come row by row, and the kernels read them side by side.

use rayon::iter::{IndexedParallelIterator, ParallelIterator};
use rayon::slice::ParallelSliceMut;

/// Columns that are turned into rows together, so that the lines of the cache that they are read from and written to stay in it.
const TILE: usize = 32;

/// Rows of `columns` values each, as columns.
pub(crate) fn transposed(rows: &[f32], columns: usize) -> Vec<f32> {
    let count = rows.len() / columns.max(1);
    let mut out = vec![0.0; rows.len()];
    let tiles = out.par_chunks_mut((TILE * count).max(1));
    tiles.enumerate().for_each(|(tile, out)| {
        let first = tile * TILE;
        let width = out.len() / count;
        for (number, row) in rows.chunks_exact(columns).enumerate() {
            for (column, value) in row[first..][..width].iter().enumerate() {
                out[column * count + number] = *value;
            }
        }
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_columns() {
        for (count, columns) in [(0, 3), (1, 1), (2, 3), (5, 32), (7, 100)] {
            let rows: Vec<f32> = (0..count * columns).map(|value| value as f32).collect();
            let out = transposed(&rows, columns);
            assert_eq!(out.len(), rows.len());
            for row in 0..count {
                for column in 0..columns {
                    assert_eq!(out[column * count + row], rows[row * columns + column]);
                }
            }
        }
    }
}
