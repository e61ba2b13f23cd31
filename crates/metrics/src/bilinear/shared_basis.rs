//! Predictions of a bilinear layer whose classes share one basis of few vectors:
//!
//! ```text
//! logit_c(x) = z^T K_c z,   z = B^T E x,   K_c = B^T Q_c B
//! ```
//!
//! plus U E x if the layer is residual.

use burn::tensor::{Device, Tensor, TensorData};
use eigenscope_artifact::NamedTensor;
use eigenscope_models::{BilinearWeights, predicted_class, values};

use super::truncation::linear_part;
use crate::error::MetricError;

/// A layer in a shared basis.
#[derive(Debug, Clone)]
pub struct SharedBasisModel<'a> {
    /// D.
    inputs: usize,
    /// C.
    classes: usize,
    /// k.
    rank: usize,
    /// B^T E `[k, D]`.
    basis: &'a [f32],
    /// K_c `[C, k, k]`.
    cores: &'a [f32],
    /// U E `[C, D]` of a residual layer.
    linear: Option<Vec<f32>>,
}

impl<'a> SharedBasisModel<'a> {
    /// The layer with these weights in a basis `[k, D]` with cores `[C, k, k]`.
    ///
    /// # Errors
    /// Returns an error if the tensors have other shapes.
    pub fn new(
        weights: &BilinearWeights,
        basis: &'a NamedTensor,
        cores: &'a NamedTensor,
    ) -> Result<Self, MetricError> {
        let rank = basis.shape.first().copied().unwrap_or(0);
        let (inputs, classes) = (weights.inputs, weights.classes);
        if rank == 0 || basis.shape != [rank, inputs] || cores.shape != [classes, rank, rank] {
            return Err(MetricError::Mismatch(format!(
                "`{}` and `{}` have shapes {:?} and {:?}, which do not fit a model of {inputs} inputs and {classes} classes",
                basis.name, cores.name, basis.shape, cores.shape
            )));
        }
        Ok(Self {
            inputs,
            classes,
            rank,
            basis: &basis.data,
            cores: &cores.data,
            linear: weights.residual.then(|| linear_part(weights)),
        })
    }

    /// Correct predictions among `inputs` `[labels.len(), D]`. The prediction is the class of largest logit, the first of equal ones.
    ///
    /// # Errors
    /// Returns an error if burn does not hand back the products.
    pub fn correct(
        &self,
        inputs: &[f32],
        labels: &[u16],
        device: &Device,
    ) -> Result<usize, MetricError> {
        if labels.is_empty() {
            return Ok(0);
        }
        let rows = |values: &[f32], columns: usize| -> Tensor<2> {
            let shape = [values.len() / columns, columns];
            Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
        };
        let images = rows(inputs, self.inputs);
        let projected = images
            .clone()
            .matmul(rows(self.basis, self.inputs).transpose());
        // Row c k + i of the cores is row i of class c; they are symmetric.
        let mapped = projected
            .clone()
            .matmul(rows(self.cores, self.rank).transpose());
        let (projected, mapped) = (values(projected)?, values(mapped)?);
        let linear = match &self.linear {
            Some(linear) => values(images.matmul(rows(linear, self.inputs).transpose()))?,
            None => vec![0.0; labels.len() * self.classes],
        };
        let mut logits = vec![0.0_f64; self.classes];
        let images = projected
            .chunks_exact(self.rank)
            .zip(mapped.chunks_exact(self.rank * self.classes))
            .zip(linear.chunks_exact(self.classes));
        let mut correct = 0;
        for (((z, mapped), linear), &label) in images.zip(labels) {
            for (class, logit) in logits.iter_mut().enumerate() {
                let own = &mapped[class * self.rank..][..self.rank];
                let terms = z
                    .iter()
                    .zip(own)
                    .map(|(a, b)| f64::from(*a) * f64::from(*b));
                *logit = f64::from(linear[class]) + terms.sum::<f64>();
            }
            correct += usize::from(predicted_class(&logits) == usize::from(label));
        }
        Ok(correct)
    }
}
