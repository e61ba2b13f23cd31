//! Shapes of images, and what a convolution makes of them.

use crate::epilogue::Epilogue;

/// Shape of one image; its values are flattened channel by channel, then row by row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageShape {
    /// Colours or feature maps.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

impl ImageShape {
    /// Values of one image.
    pub const fn len(self) -> usize {
        self.channels * self.height * self.width
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// What a convolution reads, and how far it moves from one window to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Shape of one input.
    pub input: ImageShape,
    /// Pixels from one window to the next, in both directions.
    pub stride: usize,
}

/// A convolution with square windows and without padding, and what follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Convolution {
    pub(crate) input: ImageShape,
    pub(crate) stride: usize,
    pub(crate) outputs: usize,
    pub(crate) kernel: usize,
    pub(crate) epilogue: Epilogue,
}

impl Convolution {
    /// The convolution with a weight of shape `[outputs, channels, kernel, kernel]`.
    ///
    /// # Panics
    /// Panics if the weight does not fit the input, or nothing is left of an image.
    pub(crate) fn new(geometry: Geometry, weight: [usize; 4], epilogue: Epilogue) -> Self {
        let Geometry { input, stride } = geometry;
        let [outputs, channels, kernel, columns] = weight;
        assert_eq!(channels, input.channels, "channels of weight and input");
        assert_eq!(kernel, columns, "a window is square");
        assert!(kernel > 0 && stride > 0, "kernel and stride are positive");
        assert!(
            kernel <= input.height && kernel <= input.width,
            "a {kernel} x {kernel} window in {} x {}",
            input.height,
            input.width
        );
        let convolution = Self {
            input,
            stride,
            outputs,
            kernel,
            epilogue,
        };
        assert!(!convolution.output().is_empty(), "an output has no pixels");
        convolution
    }

    /// Rows of windows whose result is used.
    pub(crate) fn rows(&self) -> usize {
        self.used(self.input.height)
    }

    /// Columns of windows whose result is used.
    pub(crate) fn columns(&self) -> usize {
        self.used(self.input.width)
    }

    fn used(&self, side: usize) -> usize {
        let windows = (side - self.kernel) / self.stride + 1;
        windows - windows % self.epilogue.side()
    }

    /// Input rows (or columns) that `windows` rows (or columns) of windows cover.
    pub(crate) fn covered(&self, windows: usize) -> usize {
        (windows - 1) * self.stride + self.kernel
    }

    /// Shape of one output.
    pub(crate) fn output(&self) -> ImageShape {
        ImageShape {
            channels: self.outputs,
            height: self.rows() / self.epilogue.side(),
            width: self.columns() / self.epilogue.side(),
        }
    }
}
