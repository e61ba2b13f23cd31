//! The weights of a convolution in the order in which the inner loop reads them.

use pulp::Simd;

use super::band::Bands;
use super::correlate::{Sums, TILE, correlate};

/// Weight and bias of all outputs, [`TILE`] outputs side by side; missing outputs are 0.
#[derive(Debug)]
pub(crate) struct Filter {
    taps: Vec<usize>,
    /// `[outputs / TILE, window, TILE]`
    weights: Vec<[f32; TILE]>,
    /// `[outputs / TILE, TILE]`
    bias: Vec<[f32; TILE]>,
}

impl Filter {
    pub(crate) fn new(bands: &Bands, weight: &[f32], bias: &[f32]) -> Self {
        let taps = bands.taps();
        Self {
            weights: interleave(weight, taps.len()),
            bias: interleave(bias, 1),
            taps,
        }
    }

    /// Results of all outputs for the `N` windows of a band that lie at `sources`: `visit` gets the number of the first of [`TILE`]
    /// outputs, and their results. What exceeds the outputs has no meaning.
    #[inline(always)]
    pub(crate) fn apply<S: Simd, const N: usize>(
        &self,
        simd: S,
        band: &[S::f32s],
        sources: [usize; N],
        mut visit: impl FnMut(usize, Sums<S, N>),
    ) {
        let reach = self.taps.last().map_or(0, |tap| tap + 1);
        let blocks = self.weights.chunks_exact(self.taps.len()).zip(&self.bias);
        for (block, (weights, &bias)) in blocks.enumerate() {
            let sums = correlate(simd, band, sources, reach, &self.taps, weights, bias);
            visit(block * TILE, sums);
        }
    }
}

/// `[rows, columns]` as `[rows / TILE, columns, TILE]`, missing rows 0.
pub(crate) fn interleave(matrix: &[f32], columns: usize) -> Vec<[f32; TILE]> {
    let block = |rows: &[f32]| -> Vec<[f32; TILE]> {
        let value = |row, column| rows.get(row * columns + column).copied().unwrap_or(0.0);
        (0..columns)
            .map(|column| std::array::from_fn(|row| value(row, column)))
            .collect()
    };
    matrix.chunks(TILE * columns).flat_map(block).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interleaving_puts_rows_side_by_side() {
        let matrix = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0];
        let expected = [
            [1.0, 3.0, 5.0, 7.0],
            [2.0, 4.0, 6.0, 8.0],
            [9.0, 0.0, 0.0, 0.0],
            [10.0, 0.0, 0.0, 0.0],
        ];
        assert_eq!(interleave(&matrix, 2), expected);
    }
}
