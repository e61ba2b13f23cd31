//! The gradient of the input: a sum over the windows that see a pixel, itself a correlation.
//!
//! With stride s the windows that see a pixel depend on its row and column modulo s, its *phase*: with kernel k, those
//! whose kernel row and column are congruent to them.

use std::ops::Range;

use pulp::Simd;

use super::correlate::{TILE, correlate};
use super::filter::interleave;
use super::grid::Grid;
use crate::geometry::Convolution;
use crate::lanes::Lanes;

/// The transposed weights, by phase.
pub(crate) struct InputGradient {
    convolution: Convolution,
    grid: Grid,
    /// Of pixels that a window can see, by row phase and column phase.
    phases: Vec<Vec<Phase>>,
}

/// The weights of one phase.
struct Phase {
    /// Kernel rows of the phase.
    kernel_rows: usize,
    /// Offsets in the grid, ordered by kernel row (windows from below upwards), output, kernel column.
    taps: Vec<usize>,
    /// Larger than every tap.
    reach: usize,
    /// `[channels / TILE, taps, TILE]`
    weights: Vec<[f32; TILE]>,
}

impl Phase {
    fn new(convolution: &Convolution, grid: &Grid, weight: &[f32], phase: [usize; 2]) -> Self {
        let Convolution {
            input,
            stride,
            outputs,
            kernel,
            ..
        } = *convolution;
        let members = |phase| (phase..kernel).step_by(stride).enumerate();
        let mut taps = Vec::new();
        let mut sources = Vec::new();
        for (up, row) in members(phase[0]) {
            for output in 0..outputs {
                for (left, column) in members(phase[1]) {
                    let above = (grid.windows - 1 - up) * grid.pitch;
                    taps.push(output * grid.plane + above + grid.windows - 1 - left);
                    sources.push((output * input.channels * kernel + row) * kernel + column);
                }
            }
        }
        let channel = |channel| {
            let start = channel * kernel * kernel;
            sources.iter().map(move |source| weight[start + source])
        };
        let transposed: Vec<f32> = (0..input.channels).flat_map(channel).collect();
        Self {
            kernel_rows: members(phase[0]).count(),
            weights: interleave(&transposed, taps.len()),
            reach: taps.iter().max().map_or(0, |tap| tap + 1),
            taps,
        }
    }

    /// The taps of those kernel rows that lie in `inside`.
    fn taps(&self, inside: &Range<usize>) -> Range<usize> {
        let row = self.taps.len() / self.kernel_rows;
        inside.start * row..inside.end.min(self.kernel_rows) * row
    }
}

impl InputGradient {
    pub(crate) fn new(convolution: &Convolution, grid: &Grid, weight: &[f32]) -> Self {
        let phases = convolution.stride.min(convolution.kernel);
        let row = |row| {
            let phase = |column| Phase::new(convolution, grid, weight, [row, column]);
            (0..phases).map(phase).collect()
        };
        Self {
            convolution: *convolution,
            grid: *grid,
            phases: (0..phases).map(row).collect(),
        }
    }

    /// Adds to `gradient` `[features, images]` what the windows in `rows` contribute.
    #[inline(always)]
    pub(crate) fn add<S: Simd>(
        &self,
        simd: S,
        results: &[S::f32s],
        rows: &Range<usize>,
        lanes: Lanes,
        gradient: &mut [f32],
    ) {
        let stride = self.convolution.stride;
        for row in 0..self.convolution.covered(rows.len()) {
            let below = row / stride;
            let inside = (below + 1).saturating_sub(rows.len())..below + 1;
            let phases = self.phases.get(row % stride).into_iter().flatten();
            for (column, phase) in phases.enumerate() {
                let pixels = Pixels {
                    phase,
                    row: rows.start * stride + row,
                    column,
                    start: below * self.grid.pitch,
                };
                self.add_pixels(simd, results, &pixels, &inside, lanes, gradient);
            }
        }
    }

    #[inline(always)]
    fn add_pixels<S: Simd>(
        &self,
        simd: S,
        results: &[S::f32s],
        pixels: &Pixels<'_>,
        inside: &Range<usize>,
        lanes: Lanes,
        gradient: &mut [f32],
    ) {
        let Convolution { input, stride, .. } = self.convolution;
        let covered = self.convolution.covered(self.convolution.columns());
        let count = (covered - pixels.column).div_ceil(stride);
        let phase = pixels.phase;
        let taps = phase.taps(inside);
        for first in (0..count).step_by(TILE) {
            let positions = std::array::from_fn(|j| pixels.start + (first + j).min(count - 1));
            for (block, weights) in phase.weights.chunks_exact(phase.taps.len()).enumerate() {
                let sums = correlate(
                    simd,
                    results,
                    positions,
                    phase.reach,
                    &phase.taps[taps.clone()],
                    &weights[taps.clone()],
                    [0.0; TILE],
                );
                for (c, sums) in sums.iter().enumerate() {
                    for (j, &sum) in sums.iter().enumerate() {
                        let (channel, pixel) = (block * TILE + c, first + j);
                        if channel < input.channels && pixel < count {
                            let row = channel * input.height + pixels.row;
                            let feature = row * input.width + pixels.column + pixel * stride;
                            lanes.add(simd, gradient, feature, sum);
                        }
                    }
                }
            }
        }
    }
}

/// The pixels of one row and phase.
struct Pixels<'a> {
    phase: &'a Phase,
    /// In the image.
    row: usize,
    /// The first; the others follow in steps of the stride.
    column: usize,
    /// Position of the first in the grid.
    start: usize,
}
