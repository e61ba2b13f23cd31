//! The gradient of the input: a sum over the windows that see a pixel, itself a correlation.
//!
//! With stride s the windows that see a pixel depend on its row and column modulo s, its *phase*: those whose kernel row and
//! column, times the dilation, are congruent to them.

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
    /// For each kernel row of the phase, how many rows of windows above the last that covers the pixel its window lies.
    ups: Vec<usize>,
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
            dilation,
            outputs,
            kernel,
            ..
        } = *convolution;
        let members = |phase| {
            let offsets = (0..kernel).map(move |pixel| (pixel, pixel * dilation));
            let of_phase = offsets.filter(move |(_, offset)| offset % stride == phase);
            of_phase.map(move |(pixel, offset)| (offset / stride, pixel))
        };
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
            ups: members(phase[0]).map(|(up, _)| up).collect(),
            weights: interleave(&transposed, taps.len().max(1)),
            reach: taps.iter().max().map_or(0, |tap| tap + 1),
            taps,
        }
    }

    /// The taps of those kernel rows whose windows lie in `inside`.
    fn taps(&self, inside: &Range<usize>) -> Range<usize> {
        let row = self.taps.len() / self.ups.len();
        let before = |end| self.ups.partition_point(|up| *up < end) * row;
        before(inside.start)..before(inside.end)
    }
}

impl InputGradient {
    pub(crate) fn new(convolution: &Convolution, grid: &Grid, weight: &[f32]) -> Self {
        let phases = convolution.stride.min(convolution.extent());
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
            let y = (rows.start * stride + row).checked_sub(self.convolution.padding);
            let source = self.convolution.source();
            let Some(y) = y.filter(|y| *y < source.height) else {
                continue;
            };
            let below = row / stride;
            let inside = (below + 1).saturating_sub(rows.len())..below + 1;
            let phases = self.phases.get(row % stride).into_iter().flatten();
            for (column, phase) in phases.enumerate() {
                if phase.taps.is_empty() {
                    continue;
                }
                let pixels = Pixels {
                    phase,
                    row: y,
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
        let Convolution {
            stride, padding, ..
        } = self.convolution;
        let source = self.convolution.source();
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
                        let x = (pixels.column + pixel * stride).checked_sub(padding);
                        if let Some(x) = x.filter(|x| *x < source.width)
                            && channel < source.channels
                            && pixel < count
                        {
                            let row = channel * source.height + pixels.row;
                            lanes.add(simd, gradient, row * source.width + x, sum);
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
    /// In the image without its padding.
    row: usize,
    /// The first, in the image with its padding; the others follow in steps of the stride.
    column: usize,
    /// Position of the first in the grid.
    start: usize,
}
