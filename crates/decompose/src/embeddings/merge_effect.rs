//! What a model predicts from edited embeddings, and how often it is right about two classes and about the others.

use eigenscope_models::{Layer, ModelError, Runner, State, Step, StoredModel, predicted_class};

use crate::error::DecomposeError;
use crate::image_batches::batch_images;

/// The steps of a model after the layer that makes the embeddings.
#[derive(Debug, Clone)]
pub struct Tail {
    runner: Runner,
    /// The first of them.
    first: usize,
    steps: usize,
    width: usize,
    classes: usize,
}

impl Tail {
    /// The steps of `model` after `layer`.
    ///
    /// # Errors
    /// Returns an error if the layer is within a residual block: the steps after it also read what goes around it.
    pub fn new(model: &StoredModel, layer: &Layer) -> Result<Self, DecomposeError> {
        let (position, _) = model.architecture.layer(&layer.name)?;
        let steps = model.architecture.steps();
        let before = &steps[..position];
        let count = |step: &Step| before.iter().filter(|other| *other == step).count();
        if count(&Step::Fork) > count(&Step::Add) {
            return Err(DecomposeError::Undefined(format!(
                "`{}` is within a residual block, so predictions do not follow from its embeddings alone; embed images with a \
                 layer outside of residual blocks",
                layer.name
            )));
        }
        Ok(Self {
            runner: Runner::new(model)?,
            first: position + 1,
            steps: steps.len(),
            width: layer.output().len(),
            classes: model.architecture.classes.len(),
        })
    }

    /// The class of largest logit, the first of equal ones, for each of `embeddings` `[images, width]`, which are rounded to f32.
    ///
    /// # Errors
    /// Returns an error if burn does not hand back the logits.
    pub fn predict(&self, embeddings: &[f64]) -> Result<Vec<u16>, ModelError> {
        let mut predicted = Vec::with_capacity(embeddings.len() / self.width);
        for rows in embeddings.chunks(batch_images(self.width) * self.width) {
            let values: Vec<f32> = rows.iter().map(|value| *value as f32).collect();
            let images = values.len() / self.width;
            let steps = self.first..self.steps;
            let logits = self.runner.run(steps, State::from(values), images)?;
            let logits = logits.rows.chunks_exact(self.classes);
            predicted.extend(logits.map(|logits| predicted_class(logits) as u16));
        }
        Ok(predicted)
    }
}

/// Correct predictions of the images of two classes, and of the images of all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Correct {
    pub pair: u32,
    pub rest: u32,
}

impl Correct {
    /// Counts those of `predicted` that are `labels`.
    pub fn count(labels: &[u16], predicted: &[u16], pair: [usize; 2]) -> Self {
        let mut correct = Self::default();
        for (&label, _) in labels.iter().zip(predicted).filter(|(a, b)| a == b) {
            if pair.contains(&usize::from(label)) {
                correct.pair += 1;
            } else {
                correct.rest += 1;
            }
        }
        correct
    }
}
