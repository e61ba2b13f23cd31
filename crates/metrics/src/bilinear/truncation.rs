//! Predictions of a bilinear layer from its strongest eigenpairs only:
//!
//! ```text
//! logits_k[c] = sum over the k eigenpairs of largest |lambda| of class c of lambda (v^T E x)^2
//! ```
//!
//! plus U E x if the layer is residual, for k = 0..=min(kept, d), in one pass: every image is projected once on all kept eigenvectors, and the
//! eigenpairs are added one by one. Pearce et al., *Bilinear MLPs enable weight-based
//! mechanistic interpretability* (2025).

use burn::tensor::{Device, Tensor, TensorData};
use eigenscope_artifact::{Eigenpairs, Selection};
use eigenscope_models::{
    BilinearWeights, StoredModel, evaluate, evaluation_rows, predicted_class, values,
};
use rayon::prelude::*;

use crate::error::MetricError;
use crate::split_images::SplitImages;

/// Images handled at a time: 4 MB of inputs for MNIST, and part of what fixes the result's bits.
const BLOCK_ROWS: usize = 1000;

/// Correct predictions of a model and of its truncations.
pub(crate) struct TruncatedPredictions {
    /// By the full model.
    pub(crate) full: usize,
    /// With k = 0, 1, ... eigenpairs per class.
    pub(crate) truncated: Vec<usize>,
}

impl TruncatedPredictions {
    /// Counts over all images, block by block on the threads of the current rayon pool.
    ///
    /// # Errors
    /// Returns an error if burn does not hand back values.
    pub(crate) fn count(
        model: &StoredModel,
        top: &TopEigenpairs,
        images: &SplitImages,
    ) -> Result<Self, MetricError> {
        let blocks: Vec<Result<Self, MetricError>> = images
            .labels
            .par_chunks(BLOCK_ROWS)
            .enumerate()
            .map(|(index, labels)| {
                let device = Device::flex();
                let first = index * BLOCK_ROWS;
                let inputs = images.inputs(first..first + labels.len());
                let full = evaluate(
                    &model.load(&device)?,
                    &inputs,
                    labels,
                    evaluation_rows(&model.architecture),
                    &device,
                )?
                .correct;
                let truncated = top.correct(&inputs, labels, &device)?;
                Ok(Self { full, truncated })
            })
            .collect();
        let (mut full, mut truncated) = (0, vec![0; top.kept + 1]);
        for block in blocks {
            let block = block?;
            full += block.full;
            for (sum, correct) in truncated.iter_mut().zip(block.truncated) {
                *sum += correct;
            }
        }
        Ok(Self { full, truncated })
    }
}

/// The eigenpairs of largest absolute eigenvalue of every class.
#[derive(Debug, Clone)]
pub struct TopEigenpairs {
    /// Eigenpairs per class, `min(kept, d)`.
    pub kept: usize,
    /// C.
    pub classes: usize,
    /// Eigenvalues `[kept, C]`, of falling absolute value in every class.
    eigenvalues: Vec<f64>,
    /// Eigenvectors in input space `[kept, C, D]`.
    vectors: Vec<f32>,
    /// D.
    inputs: usize,
    /// U E `[C, D]` of a residual layer.
    linear: Option<Vec<f32>>,
}

impl TopEigenpairs {
    /// Selects the `min(kept, d)` eigenpairs of largest absolute eigenvalue of every class.
    ///
    /// # Errors
    /// Returns an error if the artifact is not certain to hold them.
    pub fn new(pairs: &Eigenpairs, kept: usize) -> Result<Self, MetricError> {
        let (classes, inputs) = (pairs.header.classes.len(), pairs.header.shape.len());
        let kept = kept.min(pairs.header.size as usize);
        let selected = (0..classes)
            .map(|class| pairs.select(class, Selection::Magnitude, kept))
            .collect::<Result<Vec<_>, _>>()
            .map_err(MetricError::of_selection)?;
        let mut eigenvalues = Vec::new();
        let mut vectors = Vec::new();
        for rank in 0..kept {
            for pair in selected.iter().filter_map(|class| class.get(rank)) {
                eigenvalues.push(pair.eigenvalue);
                vectors.extend_from_slice(&pair.input_vector);
            }
        }
        Ok(Self {
            kept,
            classes,
            eigenvalues,
            vectors,
            inputs,
            linear: None,
        })
    }

