//! Predictions of a bilinear layer from its strongest eigenpairs only:
//!
//! ```text
//! logits_k[c] = sum over the k eigenpairs of largest |lambda| of class c of lambda (v^T E x)^2
//! ```
//!
//! for k = 0..=min(kept, d), in one pass: every image is projected once on all kept eigenvectors, and the
//! eigenpairs are added one by one. Pearce et al., *Bilinear MLPs enable weight-based
//! mechanistic interpretability* (2025).

use burn::tensor::{Device, Tensor, TensorData};
use eigenscope_artifact::{Eigenpairs, Selection};
use eigenscope_models::{StoredModel, evaluate, predicted_class, values};
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
                let full = evaluate(&model.load(&device)?, &inputs, labels, &device)?.correct;
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
            .collect::<Result<Vec<_>, _>>()?;
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
        })
    }

    /// Correct predictions among `inputs` `[labels.len(), D]` for k = 0..=kept, as `kept + 1` counts. The
    /// prediction is the class of largest logit, the first of equal ones: class 0 for k = 0.
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
        correct[0] = labels.iter().filter(|&&label| label == 0).count();
        if pairs == 0 || labels.is_empty() {
            return Ok(correct);
        }
        let tensor = |values: &[f32], rows: usize| {
            Tensor::<2>::from_data(
                TensorData::new(values.to_vec(), [rows, self.inputs]),
                device,
            )
        };
        let projections =
            tensor(inputs, labels.len()).matmul(tensor(&self.vectors, pairs).transpose());
        let projections = values(projections)?;
        let mut logits = vec![0.0_f64; self.classes];
        for (image, &label) in projections.chunks_exact(pairs).zip(labels) {
            logits.fill(0.0);
            let ranks = image
                .chunks_exact(self.classes)
                .zip(self.eigenvalues.chunks_exact(self.classes));
            for (rank, (projections, eigenvalues)) in ranks.enumerate() {
                for (class, logit) in logits.iter_mut().enumerate() {
                    let projection = f64::from(projections[class]);
                    *logit += eigenvalues[class] * projection * projection;
                }
                correct[rank + 1] += usize::from(predicted_class(&logits) == usize::from(label));
            }
        }
        Ok(correct)
    }
}
