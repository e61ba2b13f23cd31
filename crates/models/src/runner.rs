//! A model that runs on plain rows of numbers, for analyses of what its layers see.

use std::ops::Range;

use burn::tensor::{Device, Tensor, TensorData};

use crate::error::ModelError;
use crate::evaluate::{Evaluation, evaluate};
use crate::model::{Model, StoredModel, values};

/// A model on the CPU, without gradients.
#[derive(Debug, Clone)]
pub struct Runner {
    model: Model,
    device: Device,
}

impl Runner {
    /// Loads the weights.
    ///
    /// # Errors
    /// Returns no error for a checked model; the type is that of tensor look-ups.
    pub fn new(model: &StoredModel) -> Result<Self, ModelError> {
        let device = Device::flex();
        Ok(Self {
            model: model.load(&device)?,
            device,
        })
    }

    /// The given steps (positions in [`Architecture::steps`](crate::Architecture::steps)) of `images` flattened
    /// rows, row-major. What layer i of [`Architecture::layers`](crate::Architecture::layers) sees are the steps
    /// before its own.
    ///
    /// # Errors
    /// Returns an error if burn does not hand back the values.
    ///
    /// # Panics
    /// Panics if a step is out of bounds or the rows are not of its width.
    pub fn run(
        &self,
        steps: Range<usize>,
        rows: Vec<f32>,
        images: usize,
    ) -> Result<Vec<f32>, ModelError> {
        if steps.is_empty() || images == 0 {
            return Ok(rows);
        }
        let width = rows.len() / images;
        let rows = Tensor::from_data(TensorData::new(rows, [images, width]), &self.device);
        values(self.model.run(steps, rows))
    }

    /// Loss and accuracy on `inputs` `[labels.len(), width]`.
    ///
    /// # Errors
    /// Returns an error if burn does not hand back the logits.
    pub fn evaluate(&self, inputs: &[f32], labels: &[u16]) -> Result<Evaluation, ModelError> {
        evaluate(&self.model, inputs, labels, &self.device)
    }
}
