//! A model with its weights as it is stored, checked against its architecture.

use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use eigenscope_artifact::{NamedTensor, Provenance, TENSORS, TensorReader, write_tensors};

use crate::architecture::Architecture;
use crate::error::ModelError;
use crate::layer::Layer;
use crate::loaded_step::LoadedStep;
use crate::model::Model;

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
        let steps = steps.map(|step| LoadedStep::new(step, &mut leaves));
        Ok(Model::new(steps.collect::<Result<_, _>>()?))
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
