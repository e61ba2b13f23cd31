//! Batch normalisation on a device; see [`BatchNorm`].

use burn::tensor::Tensor;
use eigenscope_artifact::InputShape;

use crate::error::ModelError;
use crate::layer::BatchNorm;
#[cfg(feature = "autodiff")]
use crate::layer::{RUNNING_MEAN, RUNNING_VARIANCE};
use crate::model::{Leaf, next};
#[cfg(feature = "autodiff")]
use crate::model::{StoredModel, values};

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
        let places = self.places(rows);
        let mean = self.channels(self.mean.clone());
        self.scale(places - mean, self.variance.clone())
    }

    /// Rows normalised by their own statistics, which come with them.
    #[cfg(feature = "autodiff")]
    pub(crate) fn apply_training(&self, rows: Tensor<2>) -> (Tensor<2>, BatchStatistics) {
        let places = self.places(rows);
        let [samples, channels, places_each] = places.dims();
        let count = samples * places_each;
        let mean = |values: Tensor<3>| values.sum_dim(0).sum_dim(2) / count as f64;
        let average = mean(places.clone());
        let centred = places - average.clone();
        let variance = mean(centred.clone() * centred.clone()).reshape([channels]);
        let statistics = BatchStatistics {
            mean: average.inner().reshape([channels]),
            variance: variance.clone().inner(),
            count,
        };
        (self.scale(centred, variance), statistics)
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

    fn scale(&self, centred: Tensor<3>, variance: Tensor<1>) -> Tensor<2> {
        let factor = self.weight.clone() / (variance + EPSILON).sqrt();
        let bias = self.channels(self.bias.clone());
        (centred * self.channels(factor) + bias).flatten(1, 2)
    }
}

/// Mean and variance of every channel over a batch, and how many values they are made of.
#[cfg(feature = "autodiff")]
#[derive(Debug, Clone)]
pub struct BatchStatistics {
    /// `[channels]`.
    mean: Tensor<1>,
    /// `[channels]`, denominator n.
    variance: Tensor<1>,
    /// n.
    count: usize,
}

#[cfg(feature = "autodiff")]
impl BatchStatistics {
    /// Takes the batch into the running averages, see [`BatchNorm`]. A batch of one value has no variance and
    /// leaves that average as it is.
    fn take_into(self, mean: &mut [f32], variance: &mut [f32]) -> Result<(), ModelError> {
        let blend = |average: &mut [f32], batch: Vec<f32>, factor: f32| {
            for (average, batch) in average.iter_mut().zip(batch) {
                *average += MOMENTUM * (batch * factor - *average);
            }
        };
        blend(mean, values(self.mean)?, 1.0);
        if self.count > 1 {
            let unbiased = self.count as f32 / (self.count - 1) as f32;
            blend(variance, values(self.variance)?, unbiased);
        }
        Ok(())
    }
}

#[cfg(feature = "autodiff")]
impl StoredModel {
    /// Takes a batch's statistics into the running averages of batch normalisation.
    ///
    /// # Errors
    /// burn cannot hand back the values.
    pub fn take_statistics(&mut self, all: Vec<BatchStatistics>) -> Result<(), ModelError> {
        let mut averages = self.tensors.iter_mut().filter(|tensor| {
            tensor.name.ends_with(RUNNING_MEAN) || tensor.name.ends_with(RUNNING_VARIANCE)
        });
        for batch in all {
            if let (Some(mean), Some(variance)) = (averages.next(), averages.next()) {
                batch.take_into(&mut mean.data, &mut variance.data)?;
            }
        }
        Ok(())
    }
}
