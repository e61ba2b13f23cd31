//! What one layer makes of every image of a split.
//!
//! Memory: the embeddings (twice while they are written) and one batch of images with the activations of two neighbouring
//! steps.

use eigenscope_artifact::{Embeddings, EmbeddingsHeader, ImageReader, SplitName};
use eigenscope_models::{Layer, ModelError, Runner, StoredModel, predicted_class};

use crate::image_batches::batch_images;

/// The outputs of the layer called `layer` for every image of `split`, and the predicted classes.
///
/// # Errors
/// Returns an error if the model has no such layer or the file cannot be read.
pub(crate) fn embed(
    model: &StoredModel,
    layer: &str,
    images: &ImageReader,
    split: SplitName,
) -> Result<Embeddings, ModelError> {
    let embedder = Embedder::new(model, layer)?;
    let mut embeddings = Embeddings {
        header: EmbeddingsHeader {
            layer: layer.to_owned(),
            width: embedder.layer.output().len(),
            split,
            classes: model.architecture.classes.clone(),
        },
        indices: Vec::new(),
        labels: Vec::new(),
        predicted: Vec::new(),
        vectors: Vec::new(),
    };
    let pixels = images.pixels();
    for piece in images.pieces(split, batch_images(pixels.output_len()))? {
        let piece = piece?;
        let inputs = pixels.apply_all(&piece.pixels);
        let (vectors, predicted) = embedder.embed(inputs, piece.len())?;
        embeddings.indices.extend(piece.indices);
        embeddings.labels.extend(piece.labels);
        embeddings.predicted.extend(predicted);
        embeddings.vectors.extend(vectors);
    }
    Ok(embeddings)
}

/// A model with one of its layers.
struct Embedder {
    runner: Runner,
    layer: Layer,
    /// Position of the layer among the steps.
    position: usize,
    steps: usize,
    classes: usize,
}

impl Embedder {
    fn new(model: &StoredModel, layer: &str) -> Result<Self, ModelError> {
        let architecture = &model.architecture;
        let (position, layer) = architecture.layer(layer)?;
        Ok(Self {
            runner: Runner::new(model)?,
            layer: layer.clone(),
            position,
            steps: architecture.steps().len(),
            classes: architecture.classes.len(),
        })
    }

    /// What the layer makes of `images` flattened inputs, `[images, width]`, and the predicted classes.
    fn embed(&self, inputs: Vec<f32>, images: usize) -> Result<(Vec<f32>, Vec<u16>), ModelError> {
        let after = self.position + 1;
        let state = self.runner.run(0..after, inputs.into(), images)?;
        let vectors = state.rows.clone();
        let logits = self.runner.run(after..self.steps, state, images)?;
        let predicted = logits.rows.chunks_exact(self.classes);
        let predicted = predicted.map(|logits| predicted_class(logits) as u16);
        Ok((vectors, predicted.collect()))
    }
}
