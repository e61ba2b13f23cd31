//! A model with its weights: from the tensors artifact, onto a device, and forward.

use std::ops::Range;
use std::path::Path;

#[cfg(feature = "autodiff")]
use burn::tensor::Gradients;
use burn::tensor::activation::relu;
use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;
use burn::tensor::{Device, Tensor, TensorData};
use eigenscope_artifact::{
    InputShape, NamedTensor, Provenance, TENSORS, TensorReader, write_tensors,
};
use eigenscope_kernels::{Epilogue, Geometry, ImageShape, convolution, gate};

use crate::architecture::Architecture;
use crate::error::ModelError;
use crate::layer::{Layer, POOL, Step, Window};
use crate::linear::LoadedLinear;
#[cfg(feature = "autodiff")]
use crate::norm::BatchStatistics;
use crate::norm::LoadedNorm;

/// A model as it is stored: architecture and tensors, checked against each other.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredModel {
    pub architecture: Architecture,
    /// The tensors in the order of [`Architecture::parameters`].
    pub tensors: Vec<NamedTensor>,
}

impl StoredModel {
    /// Reads a tensors artifact.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read, or if its architecture or a tensor is not valid.
    pub fn read(path: &Path) -> Result<Self, ModelError> {
        let reader = TensorReader::open(path, TENSORS)?;
        Self::new(reader.header()?, reader.read()?)
    }

    /// Writes a tensors artifact.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub fn write(&self, path: &Path, provenance: &Provenance) -> Result<(), ModelError> {
        write_tensors(path, TENSORS, &self.architecture, &self.tensors, provenance)?;
        Ok(())
    }

    /// Checks `tensors` against `architecture` and puts them in its order.
    ///
    /// # Errors
    /// Returns [`ModelError::Tensor`] if a tensor is missing, misshapen or not finite.
    pub fn new(
        architecture: Architecture,
        mut tensors: Vec<NamedTensor>,
    ) -> Result<Self, ModelError> {
        let mut ordered = Vec::new();
        for parameter in architecture.parameters() {
            let position = position(&tensors, &parameter.name)?;
            let tensor = tensors.swap_remove(position);
            let refuse = |problem| {
                Err(ModelError::Tensor {
                    name: parameter.name,
                    problem,
                })
            };
            if tensor.shape != parameter.shape {
                let (found, expected) = (&tensor.shape, parameter.shape);
                return refuse(format!("has shape {found:?}, expected {expected:?}"));
            }
            if let Some(position) = tensor.data.iter().position(|value| !value.is_finite()) {
                let value = tensor.data[position];
                return refuse(format!("holds {value} at position {position}"));
            }
            ordered.push(tensor);
        }
        Ok(Self {
            architecture,
            tensors: ordered,
        })
    }

    /// The tensor called `name`.
    ///
    /// # Errors
    /// Returns [`ModelError::Tensor`] if there is none.
    pub fn tensor(&self, name: &str) -> Result<&NamedTensor, ModelError> {
        position(&self.tensors, name).map(|position| &self.tensors[position])
    }

    /// The values of the weight of a layer, `[outputs, inputs]` row-major.
    ///
    /// # Errors
    /// Returns [`ModelError::Tensor`] if the layer is not one of this model.
    pub fn weight(&self, layer: &Layer) -> Result<&[f32], ModelError> {
        Ok(&self.tensor(&layer.weight())?.data)
    }

    /// The model on `device`, tracking gradients if the device records them.
    ///
    /// # Errors
    /// Returns no error for a checked model; the type is that of tensor look-ups.
    pub fn load(&self, device: &Device) -> Result<Model, ModelError> {
        let mut leaves = self.tensors.iter().map(|tensor| Leaf { tensor, device });
        let steps = self.architecture.steps().iter();
        Ok(Model {
            steps: steps
                .map(|step| LoadedStep::new(step, &mut leaves))
                .collect::<Result<_, _>>()?,
        })
    }
}

fn missing(name: &str) -> ModelError {
    ModelError::Tensor {
        name: name.to_owned(),
        problem: "is missing".to_owned(),
    }
}

fn position(tensors: &[NamedTensor], name: &str) -> Result<usize, ModelError> {
    let position = tensors.iter().position(|tensor| tensor.name == name);
    position.ok_or_else(|| missing(name))
}

