//! Square windows of convolutions and pooling.

use eigenscope_artifact::InputShape;
use serde::{Deserialize, Serialize};

use crate::error::ModelError;

/// Largest kernel, stride, padding or dilation, so that no sum or product of them overflows.
const LARGEST: usize = 1 << 16;

/// Square windows of an image, in rows from the top left.
///
/// In JSON padding and dilation are left out where they change nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Pixels of a window in one direction.
    pub kernel: usize,
    /// Pixels from one window to the next.
    pub stride: usize,
    /// Pixels that are added on each side of the image.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub padding: usize,
    /// Pixels of the image from one pixel of a window to the next.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub dilation: usize,
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature is serde's"
)]
fn is_zero(value: &usize) -> bool {
    *value == 0
}

pub(crate) fn one() -> usize {
    1
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature is serde's"
)]
pub(crate) fn is_one(value: &usize) -> bool {
    *value == 1
}

impl Window {
    /// Dense windows without padding.
    pub const fn new(kernel: usize, stride: usize) -> Self {
        Self {
            kernel,
            stride,
            padding: 0,
            dilation: 1,
        }
    }

    /// Pixels of the image from the first to the last of a window.
    pub fn extent(self) -> usize {
        self.kernel
            .saturating_sub(1)
            .saturating_mul(self.dilation)
            .saturating_add(1)
    }

    /// Number of windows in `side` pixels.
    pub fn count(self, side: usize) -> usize {
        let padded = side.saturating_add(self.padding.saturating_mul(2));
        padded
            .checked_sub(self.extent())
            .map_or(0, |room| room / self.stride + 1)
    }

    /// Number of pixels in a row that `outputs` windows side by side cover, those of the padding left out.
    pub fn reads(self, outputs: usize) -> usize {
        (outputs - 1)
            .saturating_mul(self.stride)
            .saturating_add(self.extent())
            .saturating_sub(self.padding.saturating_mul(2))
    }

    /// These windows followed by windows of what they make, as one window of the image; both without padding.
    pub fn before(self, next: Window) -> Window {
        Window::new(
            self.reads(next.extent()),
            self.stride.saturating_mul(next.stride),
        )
    }

    /// As [`Window::output`], of an image with room for a window.
    pub(crate) fn fit(self, step: &str, image: InputShape) -> Result<InputShape, ModelError> {
        let layer = || step.to_owned();
        let Self {
            kernel,
            stride,
            padding,
            dilation,
        } = self;
        if kernel == 0 || stride == 0 || dilation == 0 {
            return Err(ModelError::EmptyWindow { layer: layer() });
        }
        let largest = kernel.max(stride).max(padding).max(dilation);
        if largest > LARGEST {
            return Err(ModelError::TooLarge {
                what: format!(
                    "{step} has a kernel, stride, padding or dilation of {largest} pixels, more"
                ),
                limit: LARGEST,
            });
        }
        let InputShape { height, width, .. } = image;
        let smallest = self.reads(1).max(1);
        if smallest <= height.min(width) {
            return Ok(self.output(image));
        }
        Err(ModelError::TooSmall {
            layer: layer(),
            kernel: smallest,
            height,
            width,
        })
    }

    /// An image with one place for each window of an image.
    pub fn output(self, image: InputShape) -> InputShape {
        InputShape {
            channels: image.channels,
            height: self.count(image.height),
            width: self.count(image.width),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_counted_as_in_pytorch() {
        // PyTorch: conv2d(kernel 3, stride 2, padding 1, dilation 2) makes 13 of 28 pixels, 3 of 7.
        let window = Window {
            padding: 1,
            dilation: 2,
            ..Window::new(3, 2)
        };
        assert_eq!([window.count(28), window.count(7)], [13, 3]);
        assert_eq!(window.extent(), 5);
        assert_eq!(window.reads(1), 3);
        assert_eq!(window.count(3), 1);
        assert_eq!(window.count(2), 0);
    }

    #[test]
    fn defaults_are_not_stored() {
        let stored = |window| serde_json::to_string(&window).expect("serialises");
        let plain = Window::new(3, 1);
        assert_eq!(stored(plain), r#"{"kernel":3,"stride":1}"#);
        let padded = Window {
            padding: 1,
            ..plain
        };
        let text = stored(padded);
        assert_eq!(text, r#"{"kernel":3,"stride":1,"padding":1}"#);
        assert_eq!(
            serde_json::from_str::<Window>(&text).expect("reads"),
            padded
        );
    }

    #[test]
    fn windows_from_files_have_bounds() {
        let image = InputShape::from([1, 8, 8]);
        for window in [
            Window::new(1 << 17, 1),
            Window::new(1, usize::MAX),
            Window {
                padding: usize::MAX,
                ..Window::new(1, 1)
            },
            Window {
                dilation: usize::MAX,
                ..Window::new(2, 1)
            },
        ] {
            let error = window.fit("conv1", image).expect_err("too large");
            assert!(matches!(error, ModelError::TooLarge { .. }), "{error}");
        }
    }
}