    /// The eigenpairs with the part of the logits that is linear in the inputs, U E x, if the layer is residual.
    #[must_use]
    pub fn with_linear_part(mut self, weights: &BilinearWeights) -> Self {
        self.linear = weights.residual.then(|| linear_part(weights));
        self
    }

    /// Correct predictions among `inputs` `[labels.len(), D]` for k = 0..=kept, as `kept + 1` counts. The
    /// prediction is the class of largest logit, the first of equal ones: class 0 for k = 0, unless there is a linear part.
    ///
    /// Projections are one f32 matrix product (the precision of the model itself); their squares are
    /// weighted and summed in f64, where large terms of both signs cancel, at no measurable cost.
    ///
    /// # Errors
    /// Returns an error if burn does not hand back the projections.
    pub fn correct(
        &self,
        inputs: &[f32],
        labels: &[u16],
        device: &Device,
    ) -> Result<Vec<usize>, MetricError> {
        let pairs = self.kept * self.classes;
        let mut correct = vec![0; self.kept + 1];
        if self.classes == 0 || labels.is_empty() {
            return Ok(correct);
        }
        let starts = match &self.linear {
            None => vec![0.0; labels.len() * self.classes],
            Some(linear) => self.project(inputs, linear, device)?,
        };
        let starts = starts.chunks_exact(self.classes);
        let is_correct = |logits: &[f64], label| predicted_class(logits) == usize::from(label);
        if pairs == 0 {
            let wide = starts.map(|start| start.iter().copied().map(f64::from).collect::<Vec<_>>());
            let predictions = wide.zip(labels);
            correct[0] = predictions
                .filter(|(logits, label)| is_correct(logits, **label))
                .count();
            return Ok(correct);
        }
        let projections = self.project(inputs, &self.vectors, device)?;
        let mut logits = vec![0.0_f64; self.classes];
        let images = projections.chunks_exact(pairs).zip(starts);
        for ((image, start), &label) in images.zip(labels) {
            for (logit, start) in logits.iter_mut().zip(start) {
                *logit = f64::from(*start);
            }
            correct[0] += usize::from(is_correct(&logits, label));
            let ranks = image
                .chunks_exact(self.classes)
                .zip(self.eigenvalues.chunks_exact(self.classes));
            for (rank, (projections, eigenvalues)) in ranks.enumerate() {
                for (class, logit) in logits.iter_mut().enumerate() {
                    let projection = f64::from(projections[class]);
                    *logit += eigenvalues[class] * projection * projection;
                }
                correct[rank + 1] += usize::from(is_correct(&logits, label));
            }
        }
        Ok(correct)
    }

    /// Products of all `inputs` `[n, D]` with all of `vectors` `[m, D]`: `[n, m]`.
    fn project(
        &self,
        inputs: &[f32],
        vectors: &[f32],
        device: &Device,
    ) -> Result<Vec<f32>, MetricError> {
        let rows = |values: &[f32]| {
            let rows = values.len() / self.inputs.max(1);
            Tensor::<2>::from_data(
                TensorData::new(values.to_vec(), [rows, self.inputs]),
                device,
            )
        };
        Ok(values(rows(inputs).matmul(rows(vectors).transpose()))?)
    }
}

/// U E `[C, D]`, computed in f64.
pub(super) fn linear_part(weights: &BilinearWeights) -> Vec<f32> {
    let mut linear = Vec::with_capacity(weights.classes * weights.inputs);
    for class in weights.unembed.chunks_exact(weights.hidden.max(1)) {
        let mut row = vec![0.0_f64; weights.inputs];
        for (factor, embed) in class
            .iter()
            .zip(weights.embed.chunks_exact(weights.inputs.max(1)))
        {
            for (sum, value) in row.iter_mut().zip(embed) {
                *sum += f64::from(*factor) * f64::from(*value);
            }
        }
        linear.extend(row.into_iter().map(|value| value as f32));
    }
    linear
}