/// A stored tensor on its way to a device.
pub(crate) struct Leaf<'a> {
    tensor: &'a NamedTensor,
    device: &'a Device,
}

pub(crate) fn next<'a>(
    leaves: &mut impl Iterator<Item = Leaf<'a>>,
) -> Result<Leaf<'a>, ModelError> {
    leaves.next().ok_or_else(|| missing("(one more)"))
}

impl Leaf<'_> {
    /// Without gradients.
    pub(crate) fn constant<const D: usize>(&self) -> Tensor<D> {
        let data = TensorData::new(self.tensor.data.clone(), self.tensor.shape.clone());
        Tensor::from_data(data, self.device)
    }

    pub(crate) fn tensor<const D: usize>(self) -> Tensor<D> {
        let tensor = self.constant();
        #[cfg(feature = "autodiff")]
        if self.device.is_autodiff() {
            return tensor.require_grad();
        }
        tensor
    }
}

/// A model on a device.
#[derive(Debug, Clone)]
pub struct Model {
    steps: Vec<LoadedStep>,
}

/// A [`Step`] with its tensors.
#[derive(Debug, Clone)]
enum LoadedStep {
    Linear(LoadedLinear),
    Convolution {
        geometry: Geometry,
        weight: Tensor<4>,
        bias: Option<Tensor<1>>,
    },
    Relu,
    Gate,
    MaxPool(InputShape),
    Normalise(Box<LoadedNorm>),
}

impl LoadedStep {
    fn new<'a>(
        step: &Step,
        leaves: &mut impl Iterator<Item = Leaf<'a>>,
    ) -> Result<Self, ModelError> {
        let &Layer {
            input,
            window,
            bias: biased,
            ..
        } = match step {
            Step::Map(layer) => layer,
            Step::Relu => return Ok(LoadedStep::Relu),
            Step::Gate => return Ok(LoadedStep::Gate),
            Step::MaxPool(shape) => return Ok(LoadedStep::MaxPool(*shape)),
            Step::Normalise(norm) => {
                let norm = LoadedNorm::new(norm, leaves)?;
                return Ok(LoadedStep::Normalise(Box::new(norm)));
            }
        };
        let weight = next(leaves)?;
        let bias = biased.then(|| next(leaves).map(Leaf::tensor)).transpose()?;
        Ok(match window {
            None => LoadedStep::Linear(LoadedLinear {
                weight: weight.tensor(),
                bias,
            }),
            Some(Window { stride, .. }) => LoadedStep::Convolution {
                geometry: Geometry {
                    input: image_shape(input),
                    stride,
                },
                weight: weight.tensor(),
                bias,
            },
        })
    }

    /// Applies the first of `steps`, and those after it that it can take along, to rows of flattened values. Returns
    /// what is left of `steps`.
    fn apply(steps: &[Self], rows: Tensor<2>) -> (&[Self], Tensor<2>) {
        let Some((step, rest)) = steps.split_first() else {
            return (steps, rows);
        };
        match step {
            LoadedStep::Linear(first) => match rest {
                [LoadedStep::Linear(second), rest @ ..] => (rest, first.then(second, rows)),
                rest => (rest, first.apply(rows)),
            },
            LoadedStep::Convolution {
                geometry,
                weight,
                bias,
            } => {
                let (weight, bias) = (weight.clone(), bias.clone());
                let (weight, bias, rest) = match rest {
                    [LoadedStep::Normalise(norm), rest @ ..] => {
                        let (weight, bias) = norm.fold_into(weight, bias);
                        (weight, Some(bias), rest)
                    }
                    rest => (weight, bias, rest),
                };
                let (epilogue, rest) = Self::epilogue(rest);
                (rest, convolution(rows, weight, bias, *geometry, epilogue))
            }
            LoadedStep::Relu => (rest, relu(rows)),
            LoadedStep::Gate => (rest, gate(rows)),
            LoadedStep::MaxPool(input) => (rest, max_pool(rows, *input)),
            LoadedStep::Normalise(norm) => (rest, norm.apply(rows)),
        }
    }

    /// The first of `steps` that a convolution or a normalisation takes along, and what is left.
    fn epilogue(steps: &[Self]) -> (Epilogue, &[Self]) {
        match steps {
            [LoadedStep::Relu, LoadedStep::MaxPool(_), rest @ ..] => (Epilogue::ReluMaxPool, rest),
            [LoadedStep::Relu, rest @ ..] => (Epilogue::Relu, rest),
            rest => (Epilogue::Linear, rest),
        }
    }

    #[cfg(feature = "autodiff")]
    fn take_gradients(
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
            LoadedStep::Relu | LoadedStep::Gate | LoadedStep::MaxPool(_) => return Ok(()),
        };
        if let Some(bias) = bias {
            all.push(take(bias, gradients)?);
        }
        Ok(())
    }
}

