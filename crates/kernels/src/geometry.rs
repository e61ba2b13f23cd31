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

/// What a convolution reads, and by which windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Shape of one input.
    pub input: ImageShape,
    /// Pixels from one window to the next, in both directions.
    pub stride: usize,
    /// Zeros on each side of the image.
    pub padding: usize,
    /// Pixels of the image from one pixel of a window to the next.
    pub dilation: usize,
    /// Groups of channels: a group of outputs reads its own group of inputs.
    pub groups: usize,
}

impl Geometry {
    /// Dense windows of all channels without padding.
    pub const fn new(input: ImageShape, stride: usize) -> Self {
        Self {
            input,
            stride,
            padding: 0,
            dilation: 1,
            groups: 1,
        }
    }
}

/// A convolution with square windows, and what follows it; all sizes are those of one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Convolution {
    /// With the padding.
    pub(crate) input: ImageShape,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
    pub(crate) dilation: usize,
    pub(crate) groups: usize,
    pub(crate) outputs: usize,
    pub(crate) kernel: usize,
    pub(crate) epilogue: Epilogue,
}

impl Convolution {
    /// The convolution with a weight of shape `[outputs, channels / groups, kernel, kernel]`.
    ///
    /// # Panics
    /// Panics if the weight does not fit the input, or nothing is left of an image.
    pub(crate) fn new(geometry: Geometry, weight: [usize; 4], epilogue: Epilogue) -> Self {
        let Geometry {
            input,
            stride,
            padding,
            dilation,
            groups,
        } = geometry;
        let [outputs, channels, kernel, columns] = weight;
        assert!(
            groups > 0 && outputs.is_multiple_of(groups),
            "{groups} groups of {outputs} outputs"
        );
        assert_eq!(
            channels * groups,
            input.channels,
            "channels of weight and input"
        );
        assert_eq!(kernel, columns, "a window is square");
        assert!(
            kernel > 0 && stride > 0 && dilation > 0,
            "kernel, stride and dilation are positive"
        );
        let convolution = Self {
            input: ImageShape {
                channels,
                height: input.height + 2 * padding,
                width: input.width + 2 * padding,
            },
            stride,
            padding,
            dilation,
            groups,
            outputs: outputs / groups,
            kernel,
            epilogue,
        };
        let ImageShape { height, width, .. } = convolution.input;
        let extent = convolution.extent();
        assert!(
            extent <= height && extent <= width,
            "a {extent} x {extent} window in {height} x {width}"
        );
        assert!(!convolution.output().is_empty(), "an output has no pixels");
        convolution
    }

    /// Pixels from the first to the last of a window.
    pub(crate) fn extent(&self) -> usize {
        (self.kernel - 1) * self.dilation + 1
    }

    /// Shape of one input without the padding.
    pub(crate) fn source(&self) -> ImageShape {
        ImageShape {
            height: self.input.height - 2 * self.padding,
            width: self.input.width - 2 * self.padding,
            ..self.input
        }
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
        let windows = (side - self.extent()) / self.stride + 1;
        windows - windows % self.epilogue.side()
    }

    /// Input rows (or columns) that `windows` rows (or columns) of windows cover.
    pub(crate) fn covered(&self, windows: usize) -> usize {
        (windows - 1) * self.stride + self.extent()
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
