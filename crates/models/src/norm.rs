//! Batch normalisation on a device; see [`BatchNorm`].

use burn::tensor::Tensor;
use eigenscope_artifact::InputShape;
#[cfg(feature = "autodiff")]
use eigenscope_kernels::{Epilogue, batch_norm};

use crate::error::ModelError;
use crate::layer::BatchNorm;
#[cfg(feature = "autodiff")]
use crate::layer::{RUNNING_MEAN, RUNNING_VARIANCE};
use crate::model::{Leaf, next};
#[cfg(feature = "autodiff")]
use crate::model::{StoredModel, image_shape, values};

const EPSILON: f64 = 1e-5;
/// Weight of a batch in the running averages.
#[cfg(feature = "autodiff")]
const MOMENTUM: f32 = 0.1;

/// A [`BatchNorm`] with its tensors, `[channels]` each.
#[derive(Debug, Clone)]
pub(crate) struct LoadedNorm {
    input: InputShape,
    pub(crate) weight: Tensor<1>,
    pub(crate) bias: Tensor<1>,
    mean: Tensor<1>,
    variance: Tensor<1>,
}

impl LoadedNorm {
    pub(crate) fn new<'a>(
        norm: &BatchNorm,
        leaves: &mut impl Iterator<Item = Leaf<'a>>,
    ) -> Result<Self, ModelError> {
        Ok(Self {
            input: norm.input,
            weight: next(leaves)?.tensor(),
            bias: next(leaves)?.tensor(),
            mean: next(leaves)?.constant(),
            variance: next(leaves)?.constant(),
        })
    }

    /// Rows normalised by the running averages.
    pub(crate) fn apply(&self, rows: Tensor<2>) -> Tensor<2> {
        let centred = self.places(rows) - self.channels(self.mean.clone());
        let scaled = centred * self.channels(self.factor());
        (scaled + self.channels(self.bias.clone())).flatten(1, 2)
    }

    /// Weight and bias of a convolution that does the normalisation by the running averages, too.
    pub(crate) fn fold_into(
        &self,
        weight: Tensor<4>,
        bias: Option<Tensor<1>>,
    ) -> (Tensor<4>, Tensor<1>) {
        let factor = self.factor();
        let shift = match bias {
            Some(bias) => bias - self.mean.clone(),
            None => -self.mean.clone(),
        };
        let every = factor.clone().reshape([self.input.channels, 1, 1, 1]);
        (weight * every, shift * factor + self.bias.clone())
    }

    /// weight / sqrt(variance + epsilon) of every channel.
    fn factor(&self) -> Tensor<1> {
        self.weight.clone() / (self.variance.clone() + EPSILON).sqrt()
    }

    /// Rows normalised by their own statistics, which come with them, and what `epilogue` makes of them.
    #[cfg(feature = "autodiff")]
    pub(crate) fn apply_training(
        &self,
        rows: Tensor<2>,
        epilogue: Epilogue,
    ) -> (Tensor<2>, BatchStatistics) {
        let (weight, bias) = (self.weight.clone(), self.bias.clone());
        let eigenscope_kernels::BatchNorm {
            rows,
            mean,
            variance,
        } = batch_norm(rows, weight, bias, image_shape(self.input), epilogue);
        (rows, BatchStatistics { mean, variance })
    }

    /// `[samples, channels, places]`.
    fn places(&self, rows: Tensor<2>) -> Tensor<3> {
        let InputShape {
            channels,
            height,
            width,
        } = self.input;
        let [samples, _] = rows.dims();
        rows.reshape([samples, channels, height * width])
    }

    /// One value for every channel.
    fn channels(&self, values: Tensor<1>) -> Tensor<3> {
        values.reshape([1, self.input.channels, 1])
    }
}

/// Mean and variance (denominator n - 1) of every channel over a batch, `[channels]` each.
#[cfg(feature = "autodiff")]
#[derive(Debug, Clone)]
pub struct BatchStatistics {
    mean: Tensor<1>,
    variance: Tensor<1>,
}

#[cfg(feature = "autodiff")]
impl StoredModel {
    /// Takes a batch's statistics into the running averages of batch normalisation, see [`BatchNorm`].
    ///
    /// # Errors
    /// Returns an error if burn does not hand back the values.
    pub fn take_statistics(&mut self, all: Vec<BatchStatistics>) -> Result<(), ModelError> {
        let mut averages = self.tensors.iter_mut().filter(|tensor| {
            tensor.name.ends_with(RUNNING_MEAN) || tensor.name.ends_with(RUNNING_VARIANCE)
        });
        for BatchStatistics { mean, variance } in all {
            for batch in [mean, variance] {
                let batch = values(batch)?;
                let average = averages.next().map(|tensor| &mut tensor.data);
                for (average, batch) in average.into_iter().flatten().zip(batch) {
                    *average += MOMENTUM * (batch - *average);
                }
            }
        }
        Ok(())
    }
}
