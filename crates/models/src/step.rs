//! A network as a list of steps: linear maps with weights ([`Layer`]), and fixed functions between them.

use eigenscope_artifact::InputShape;
use serde::{Deserialize, Serialize};

use crate::activation::Activation;
use crate::architecture::ParameterShape;
use crate::batch_norm::BatchNorm;
use crate::error::ModelError;
use crate::layer::Layer;
use crate::window::Window;

/// One step from inputs to logits.
///
/// A residual block is a pair of brackets in the list, [`Step::Fork`] and [`Step::Add`], so that positions in the list stay
/// places where a network can be cut. Between them stand the steps of the branch, and after a [`Step::Shortcut`] those of the
/// shortcut:
///
/// ```text
/// fork, branch ..., add                          x -> branch(x) + x
/// fork, branch ..., shortcut, shortcut ..., add  x -> branch(x) + shortcut(x)
/// ```
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
    /// A function of every value.
    Activation(Activation),
    /// The largest or mean value of every window of an image.
    Pool(Pool),
    /// The mean of every channel of an image of this shape.
    GlobalAveragePool(InputShape),
    /// Every value as a channel without a place; the values stay where they are.
    Flatten,
    /// In training a part of the values is 0, at random. Otherwise nothing.
    Dropout(Dropout),
    /// The start of a residual block: the value is put aside, and the branch goes on with it.
    Fork,
    /// The end of the branch, if the block has a shortcut: what the branch made is exchanged with the value put aside.
    Shortcut,
    /// The end of a residual block: the value put aside is added.
    Add,
}

/// Pooling by windows other than those of [`Step::MaxPool`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// What is taken of a window.
    pub kind: PoolKind,
    /// Shape of its input.
    pub input: InputShape,
    /// The windows, not dilated; the padding is at most half the kernel.
    pub window: Window,
}

/// What pooling takes of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PoolKind {
    /// The largest value; those of the padding do not count.
    Max,
    /// The sum divided by the number of values, with zeros for those of the padding (PyTorch's `count_include_pad`).
    Average,
    /// The sum divided by the number of values in the image; those of the padding do not count.
    AverageWithoutPadding,
}

/// Dropout: in training every value is 0 with a probability, and the others are divided by the rest of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dropout {
    /// Probability of 0; at least 0, less than 1.
    pub rate: f64,
}

/// Windows of [`Step::MaxPool`].
pub const MAX_POOL: Window = Window::new(2, 2);

impl PoolKind {
    /// What messages call it.
    pub fn name(self) -> &'static str {
        match self {
            PoolKind::Max => "max pooling",
            PoolKind::Average | PoolKind::AverageWithoutPadding => "average pooling",
        }
    }
}

impl Pool {
    fn fit(&self) -> Result<InputShape, ModelError> {
        let Window {
            kernel,
            padding,
            dilation,
            ..
        } = self.window;
        let step = self.kind.name();
        let output = self.window.fit(step, self.input)?;
        if dilation != 1 || padding > kernel / 2 {
            return Err(ModelError::Setting(format!(
                "the windows of {step} are not dilated and have a padding of at most half their kernel; these have a kernel of \
                 {kernel}, a padding of {padding} and a dilation of {dilation}"
            )));
        }
        Ok(output)
    }
}

impl BatchNorm {
    fn check(&self) -> Result<(), ModelError> {
        let Self {
            name,
            epsilon,
            momentum,
            ..
        } = self;
        if epsilon.is_finite() && *epsilon > 0.0 && (0.0..=1.0).contains(momentum) {
            return Ok(());
        }
        Err(ModelError::Setting(format!(
            "{name} needs a positive epsilon and a momentum between 0 and 1; they are {epsilon} and {momentum}"
        )))
    }
}

impl Step {
    /// Shape of what it makes of `input`. Brackets of residual blocks make of a value what it is.
    ///
    /// # Errors
    /// Returns an error if the step reads another shape, or windows that do not fit into it.
    pub(crate) fn output(&self, input: InputShape) -> Result<InputShape, ModelError> {
        match self {
            Step::Relu | Step::Fork | Step::Shortcut | Step::Add => Ok(input),
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
                MAX_POOL.fit("max pooling", input)
            }
            Step::Pool(pool) => {
                expect(pool.kind.name(), pool.input, input)?;
                pool.fit()
            }
            Step::GlobalAveragePool(shape) => {
                expect("global average pooling", *shape, input)?;
                Ok(InputShape::from([input.channels, 1, 1]))
            }
            Step::Flatten => Ok(InputShape::from([input.len(), 1, 1])),
            Step::Normalise(norm) => {
                norm.check()?;
                expect(&norm.name, norm.input, input).map(|()| input)
            }
            Step::Activation(Activation::LeakyRelu(slope)) if !slope.is_finite() => Err(
                ModelError::Setting(format!("a leaky ReLU has the slope {slope}")),
            ),
            Step::Activation(_) => Ok(input),
            Step::Dropout(Dropout { rate }) if !(0.0..1.0).contains(rate) => {
                Err(ModelError::Setting(format!(
                    "the rate of dropout is at least 0 and less than 1; it is {rate}"
                )))
            }
            Step::Dropout(_) => Ok(input),
            Step::Map(layer) => {
                expect(&layer.name, layer.input, input)?;
                layer.fit()
            }
        }
    }

    /// Its tensors, in stored order.
    pub(crate) fn parameters(&self) -> Vec<ParameterShape> {
        match self {
            Step::Map(layer) => layer.parameters().collect(),
            Step::Normalise(norm) => norm.parameters().to_vec(),
            _ => Vec::new(),
        }
    }

    /// What messages call it.
    pub fn describe(&self) -> &str {
        match self {
            Step::Map(layer) => &layer.name,
            Step::Normalise(norm) => &norm.name,
            Step::Relu => "ReLU",
            Step::Gate => "a gate",
            Step::MaxPool(_) => "max pooling",
            Step::Activation(_) => "an activation function",
            Step::Pool(pool) => pool.kind.name(),
            Step::GlobalAveragePool(_) => "global average pooling",
            Step::Flatten => "flattening",
            Step::Dropout(_) => "dropout",
            Step::Fork => "the start of a residual block",
            Step::Shortcut => "a shortcut",
            Step::Add => "a residual sum",
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
