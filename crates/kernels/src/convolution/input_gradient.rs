//! The gradient of the input: a sum over the windows that see a pixel, itself a correlation.
//!
//! With stride s the windows that see a pixel depend on its row and column modulo s, its *phase*: those whose kernel row and
//! column, times the dilation, are congruent to them.

use std::ops::Range;

use pulp::Simd;

use super::correlate::{TILE, Tiles, correlate, in_tiles};
use super::filter::interleave;
use super::grid::Grid;
use crate::geometry::{Convolution, ImageShape};
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
        let convolution = &self.convolution;
        let (stride, padding) = (convolution.stride, convolution.padding);
        let source = convolution.source();
        let width = convolution.covered(convolution.columns());
        for row in 0..convolution.covered(rows.len()) {
            let y = (rows.start * stride + row).checked_sub(padding);
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
                // Of the pixels column, column + stride, ... those that are not padding.
                let until = |end: usize| end.saturating_sub(column).div_ceil(stride);
                let (first, end) = (until(padding), until(width.min(padding + source.width)));
                let taps = phase.taps(&inside);
                let mut pixels = Pixels {
                    simd,
                    results,
                    lanes,
                    source,
                    phase,
                    offsets: &phase.taps[taps.clone()],
                    taps,
                    place: below * self.grid.pitch + first,
                    first: y * source.width + column + first * stride - padding,
                    stride,
                    gradient,
                };
                in_tiles::<S>(end.saturating_sub(first), &mut pixels);
            }
        }
    }
}

/// The pixels of one row and phase.
struct Pixels<'a, S: Simd> {
    simd: S,
    results: &'a [S::f32s],
    lanes: Lanes,
    source: ImageShape,
    phase: &'a Phase,
    /// Those taps of the phase that lie in the band, and their offsets.
    taps: Range<usize>,
    offsets: &'a [usize],
    /// Place of the first pixel in the grid; those of the others follow.
    place: usize,
    /// The first pixel of a channel; the others follow in steps of the stride.
    first: usize,
    stride: usize,
    gradient: &'a mut [f32],
}

impl<S: Simd> Tiles for Pixels<'_, S> {
    #[inline(always)]
    fn tile<const N: usize>(&mut self, first: usize) {
        let Self { phase, source, .. } = *self;
        let places: [usize; N] = std::array::from_fn(|j| self.place + first + j);
        let channels = (0..source.channels).step_by(TILE);
        let blocks = channels.zip(phase.weights.chunks_exact(phase.taps.len()));
        for (block, weights) in blocks {
            let sums = correlate(
                self.simd,
                self.results,
                places,
                phase.reach,
                self.offsets,
                &weights[self.taps.clone()],
                [0.0; TILE],
            );
            for (channel, sums) in (block..source.channels).zip(sums) {
                let start = channel * source.height * source.width + self.first;
                for (j, sum) in sums.into_iter().enumerate() {
                    let feature = start + (first + j) * self.stride;
                    self.lanes.add(self.simd, self.gradient, feature, sum);
                }
            }
        }
    }
}
