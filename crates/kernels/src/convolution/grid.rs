//! Where the gradients of a band's results lie.

use crate::geometry::Convolution;

/// `[outputs, rows, columns]` vectors with zeros beside every row, and room above and below, so that the gradient of an
/// input pixel is a sum over windows that may lie outside.
///
/// With windows of extent k (first to last pixel) and stride s, ceil(k / s) windows in each direction reach over a pixel: the
/// margin is one less.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grid {
    /// Windows in each direction that reach over one input pixel.
    pub(crate) windows: usize,
    /// Vectors from one row to the next.
    pub(crate) pitch: usize,
    /// Vectors of one output channel.
    pub(crate) plane: usize,
}

impl Grid {
    /// The grid for `rows` rows of windows.
    pub(crate) fn new(convolution: &Convolution, rows: usize) -> Self {
        let windows = convolution.extent().div_ceil(convolution.stride);
        let (margin, pitch) = (windows - 1, Self::pitch(convolution));
        Self {
            windows,
            pitch,
            plane: (rows + 2 * margin) * pitch + margin,
        }
    }

    /// Vectors from one row to the next, in any grid of a convolution.
    pub(crate) fn pitch(convolution: &Convolution) -> usize {
        convolution.columns() + convolution.extent().div_ceil(convolution.stride) - 1
    }

    /// Place of a window's result among those of its channel.
    pub(crate) fn index(&self, row: usize, column: usize) -> usize {
        let margin = self.windows - 1;
        (row + margin) * self.pitch + margin + column
    }
}
