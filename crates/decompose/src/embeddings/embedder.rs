//! What one layer makes of every image of a split.
//!
//! Memory: the embeddings (twice while they are written) and one batch of images with the activations of two neighbouring
//! steps.

use eigenscope_artifact::{Embeddings, EmbeddingsHeader, ImageReader, SplitName};
use eigenscope_models::{Architecture, Layer, ModelError, Runner, StoredModel, predicted_class};

use crate::error::DecomposeError;
use crate::image_batches::batch_images;

/// The outputs of the layer called `layer` for every image of `split`, and the predicted classes.
///
/// # Errors
/// Returns an error if the model has no such layer, if what it computes is not finite, or if the file cannot be read.
pub(crate) fn embed(
    model: &StoredModel,
    layer: &str,
    images: &ImageReader,
    split: SplitName,
) -> Result<Embeddings, DecomposeError> {
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
        let inputs = || pixels.apply_all(&piece.pixels);
        let Some((vectors, predicted)) = embedder.embed(inputs(), piece.len())? else {
            return Err(embedder.not_finite(&model.architecture, inputs(), &piece.indices)?);
        };
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

/// What a layer makes of images, and the classes that are predicted.
type Embedded = (Vec<f32>, Vec<u16>);

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

    /// What the layer makes of `images` flattened inputs, `[images, width]`, and the predicted classes; `None` if a value is not
    /// finite.
    fn embed(&self, inputs: Vec<f32>, images: usize) -> Result<Option<Embedded>, ModelError> {
        let after = self.position + 1;
        let state = self.runner.run(0..after, inputs.into(), images)?;
        let vectors = state.rows.clone();
        let logits = self.runner.run(after..self.steps, state, images)?;
        if !are_finite(&vectors) || !are_finite(&logits.rows) {
            return Ok(None);
        }
        let predicted = logits.rows.chunks_exact(self.classes);
        let predicted = predicted.map(|logits| predicted_class(logits) as u16);
        Ok(Some((vectors, predicted.collect())))
    }

    /// The error of images, by their positions in the file, of which the network makes values that are not finite: names the first
    /// layer that does.
    fn not_finite(
        &self,
        architecture: &Architecture,
        inputs: Vec<f32>,
        indices: &[u32],
    ) -> Result<DecomposeError, ModelError> {
        let (mut at, mut state) = (0, inputs.into());
        let mut found = None;
        for (position, layer) in architecture.layers() {
            state = self.runner.run(at..position + 1, state, indices.len())?;
            at = position + 1;
            let width = state.rows.len() / indices.len().max(1);
            if let Some(value) = state.rows.iter().position(|value| !value.is_finite()) {
                found = Some((layer, value / width.max(1)));
                break;
            }
        }
        let problem = |image: usize| {
            let image = indices.get(image).copied().unwrap_or_default();
            format!(
                "what the network makes of image {image} is not finite from here on; the weights of this layer, or those before it, are too \
                 large"
            )
        };
        Ok(match found {
            Some((layer, image)) => DecomposeError::of_layer(&layer.name, problem(image)),
            None => DecomposeError::of_layer(&self.layer.name, problem(0)),
        })
    }
}

fn are_finite(values: &[f32]) -> bool {
    values
        .iter()
        .fold(true, |all, value| all & value.is_finite())
}
