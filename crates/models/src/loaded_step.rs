//! Steps with their tensors on a device, and how a run of them is computed.

use std::sync::OnceLock;

#[cfg(feature = "autodiff")]
use burn::tensor::Gradients;
use burn::tensor::Tensor;
use burn::tensor::activation::relu;
use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;
use eigenscope_artifact::InputShape;
use eigenscope_kernels::{
    Epilogue, Geometry, ImageShape, PoolGeometry, average_pool, convolution, gate, max_pool,
};

use crate::activation::Activation;
use crate::error::ModelError;
use crate::layer::Layer;
use crate::linear::LoadedLinear;
#[cfg(feature = "autodiff")]
use crate::model::take;
use crate::norm::LoadedNorm;
use crate::step::{MAX_POOL, Pool, PoolKind, Step};
use crate::stored_model::{Leaf, next};
use crate::window::Window;

/// A [`Step`] with its tensors.
#[derive(Debug, Clone)]
pub(crate) enum LoadedStep {
    Linear(LoadedLinear),
    Convolution {
        geometry: Geometry,
        weight: Tensor<4>,
        bias: Option<Tensor<1>>,
        /// Weight and bias with the normalisation after it, once they are needed.
        folded: Box<OnceLock<(Tensor<4>, Tensor<1>)>>,
    },
    Relu,
    Gate,
    MaxPool(InputShape),
    Normalise(Box<LoadedNorm>),
    Activation(Activation),
    Pool(Pool),
    GlobalAveragePool(InputShape),
    /// Flattening, which changes no row.
    Nothing,
    /// With its rate.
    Dropout(f64),
    Fork,
    Shortcut,
    Add,
}

/// Rows `[N, width]`.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    /// The rows; where the kernels leave images last, `[width, N]`. Either way the values lie in memory in this order, so that
    /// functions of single values pass over them in one go, forward and backward.
    values: Tensor<2>,
    images_last: bool,
}

impl Rows {
    /// Rows `[N, width]`, which are a view of `[width, N]` if images are last.
    pub(crate) fn new(rows: Tensor<2>, images_last: bool) -> Self {
        let values = match images_last {
            true => rows.transpose(),
            false => rows,
        };
        Self {
            values,
            images_last,
        }
    }

    /// `[N, width]`.
    pub(crate) fn rows(self) -> Tensor<2> {
        match self.images_last {
            true => self.values.transpose(),
            false => self.values,
        }
    }

    /// What a function of every value makes of them.
    fn map(self, function: impl FnOnce(Tensor<2>) -> Tensor<2>) -> Self {
        Self {
            values: function(self.values),
            ..self
        }
    }

    fn add(self, other: Self) -> Self {
        match self.images_last == other.images_last {
            true => self.map(|values| values + other.values),
            false => Self::new(self.rows() + other.rows(), false),
        }
    }
}

/// What a network has computed up to a step: rows, and the rows that residual blocks have put aside.
#[derive(Debug, Clone)]
pub(crate) struct Flow {
    pub(crate) current: Rows,
    pub(crate) aside: Vec<Rows>,
}

impl Flow {
    pub(crate) fn new(rows: Tensor<2>) -> Self {
        Self {
            current: Rows::new(rows, false),
            aside: Vec::new(),
        }
    }

    /// Takes all of `steps`.
    pub(crate) fn run(mut self, mut steps: &[LoadedStep]) -> Self {
        while let [step, rest @ ..] = steps {
            steps = match step {
                LoadedStep::Fork => {
                    self.aside.push(self.current.clone());
                    rest
                }
                LoadedStep::Shortcut => {
                    let aside = self.aside.last_mut().expect("a residual block has begun");
                    std::mem::swap(aside, &mut self.current);
                    rest
                }
                LoadedStep::Add => {
                    let aside = self.aside.pop().expect("a residual block has begun");
                    self.current = self.current.add(aside);
                    rest
                }
                LoadedStep::Relu => {
                    self.current = self.current.map(relu);
                    rest
                }
                LoadedStep::Activation(activation) => {
                    self.current = self.current.map(|values| activation.apply(values));
                    rest
                }
                LoadedStep::Nothing | LoadedStep::Dropout(_) => rest,
                step => {
                    let (rows, rest) = step.apply(rest, self.current.rows());
                    let images_last =
                        matches!(step, LoadedStep::Convolution { .. } | LoadedStep::Pool(_));
                    self.current = Rows::new(rows, images_last);
                    rest
                }
            };
        }
        self
    }
}

