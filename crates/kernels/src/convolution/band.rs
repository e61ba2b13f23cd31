//! A convolution is computed in bands of rows, so that what one band needs stays in the second-level cache.

use std::ops::Range;

use pulp::Simd;

use super::correlate::Position;
use crate::geometry::Convolution;
use crate::lanes::Lanes;

/// Bytes of input and gradient that a band may hold, unless a single row of windows needs more.
const BYTES: usize = 512 * 1024;

/// Bytes of input and gradient that a band of all images may hold, unless [`FEWEST_ROWS`] rows of windows need more. A line of the
/// cache holds values of neighbouring images, which are read one after the other.
const BYTES_OF_ALL: usize = 1024 * 1024;

/// Fewer rows of windows would read the rows above and below them too often.
const FEWEST_ROWS: usize = 4;

/// Rows of windows that are computed together, and how their input is laid out: `[channels, input rows, width]`
/// vectors, each holding the same pixel of several images.
#[derive(Debug)]
pub(crate) struct Bands {
    convolution: Convolution,
    /// Rows of windows of one band; the last may have fewer.
    pub(crate) rows: usize,
    /// Vectors of one channel.
    plane: usize,
}

impl Bands {
    /// Bands for vectors of `lanes` values. A row of windows needs `beside` vectors in addition to its input.
    pub(crate) fn new(
        convolution: Convolution,
        lanes: usize,
        images: usize,
        beside: usize,
    ) -> Self {
        let Convolution { input, stride, .. } = convolution;
        let row = input.channels * input.width * stride + beside;
        let fit = |bytes: usize, images: usize| bytes / (images.max(1) * size_of::<f32>()) / row;
        let all = fit(BYTES_OF_ALL, images).max(FEWEST_ROWS);
        let rows = fit(BYTES, lanes).min(all);
        let side = convolution.epilogue.side();
        let rows = (rows - rows % side).clamp(side, convolution.rows());
        Self::with_rows(convolution, rows)
    }

    /// Bands of so many rows of windows.
    pub(crate) fn with_rows(convolution: Convolution, rows: usize) -> Self {
        let input = convolution.input;
        Self {
            convolution,
            rows,
            plane: convolution.covered(rows) * input.width,
        }
    }

    /// The rows of windows of every band.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Range<usize>> {
        let (rows, all) = (self.rows, self.convolution.rows());
        (0..all)
            .step_by(rows)
            .map(move |first| first..all.min(first + rows))
    }

    /// Vectors of the input of one band.
    pub(crate) fn len(&self) -> usize {
        self.convolution.input.channels * self.plane
    }

    /// Offsets of the values of a window from its first, in the order of the weight.
    pub(crate) fn taps(&self) -> Vec<usize> {
        let Convolution {
            input,
            kernel,
            dilation,
            ..
        } = self.convolution;
        let window = |channel| {
            (0..kernel * kernel).map(move |tap| {
                let [row, column] = [tap / kernel, tap % kernel].map(|pixel| pixel * dilation);
                channel * self.plane + row * input.width + column
            })
        };
        (0..input.channels).flat_map(window).collect()
    }

    /// The windows of one row of pooling windows after another; those of one pooling window are neighbours.
    /// `gradient` tells where the gradient of the window at (row, column) lies.
    pub(crate) fn positions(&self, gradient: impl Fn(usize, usize) -> usize) -> Vec<Position> {
        let Convolution { input, stride, .. } = self.convolution;
        let pixels = self
            .convolution
            .epilogue
            .pixels(self.rows, self.convolution.columns());
        pixels
            .map(|(row, column)| Position {
                source: (row * input.width + column) * stride,
                gradient: gradient(row, column),
            })
            .collect()
    }

    /// Loads the input of the windows in `rows` for some images of the matrix `features`.
    #[inline(always)]
    pub(crate) fn load<S: Simd>(
        &self,
        simd: S,
        features: &[f32],
        lanes: Lanes,
        rows: &Range<usize>,
        band: &mut [S::f32s],
    ) {
        let Convolution {
            input,
            stride,
            padding,
            ..
        } = self.convolution;
        let source = self.convolution.source();
        let zero = simd.splat_f32s(0.0);
        for (channel, plane) in band.chunks_exact_mut(self.plane).enumerate() {
            let lines = plane.chunks_exact_mut(input.width);
            let lines = lines.take(self.convolution.covered(rows.len()));
            for (line, y) in lines.zip(rows.start * stride..) {
                let y = y.checked_sub(padding).filter(|y| *y < source.height);
                let Some(y) = y else {
                    line.fill(zero);
                    continue;
                };
                let start = (channel * source.height + y) * source.width;
                line[..padding].fill(zero);
                for (x, value) in line[padding..][..source.width].iter_mut().enumerate() {
                    *value = lanes.load(simd, features, start + x);
                }
                line[padding + source.width..].fill(zero);
            }
        }
    }
}
