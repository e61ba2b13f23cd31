//! A model on a device: forward in evaluation and in training, and its gradients.

use std::ops::Range;

#[cfg(feature = "autodiff")]
use burn::tensor::Gradients;
use burn::tensor::Tensor;
#[cfg(feature = "autodiff")]
use burn::tensor::TensorData;

use crate::error::ModelError;
#[cfg(feature = "autodiff")]
use crate::loaded_step::Rows;
use crate::loaded_step::{Flow, LoadedStep};
#[cfg(feature = "autodiff")]
use crate::norm::BatchStatistics;

/// A model on a device.
#[derive(Debug, Clone)]
pub struct Model {
    steps: Vec<LoadedStep>,
}

/// A source of dropout masks: it is given a number of values and a rate, and returns that many factors, each 0 with the
/// probability of the rate and `1 / (1 - rate)` otherwise.
#[cfg(feature = "autodiff")]
pub type DropoutMasks<'a> = &'a mut dyn FnMut(usize, f64) -> Vec<f32>;

impl Model {
    pub(crate) fn new(steps: Vec<LoadedStep>) -> Self {
        Self { steps }
    }

    /// Logits `[N, C]` of flattened inputs `[N, D]`.
    pub fn forward(&self, inputs: Tensor<2>) -> Tensor<2> {
        Flow::new(inputs).run(&self.steps).current.rows()
    }

    /// The given steps of what other steps have made.
    pub(crate) fn run(&self, steps: Range<usize>, flow: Flow) -> Flow {
        flow.run(&self.steps[steps])
    }

    /// As [`Model::forward`] in training: batch normalisation by the batch's own statistics, which are returned
    /// in the order of the steps, and dropout with factors from `masks`, which is called in the order of the steps for rows
    /// `[N, width]`, row-major.
    ///
    /// # Errors
    /// Returns [`ModelError::NoVariance`] for a normalisation of a single value.
    ///
    /// # Panics
    /// Panics if a mask has another number of values than it is asked for.
    #[cfg(feature = "autodiff")]
    pub fn forward_training(
        &self,
        rows: Tensor<2>,
        masks: DropoutMasks<'_>,
    ) -> Result<(Tensor<2>, Vec<BatchStatistics>), ModelError> {
        let mut flow = Flow::new(rows);
        let mut steps = self.steps.as_slice();
        let mut all = Vec::new();
        loop {
            let differs = |step: &LoadedStep| {
                matches!(step, LoadedStep::Normalise(_) | LoadedStep::Dropout(_))
            };
            let plain = steps.iter().position(differs).unwrap_or(steps.len());
            flow = flow.run(&steps[..plain]);
            steps = match &steps[plain..] {
                [LoadedStep::Normalise(norm), rest @ ..] => {
                    let (epilogue, rest) = LoadedStep::epilogue(rest);
                    let (normalised, statistics) =
                        norm.apply_training(flow.current.rows(), epilogue)?;
                    all.push(statistics);
                    flow.current = Rows::new(normalised, true);
                    rest
                }
                [LoadedStep::Dropout(rate), rest @ ..] => {
                    let rows = drop_values(flow.current.rows(), *rate, masks);
                    flow.current = Rows::new(rows, false);
                    rest
                }
                _ => return Ok((flow.current.rows(), all)),
            };
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

/// Rows times a mask.
#[cfg(feature = "autodiff")]
fn drop_values(rows: Tensor<2>, rate: f64, masks: DropoutMasks<'_>) -> Tensor<2> {
    if rate == 0.0 {
        return rows;
    }
    let shape = rows.dims();
    let mask = TensorData::new(masks(shape.iter().product(), rate), shape);
    let device = rows.device();
    rows * Tensor::from_data(mask, &device)
}

#[cfg(feature = "autodiff")]
pub(crate) fn take<const D: usize>(
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