impl LoadedStep {
    pub(crate) fn new<'a>(
        step: &Step,
        leaves: &mut impl Iterator<Item = Leaf<'a>>,
    ) -> Result<Self, ModelError> {
        Ok(match step {
            Step::Map(layer) => return Self::map(layer, leaves),
            Step::Normalise(norm) => {
                LoadedStep::Normalise(Box::new(LoadedNorm::new(norm, leaves)?))
            }
            Step::Relu => LoadedStep::Relu,
            Step::Gate => LoadedStep::Gate,
            Step::MaxPool(shape) => LoadedStep::MaxPool(*shape),
            Step::Activation(activation) => LoadedStep::Activation(*activation),
            Step::Pool(pool) => LoadedStep::Pool(pool.clone()),
            Step::GlobalAveragePool(shape) => LoadedStep::GlobalAveragePool(*shape),
            Step::Flatten => LoadedStep::Nothing,
            Step::Dropout(dropout) => LoadedStep::Dropout(dropout.rate),
            Step::Fork => LoadedStep::Fork,
            Step::Shortcut => LoadedStep::Shortcut,
            Step::Add => LoadedStep::Add,
        })
    }

    fn map<'a>(
        layer: &Layer,
        leaves: &mut impl Iterator<Item = Leaf<'a>>,
    ) -> Result<Self, ModelError> {
        let weight = next(leaves)?;
        let bias = layer.bias.then(|| next(leaves).map(Leaf::tensor));
        let bias = bias.transpose()?;
        Ok(match layer.window {
            None => LoadedStep::Linear(LoadedLinear {
                weight: weight.tensor(),
                bias,
            }),
            Some(window) => LoadedStep::Convolution {
                geometry: Geometry {
                    input: image_shape(layer.input),
                    stride: window.stride,
                    padding: window.padding,
                    dilation: window.dilation,
                    groups: layer.groups,
                },
                weight: weight.tensor(),
                bias,
                folded: Box::default(),
            },
        })
    }

    /// Applies this step, and those of `rest` that it can take along, to rows of flattened values. Returns what is left of
    /// `rest`.
    fn apply<'a>(&self, rest: &'a [Self], rows: Tensor<2>) -> (Tensor<2>, &'a [Self]) {
        match self {
            LoadedStep::Linear(first) => match rest {
                [LoadedStep::Linear(second), rest @ ..] => (first.then(second, rows), rest),
                rest => (first.apply(rows), rest),
            },
            LoadedStep::Convolution {
                geometry,
                weight,
                bias,
                folded,
            } => {
                let (weight, bias) = (weight.clone(), bias.clone());
                let (weight, bias, rest) = match rest {
                    [LoadedStep::Normalise(norm), rest @ ..] => {
                        let gradients = weight.is_require_grad();
                        let fold = || norm.fold_into(weight, bias);
                        let (weight, bias) = match gradients {
                            // Each pass has a graph of its own.
                            true => fold(),
                            false => folded.get_or_init(fold).clone(),
                        };
                        (weight, Some(bias), rest)
                    }
                    rest => (weight, bias, rest),
                };
                let (epilogue, rest) = Self::epilogue(rest);
                (convolution(rows, weight, bias, *geometry, epilogue), rest)
            }
            LoadedStep::Normalise(norm) => (norm.apply(rows), rest),
            step => (step.function(rows), rest),
        }
    }

    /// What a step without tensors makes of rows.
    fn function(&self, rows: Tensor<2>) -> Tensor<2> {
        match self {
            LoadedStep::Gate => gate(rows),
            LoadedStep::MaxPool(input) => pool_pairs(rows, *input),
            LoadedStep::Pool(pool) => pool_windows(rows, pool),
            LoadedStep::GlobalAveragePool(input) => average_channels(rows, *input),
            _ => rows,
        }
    }

    /// The first of `steps` that a convolution or a normalisation takes along, and what is left.
    pub(crate) fn epilogue(steps: &[Self]) -> (Epilogue, &[Self]) {
        match steps {
            [LoadedStep::Relu, LoadedStep::MaxPool(_), rest @ ..] => (Epilogue::ReluMaxPool, rest),
            [LoadedStep::Relu, rest @ ..] => (Epilogue::Relu, rest),
            rest => (Epilogue::Linear, rest),
        }
    }

    #[cfg(feature = "autodiff")]
    pub(crate) fn take_gradients(
        &self,
        gradients: &mut Gradients,
        all: &mut Vec<Vec<f32>>,
    ) -> Result<(), ModelError> {
        let bias = match self {
            LoadedStep::Linear(LoadedLinear { weight, bias }) => {
                all.push(take(weight, gradients)?);
                bias
            }
            LoadedStep::Convolution { weight, bias, .. } => {
                all.push(take(weight, gradients)?);
                bias
            }
            LoadedStep::Normalise(norm) => {
                all.push(take(&norm.weight, gradients)?);
                all.push(take(&norm.bias, gradients)?);
                all.extend([Vec::new(), Vec::new()]);
                return Ok(());
            }
            _ => return Ok(()),
        };
        if let Some(bias) = bias {
            all.push(take(bias, gradients)?);
        }
        Ok(())
    }
}

/// The largest of 2 x 2 values.
fn pool_pairs(rows: Tensor<2>, input: InputShape) -> Tensor<2> {
    let [samples, _] = rows.dims();
    let images = rows.reshape([samples, input.channels, input.height, input.width]);
    let options = MaxPoolOptions::new([MAX_POOL.kernel; 2]).with_stride([MAX_POOL.stride; 2]);
    max_pool2d(images, options).flatten(1, 3)
}

fn pool_windows(rows: Tensor<2>, pool: &Pool) -> Tensor<2> {
    let Window {
        kernel,
        stride,
        padding,
        ..
    } = pool.window;
    let geometry = PoolGeometry {
        input: image_shape(pool.input),
        kernel,
        stride,
        padding,
    };
    match pool.kind {
        PoolKind::Max => max_pool(rows, geometry),
        PoolKind::Average => average_pool(rows, geometry, true),
        PoolKind::AverageWithoutPadding => average_pool(rows, geometry, false),
    }
}

/// The mean of every channel.
fn average_channels(rows: Tensor<2>, input: InputShape) -> Tensor<2> {
    let [samples, _] = rows.dims();
    let places = input.height * input.width;
    // Images are the last dimension, as the kernels leave them.
    let channels = rows.transpose().reshape([input.channels, places, samples]);
    let means = channels.mean_dim(1).reshape([input.channels, samples]);
    means.transpose()
}

/// The shape as the kernels name it.
pub(crate) fn image_shape(shape: InputShape) -> ImageShape {
    ImageShape {
        channels: shape.channels,
        height: shape.height,
        width: shape.width,
    }
}
