//! The gradient of a convolution's results from that of what became of them.

use pulp::Simd;

use super::backward::Saved;
use super::correlate::{Position, Sums, TILE};
use super::filter::Filter;
use super::grid::Grid;
use crate::epilogue::{Epilogue, WINDOW, relu_max_pool_gradient};
use crate::lanes::Lanes;

/// One band of some images.
pub(crate) struct OutputGradient<'a> {
    pub(crate) saved: &'a Saved<'a>,
    pub(crate) lanes: Lanes,
    /// The first window of the band.
    pub(crate) first: usize,
    pub(crate) windows: &'a [Position],
}

impl OutputGradient<'_> {
    /// Fills `results`, laid out by `grid`. Results before pooling are computed again from the input in `band`.
    #[inline(always)]
    pub(crate) fn compute<S: Simd>(
        &self,
        simd: S,
        filter: &Filter,
        band: &[S::f32s],
        grid: &Grid,
        results: &mut [S::f32s],
    ) {
        if self.saved.convolution.epilogue != Epilogue::ReluMaxPool {
            return self.undo_pixels(simd, grid, results);
        }
        filter.apply(
            simd,
            band,
            self.windows,
            #[inline(always)]
            |tile, block, sums| self.undo_pooling(simd, [tile, block], sums, grid, results),
        );
    }

    /// The feature of the first window of the band, before pooling.
    fn feature(&self, channel: usize) -> usize {
        let convolution = &self.saved.convolution;
        channel * convolution.rows() * convolution.columns() + self.first
    }

    #[inline(always)]
    fn undo_pooling<S: Simd>(
        &self,
        simd: S,
        [tile, block]: [usize; 2],
        sums: Sums<S>,
        grid: &Grid,
        results: &mut [S::f32s],
    ) {
        for (c, sums) in sums.iter().enumerate() {
            let channel = block * TILE + c;
            if channel >= self.saved.convolution.outputs {
                continue;
            }
            let feature = self.feature(channel) / WINDOW + tile;
            let gradient = self.lanes.load(simd, self.saved.gradient, feature);
            let shares = relu_max_pool_gradient(simd, *sums, gradient);
            let plane = &mut results[channel * grid.plane..][..grid.plane];
            for (window, share) in self.windows[tile * WINDOW..].iter().zip(shares) {
                plane[window.gradient] = share;
            }
        }
    }

    #[inline(always)]
    fn undo_pixels<S: Simd>(&self, simd: S, grid: &Grid, results: &mut [S::f32s]) {
        let saved = self.saved;
        for (channel, plane) in results.chunks_exact_mut(grid.plane).enumerate() {
            for (feature, window) in (self.feature(channel)..).zip(self.windows) {
                let gradient = self.lanes.load(simd, saved.gradient, feature);
                plane[window.gradient] = match saved.outputs {
                    None => gradient,
                    Some(outputs) => {
                        let output = self.lanes.load(simd, outputs, feature);
                        let epilogue = saved.convolution.epilogue;
                        epilogue.pixel_gradient(simd, output, gradient)
                    }
                };
            }
        }
    }
}
