//! The gradient of a convolution's results from that of what became of them.

use pulp::Simd;

use super::backward::Saved;
use super::correlate::Position;
use super::grid::Grid;
use crate::epilogue::{WINDOW, gradient_of_chosen};
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
    /// Fills `results`, laid out by `grid`.
    #[inline(always)]
    pub(crate) fn compute<S: Simd>(&self, simd: S, grid: &Grid, results: &mut [S::f32s]) {
        match self.saved.chosen {
            Some(chosen) => self.undo_pooling(simd, chosen, grid, results),
            None => self.undo_pixels(simd, grid, results),
        }
    }

    /// The feature of the first window of the band, before pooling.
    fn feature(&self, channel: usize) -> usize {
        let convolution = &self.saved.convolution;
        channel * convolution.rows() * convolution.columns() + self.first
    }

    #[inline(always)]
    fn undo_pooling<S: Simd>(&self, simd: S, chosen: &[f32], grid: &Grid, results: &mut [S::f32s]) {
        let (windows, _) = self.windows.as_chunks::<WINDOW>();
        for (channel, plane) in results.chunks_exact_mut(grid.plane).enumerate() {
            let first = self.feature(channel) / WINDOW;
            for (feature, windows) in (first..).zip(windows) {
                let gradient = self.lanes.load(simd, self.saved.gradient, feature);
                let chosen = self.lanes.load(simd, chosen, feature);
                let shares = gradient_of_chosen(simd, chosen, gradient);
                for (window, share) in windows.iter().zip(shares) {
                    plane[window.gradient] = share;
                }
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
