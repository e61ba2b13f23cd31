//! A network as a list of steps: linear maps with weights ([`Layer`]), and fixed functions between them.

use std::iter;

use eigenscope_artifact::InputShape;
use serde::{Deserialize, Serialize};

use crate::architecture::{ParameterShape, Start};
use crate::error::ModelError;

/// One step from inputs to logits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Step {
    /// A linear map of its input.
    Map(Layer),
    /// max(x, 0).
    Relu,
    /// The first half of the values times the second half, elementwise.
    Gate,
    /// Largest value of every 2 x 2 window of an image of this shape; odd last rows and columns are left out.
    MaxPool(InputShape),
    /// Batch normalisation.
    Normalise(BatchNorm),
}

/// What the running averages of batch normalisation are called.
pub(crate) const RUNNING_MEAN: &str = "running_mean";
pub(crate) const RUNNING_VARIANCE: &str = "running_var";

/// Windows of max pooling.
pub(crate) const POOL: Window = Window {
    kernel: 2,
    stride: 2,
};

impl Step {
    /// Shape of what it makes of `input`.
    ///
    /// # Errors
    /// Returns an error if the step reads another shape, or windows that do not fit into it.
    pub(crate) fn output(&self, input: InputShape) -> Result<InputShape, ModelError> {
        match self {
            Step::Relu => Ok(input),
            Step::Gate => {
                let channels = input.channels / 2;
                let halves = InputShape { channels, ..input };
                let whole = InputShape {
                    channels: 2 * channels,
                    ..input
                };
                expect("a gate", whole, input).map(|()| halves)
            }
            Step::MaxPool(shape) => {
                expect("max pooling", *shape, input)?;
                POOL.fit("max pooling", input)
            }
            Step::Normalise(norm) => expect(&norm.name, norm.input, input).map(|()| input),
            Step::Map(layer) => {
                expect(&layer.name, layer.input, input)?;
                if let Some(window) = layer.window {
                    window.fit(&layer.name, input)?;
                }
                Ok(layer.output())
            }
        }
    }

    /// Its tensors, in stored order.
    pub(crate) fn parameters(&self) -> Vec<ParameterShape> {
        match self {
            Step::Map(layer) => layer.parameters().collect(),
            Step::Normalise(norm) => norm.parameters().to_vec(),
            Step::Relu | Step::Gate | Step::MaxPool(_) => Vec::new(),
        }
    }
}

fn expect(step: &str, expected: InputShape, found: InputShape) -> Result<(), ModelError> {
    if expected == found {
        return Ok(());
    }
    Err(ModelError::StepShape {
        step: step.to_owned(),
        expected,
        found,
    })
}

/// Batch normalisation (Ioffe and Szegedy 2015; `torch.nn.BatchNorm2d`): of every channel,
///
/// ```text
/// y = (x - mean) / sqrt(variance + 1e-5) * weight + bias
/// ```
///
/// In training, mean and variance are those of the batch (denominator n), over images and places. Afterwards they are
/// running averages: 0.9 of the old value and 0.1 of the batch's, the variance with denominator n - 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchNorm {
    /// Name, such as `norm2`; its tensors are `weight`, `bias`, `running_mean` and `running_var`.
    pub name: String,
    /// Shape of its input and output.
    pub input: InputShape,
}

impl BatchNorm {
    fn parameters(&self) -> [ParameterShape; 4] {
        let tensor = |name, value, trained| ParameterShape {
            name: format!("{}.{name}", self.name),
            shape: vec![self.input.channels],
            start: Start::Constant(value),
            trained,
        };
        [
            tensor("weight", 1.0, true),
            tensor("bias", 0.0, true),
            tensor(RUNNING_MEAN, 0.0, false),
            tensor(RUNNING_VARIANCE, 1.0, false),
        ]
    }
}

/// A linear map with its weight W and the shape of what it reads.
///
/// It is applied to the whole input, or to every window of it (a convolution). Either way one sample that W
/// multiplies is a vector of [`Layer::inputs`] values, channel-major.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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

    /// Pixels in a row that `outputs` windows side by side cover.
    pub fn reads(self, outputs: usize) -> usize {
        (outputs - 1)
            .saturating_mul(self.stride)
            .saturating_add(self.kernel)
    }

    /// These windows followed by windows of what they make, as one window of the image.
    pub fn before(self, next: Window) -> Window {
        Window {
            kernel: self.reads(next.kernel),
            stride: self.stride.saturating_mul(next.stride),
        }
    }

    /// As [`Window::output`], of an image with room for a window.
    fn fit(self, step: &str, image: InputShape) -> Result<InputShape, ModelError> {
        let layer = step.to_owned();
        if self.kernel == 0 || self.stride == 0 {
            return Err(ModelError::EmptyWindow { layer });
        }
        let InputShape { height, width, .. } = image;
        if self.kernel <= height.min(width) {
            return Ok(self.output(image));
        }
        Err(ModelError::TooSmall {
            layer,
            kernel: self.kernel,
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
        let channels = self.outputs;
        match self.window {
            None => InputShape {
                channels,
                height: 1,
                width: 1,
            },
            Some(window) => InputShape {
                channels,
                ..window.output(self.input)
            },
        }
    }

    /// Samples of one image: one, or one for each window.
    pub fn samples(&self) -> usize {
        let InputShape { height, width, .. } = self.output();
        height * width
    }

    /// Multiplications of weights with inputs for one image.
    pub fn multiplications(&self) -> f64 {
        self.outputs as f64 * self.inputs() as f64 * self.samples() as f64
    }

    /// Name of W.
    pub fn weight(&self) -> String {
        format!("{}.weight", self.name)
    }

    /// Name of the bias, whether or not the layer has one.
    pub fn bias_name(&self) -> String {
        format!("{}.bias", self.name)
    }

    /// The tensor W.
    pub fn weight_shape(&self) -> ParameterShape {
        let shape = match self.window {
            None => vec![self.outputs, self.inputs()],
            Some(Window { kernel, .. }) => {
                vec![self.outputs, self.input.channels, kernel, kernel]
            }
        };
        self.tensor(self.weight(), shape)
    }

    /// The tensors: W, then the bias.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = ParameterShape> {
        let bias = || self.tensor(self.bias_name(), vec![self.outputs]);
        iter::once(self.weight_shape()).chain(self.bias.then(bias))
    }

    fn tensor(&self, name: String, shape: Vec<usize>) -> ParameterShape {
        ParameterShape {
            name,
            shape,
            start: Start::Uniform {
                fan_in: self.inputs(),
            },
            trained: true,
        }
    }

    /// The samples of `images` flattened inputs, `[images * samples, inputs]`, windows in row order.
    ///
    /// # Panics
    /// Panics if `inputs` is shorter than `images` inputs.
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