impl Model {
    /// Logits `[N, C]` of flattened inputs `[N, D]`.
    pub fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
        self.run(0..self.steps.len(), inputs)
    }

    /// The given steps (positions in [`Architecture::steps`]) of flattened rows.
    ///
    /// # Panics
    /// Panics if a step is out of bounds.
    pub fn run(&self, steps: Range<usize>, rows: Tensor<2>) -> Tensor<2> {
        run(&self.steps[steps], rows)
    }

    /// As [`Model::forward`] in training: batch normalisation by the batch's own statistics, which are returned
    /// in the order of the steps.
    #[cfg(feature = "autodiff")]
    pub fn forward_training(&self, mut rows: Tensor<2>) -> (Tensor<2>, Vec<BatchStatistics>) {
        let mut steps = self.steps.as_slice();
        let mut all = Vec::new();
        loop {
            let is_norm = |step: &LoadedStep| matches!(step, LoadedStep::Normalise(_));
            let plain = steps.iter().position(is_norm).unwrap_or(steps.len());
            rows = run(&steps[..plain], rows);
            let [LoadedStep::Normalise(norm), rest @ ..] = &steps[plain..] else {
                return (rows, all);
            };
            let (epilogue, rest) = LoadedStep::epilogue(rest);
            let (normalised, statistics) = norm.apply_training(rows, epilogue);
            all.push(statistics);
            (steps, rows) = (rest, normalised);
        }
    }

    /// Takes the gradients of all tensors out of `gradients`, in stored order, row-major; empty for those that are
    /// not trained.
    ///
    /// # Errors
    /// Returns an error if the loss does not depend on a parameter.
    #[cfg(feature = "autodiff")]
    pub fn take_gradients(&self, gradients: &mut Gradients) -> Result<Vec<Vec<f32>>, ModelError> {
        let mut all = Vec::new();
        for step in &self.steps {
            step.take_gradients(gradients, &mut all)?;
        }
        Ok(all)
    }
}

fn run(mut steps: &[LoadedStep], mut rows: Tensor<2>) -> Tensor<2> {
    while !steps.is_empty() {
        (steps, rows) = LoadedStep::apply(steps, rows);
    }
    rows
}

fn max_pool(rows: Tensor<2>, input: InputShape) -> Tensor<2> {
    let [samples, _] = rows.dims();
    let images = rows.reshape([samples, input.channels, input.height, input.width]);
    let options = MaxPoolOptions::new([POOL.kernel; 2]).with_stride([POOL.stride; 2]);
    max_pool2d(images, options).flatten(1, 3)
}

/// The shape as the kernels name it.
pub(crate) fn image_shape(shape: InputShape) -> ImageShape {
    ImageShape {
        channels: shape.channels,
        height: shape.height,
        width: shape.width,
    }
}

#[cfg(feature = "autodiff")]
fn take<const D: usize>(
    parameter: &Tensor<D>,
    gradients: &mut Gradients,
) -> Result<Vec<f32>, ModelError> {
    parameter
        .grad_remove(gradients)
        .ok_or_else(|| ModelError::Values("the loss does not depend on it".to_owned()))
        .and_then(values)
}

/// The values of a tensor, row-major.
///
/// # Errors
/// Returns [`ModelError::Values`] if burn does not hand them back.
pub fn values<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, ModelError> {
    tensor
        .into_data()
        .try_into_vec::<f32>()
        .map_err(|error| ModelError::Values(format!("{error:?}")))
}
