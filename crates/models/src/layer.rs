//! Linear maps with weights.

use std::iter;

use eigenscope_artifact::InputShape;
use serde::{Deserialize, Serialize};

use crate::architecture::{ParameterShape, Start};
use crate::error::ModelError;
use crate::window::{Window, is_one, one};

/// A linear map with its weight W and the shape of what it reads.
///
/// It is applied to the whole input, or to every window of it (a convolution). Either way one sample that W
/// multiplies is a vector of [`Layer::inputs`] values, channel-major.
///
/// A grouped convolution splits its input and output channels into groups; a group of outputs reads the windows of its own
/// group of inputs only. One sample is then the window of one group: all groups are of one size, and so are the rows of W.
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
    /// Groups of channels; 1 for layers without windows. In JSON left out if it is 1.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub groups: usize,
    /// Whether it has a bias.
    pub bias: bool,
}

impl Layer {
    /// Columns of W: values of one sample. Windows have `channels / groups * kernel * kernel`.
    pub fn inputs(&self) -> usize {
        match self.window {
            None => self.input.len(),
            Some(Window { kernel, .. }) => self
                .group_channels()
                .saturating_mul(kernel)
                .saturating_mul(kernel),
        }
    }

    /// Input channels of one group.
    pub fn group_channels(&self) -> usize {
        self.input.channels / self.groups.max(1)
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

    /// Values of one output channel of one image: one, or one for each window.
    pub fn places(&self) -> usize {
        let InputShape { height, width, .. } = self.output();
        height * width
    }

    /// Samples of one image: one for each place and group.
    pub fn samples(&self) -> usize {
        self.places() * self.groups
    }

    /// Multiplications of weights with inputs for one image.
    pub fn multiplications(&self) -> f64 {
        self.outputs as f64 * self.inputs() as f64 * self.places() as f64
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
                vec![self.outputs, self.group_channels(), kernel, kernel]
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

    /// Checks windows and groups against the shape of the input, and returns the shape of the output.
    pub(crate) fn fit(&self) -> Result<InputShape, ModelError> {
        let groups = self.groups;
        let divides = |channels: usize| groups > 0 && channels.is_multiple_of(groups);
        let grouped = self.window.is_some() || groups == 1;
        if !(grouped && divides(self.input.channels) && divides(self.outputs)) {
            return Err(ModelError::Groups {
                layer: self.name.clone(),
                groups,
                inputs: self.input.channels,
                outputs: self.outputs,
            });
        }
        if let Some(window) = self.window {
            window.fit(&self.name, self.input)?;
        }
        Ok(self.output())
    }

    /// The samples of `images` flattened inputs, `[images, groups, places, inputs]`, windows in row order. Pixels of the
    /// padding are 0.
    ///
    /// # Panics
    /// Panics if `inputs` is shorter than `images` inputs.
    pub fn unfold(&self, inputs: &[f32], images: usize) -> Vec<f32> {
        let Some(window) = self.window else {
            return inputs[..images * self.input.len()].to_vec();
        };
        let (output, channels) = (self.output(), self.group_channels());
        let mut samples = Vec::with_capacity(images * self.samples() * self.inputs());
        for image in inputs.chunks_exact(self.input.len()).take(images) {
            for group in 0..self.groups {
                for place in 0..output.height * output.width {
                    let corner = [place / output.width, place % output.width];
                    for row in 0..channels * window.kernel {
                        let channel = group * channels + row / window.kernel;
                        let plane = Plane {
                            image,
                            shape: self.input,
                            channel,
                        };
                        plane.window_row(window, corner, row % window.kernel, &mut samples);
                    }
                }
            }
        }
        samples
    }
}

/// One channel of an image.
struct Plane<'a> {
    image: &'a [f32],
    shape: InputShape,
    channel: usize,
}

impl Plane<'_> {
    /// Appends row `row` of the window at the place `corner`.
    fn window_row(&self, window: Window, corner: [usize; 2], row: usize, samples: &mut Vec<f32>) {
        let InputShape { height, width, .. } = self.shape;
        let Window {
            kernel,
            stride,
            padding,
            dilation,
        } = window;
        let [top, left] = corner.map(|place| place * stride);
        let line = (top + row * dilation)
            .checked_sub(padding)
            .filter(|y| *y < height)
            .map(|y| &self.image[(self.channel * height + y) * width..][..width]);
        match line {
            None => samples.extend(iter::repeat_n(0.0, kernel)),
            Some(line) if padding == 0 && dilation == 1 => {
                samples.extend_from_slice(&line[left..left + kernel]);
            }
            Some(line) => samples.extend((0..kernel).map(|column| {
                let x = (left + column * dilation).checked_sub(padding);
                x.and_then(|x| line.get(x)).copied().unwrap_or(0.0)
            })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(window: Window) -> Layer {
        Layer {
            name: "conv1".to_owned(),
            input: InputShape::from([2, 3, 4]),
            outputs: 6,
            window: Some(window),
            groups: 1,
            bias: false,
        }
    }

    fn image() -> Vec<f32> {
        (0..24).map(|value| value as f32).collect()
    }

    #[test]
    fn windows_by_hand() {
        let layer = layer(Window::new(2, 2));
        assert_eq!((layer.inputs(), layer.samples()), (8, 2));
        let expected = [
            [0.0, 1.0, 4.0, 5.0, 12.0, 13.0, 16.0, 17.0],
            [2.0, 3.0, 6.0, 7.0, 14.0, 15.0, 18.0, 19.0],
        ];
        assert_eq!(layer.unfold(&image(), 1), expected.concat());
        let whole = Layer {
            window: None,
            ..layer
        };
        assert_eq!((whole.inputs(), whole.samples()), (24, 1));
        assert_eq!(whole.unfold(&image(), 1), image());
    }

    #[test]
    fn groups_padding_and_dilation_by_hand() {
        let grouped = Layer {
            groups: 2,
            ..layer(Window::new(2, 2))
        };
        assert_eq!((grouped.inputs(), grouped.samples()), (4, 4));
        assert_eq!(grouped.weight_shape().shape, [6, 1, 2, 2]);
        let expected = [
            [0.0, 1.0, 4.0, 5.0],
            [2.0, 3.0, 6.0, 7.0],
            [12.0, 13.0, 16.0, 17.0],
            [14.0, 15.0, 18.0, 19.0],
        ];
        assert_eq!(grouped.unfold(&image(), 1), expected.concat());
        let padded = Layer {
            groups: 2,
            ..layer(Window {
                padding: 1,
                dilation: 2,
                ..Window::new(2, 2)
            })
        };
        assert_eq!(padded.output(), InputShape::from([6, 2, 2]));
        let first = [
            [0.0, 0.0, 0.0, 5.0],
            [0.0, 0.0, 5.0, 7.0],
            [0.0, 5.0, 0.0, 0.0],
            [5.0, 7.0, 0.0, 0.0],
        ];
        assert_eq!(padded.unfold(&image(), 1)[..16], first.concat());
    }

    #[test]
    fn groups_divide_the_channels() {
        for (groups, outputs, window) in [
            (3, 6, Some(Window::new(2, 1))),
            (2, 5, Some(Window::new(2, 1))),
            (0, 6, Some(Window::new(2, 1))),
            (2, 6, None),
        ] {
            let layer = Layer {
                groups,
                outputs,
                window,
                ..layer(Window::new(1, 1))
            };
            let error = layer.fit().expect_err("they do not divide");
            assert!(matches!(error, ModelError::Groups { .. }), "{error}");
        }
    }
}
