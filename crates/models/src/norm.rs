//! Batch normalisation on a device; see [`BatchNorm`].

use burn::tensor::Tensor;
use eigenscope_artifact::InputShape;
#[cfg(feature = "autodiff")]
use eigenscope_kernels::{Epilogue, batch_norm};

use crate::batch_norm::BatchNorm;
use crate::error::ModelError;
#[cfg(feature = "autodiff")]
use crate::loaded_step::image_shape;
#[cfg(feature = "autodiff")]
use crate::model::values;
#[cfg(feature = "autodiff")]
use crate::stored_model::StoredModel;
use crate::stored_model::{Leaf, next};

/// A [`BatchNorm`] with its tensors, `[channels]` each.
#[derive(Debug, Clone)]
pub(crate) struct LoadedNorm {
    norm: BatchNorm,
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
            norm: norm.clone(),
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
        let every = factor.clone().reshape([self.norm.input.channels, 1, 1, 1]);
        (weight * every, shift * factor + self.bias.clone())
    }

    /// weight / sqrt(variance + epsilon) of every channel.
    fn factor(&self) -> Tensor<1> {
        self.weight.clone() / (self.variance.clone() + self.norm.epsilon).sqrt()
    }

    /// Rows normalised by their own statistics, which come with them, and what `epilogue` makes of them.
    ///
    /// # Errors
    /// Returns [`ModelError::NoVariance`] if there is one value of every channel.
    #[cfg(feature = "autodiff")]
    pub(crate) fn apply_training(
        &self,
        rows: Tensor<2>,
        epilogue: Epilogue,
    ) -> Result<(Tensor<2>, BatchStatistics), ModelError> {
        let InputShape { height, width, .. } = self.norm.input;
        if rows.dims()[0] * height * width < 2 {
            let norm = self.norm.name.clone();
            return Err(ModelError::NoVariance { norm });
        }
        let shape = image_shape(self.norm.input);
        let (weight, bias) = (self.weight.clone(), self.bias.clone());
        let eigenscope_kernels::BatchNorm {
            rows,
            mean,
            variance,
        } = batch_norm(rows, weight, bias, shape, self.norm.epsilon, epilogue);
        Ok((rows, BatchStatistics { mean, variance }))
    }

    /// `[samples, channels, places]`.
    fn places(&self, rows: Tensor<2>) -> Tensor<3> {
        let InputShape {
            channels,
            height,
            width,
        } = self.norm.input;
        let [samples, _] = rows.dims();
        rows.reshape([samples, channels, height * width])
    }

    /// One value for every channel.
    fn channels(&self, values: Tensor<1>) -> Tensor<3> {
        values.reshape([1, self.norm.input.channels, 1])
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
        let Self {
            architecture,
            tensors,
        } = self;
        let fixed = architecture.parameters().into_iter();
        let fixed = fixed.map(|parameter| !parameter.trained);
        let mut averages = tensors.iter_mut().zip(fixed).filter(|(_, fixed)| *fixed);
        let norms = architecture.norms().zip(all);
        for ((_, norm), BatchStatistics { mean, variance }) in norms {
            let momentum = norm.momentum as f32;
            for batch in [mean, variance] {
                let batch = values(batch)?;
                let average = averages.next().map(|(tensor, _)| &mut tensor.data);
                for (average, batch) in average.into_iter().flatten().zip(batch) {
                    *average += momentum * (batch - *average);
                }
            }
        }
        Ok(())
    }
}
