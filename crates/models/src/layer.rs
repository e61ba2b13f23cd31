//! A network as a list of steps: linear maps with weights ([`Layer`]), and fixed functions between them.

use eigenscope_artifact::InputShape;

use crate::architecture::ParameterShape;

/// One step from inputs to logits.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// A linear map of its input.
    Map(Layer),
    /// max(x, 0).
    Relu,
    /// The first half of the values times the second half, elementwise.
    Gate,
}

impl Step {
    /// Its tensors, in stored order.
    pub(crate) fn parameters(&self) -> Vec<ParameterShape> {
        match self {
            Step::Map(layer) => layer.parameters().collect(),
            Step::Relu | Step::Gate => Vec::new(),
        }
    }
}

/// A linear map with its weight W and the shape of what it reads.
///
/// It is applied to the whole input, or to every window of it (a convolution). Either way one sample that W
/// multiplies is a vector of [`Layer::inputs`] values, channel-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Name, such as `conv2`; its tensors are `conv2.weight` and `conv2.bias`.
    pub name: String,
    /// Shape of its input. Features without a place are channels of a 1 x 1 image.
    pub input: InputShape,
    /// Rows of W: output channels.
    pub outputs: usize,
    /// The windows of a convolution; `None`: the whole input at once.
    pub window: Option<Window>,
    /// Whether it has a bias.
    pub bias: bool,
}

/// Square windows without padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Side of a window in pixels.
    pub kernel: usize,
    /// Pixels from one window to the next.
    pub stride: usize,
}

impl Window {
    /// Windows that fit into `side` pixels.
    pub fn count(self, side: usize) -> usize {
        side.checked_sub(self.kernel)
            .map_or(0, |room| room / self.stride + 1)
    }
}

impl Layer {
    /// Columns of W: values of one sample. Windows have `channels * kernel * kernel`.
    pub fn inputs(&self) -> usize {
        match self.window {
            None => self.input.len(),
            Some(Window { kernel, .. }) => self.input.channels * kernel * kernel,
        }
    }

    /// Shape of its output.
    pub fn output(&self) -> InputShape {
        let (height, width) = match self.window {
            None => (1, 1),
            Some(window) => (
                window.count(self.input.height),
                window.count(self.input.width),
            ),
        };
        InputShape {
            channels: self.outputs,
            height,
            width,
        }
    }

    /// Samples of one image: one, or one for each window.
    pub fn samples(&self) -> usize {
        let InputShape { height, width, .. } = self.output();
        height * width
    }

    /// Name of W.
    pub fn weight(&self) -> String {
        format!("{}.weight", self.name)
    }

    /// The tensors: W, then the bias.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = ParameterShape> {
        let shape = match self.window {
            None => vec![self.outputs, self.inputs()],
            Some(Window { kernel, .. }) => {
                vec![self.outputs, self.input.channels, kernel, kernel]
            }
        };
        let tensor = |name, shape| ParameterShape {
            name,
            shape,
            fan_in: self.inputs(),
        };
        let bias = self
            .bias
            .then(|| tensor(format!("{}.bias", self.name), vec![self.outputs]));
        [tensor(self.weight(), shape)].into_iter().chain(bias)
    }

    /// The samples of `images` flattened inputs, `[images * samples, inputs]`, windows in row order.
    ///
    /// # Panics
    /// `inputs` is shorter than `images` inputs.
    pub fn unfold(&self, inputs: &[f32], images: usize) -> Vec<f32> {
        let InputShape {
            channels,
            height,
            width,
        } = self.input;
        let Some(Window { kernel, stride }) = self.window else {
            return inputs[..images * self.input.len()].to_vec();
        };
        let output = self.output();
        let mut samples = Vec::with_capacity(images * self.samples() * self.inputs());
        for image in inputs.chunks_exact(self.input.len()).take(images) {
            for window in 0..output.height * output.width {
                let (top, left) = (
                    window / output.width * stride,
                    window % output.width * stride,
                );
                for row in 0..channels * kernel {
                    let (channel, y) = (row / kernel, top + row % kernel);
                    let start = (channel * height + y) * width + left;
                    samples.extend_from_slice(&image[start..start + kernel]);
                }
            }
        }
        samples
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_by_hand() {
        let layer = Layer {
            name: "conv1".to_owned(),
            input: InputShape {
                channels: 2,
                height: 3,
                width: 4,
            },
            outputs: 5,
            window: Some(Window {
                kernel: 2,
                stride: 2,
            }),
            bias: false,
        };
        assert_eq!((layer.inputs(), layer.samples()), (8, 2));
        let image: Vec<f32> = (0..24).map(|value| value as f32).collect();
        let expected = [
            [0.0, 1.0, 4.0, 5.0, 12.0, 13.0, 16.0, 17.0],
            [2.0, 3.0, 6.0, 7.0, 14.0, 15.0, 18.0, 19.0],
        ];
        assert_eq!(layer.unfold(&image, 1), expected.concat());
        let whole = Layer {
            window: None,
            ..layer
        };
        assert_eq!((whole.inputs(), whole.samples()), (24, 1));
        assert_eq!(whole.unfold(&image, 1), image);
    }
}
