//! The task kind `embedding`: what one layer makes of every image of a split.
//!
//! Memory: the embeddings (twice while they are written) and one piece of images with the activations of two neighbouring
//! steps.

use eigenscope_artifact::{
    EMBEDDINGS, Embeddings, EmbeddingsHeader, IMAGES, ImageReader, SplitName, TENSORS,
};
use eigenscope_models::{Layer, ModelError, Runner, StoredModel, predicted_class};
use eigenscope_stage::{
    Context, Parameter, ParameterType, Resources, Role, TaskError, TaskKind, TaskKindDescription,
    task_function,
};
use serde::Deserialize;

use crate::image_batches::batch_images;
use crate::image_batches::open_images;

/// The task kind.
pub(crate) fn kind() -> TaskKind {
    TaskKind {
        description: describe(),
        run: task_function!(run),
    }
}

fn describe() -> TaskKindDescription {
    TaskKindDescription {
        name: "embedding".to_owned(),
        summary: "output of one layer before any activation, and the predicted class, for every image of a split"
            .to_owned(),
        parameters: vec![
            Parameter::optional(
                "layer",
                ParameterType::Text,
                "embedding",
                "name of the layer; the values of a convolution are flattened, channel by channel",
            )
            .naming("model", "layers"),
            Parameter::optional(
                "split",
                ParameterType::choice(&["train", "test"]),
                "test",
                "images to embed",
            ),
        ],
        roles: vec![
            Role::one("model", TENSORS, "weights of a model"),
            Role::one("data", IMAGES, "data set with the images").shown_to("model"),
        ],
        outputs: vec![EMBEDDINGS.into()],
        provides: Vec::new(),
        random: false,
        resources: Resources {
            threads: 1,
            memory_mib: 512,
            seconds: 5.0,
            ..Resources::default()
        },
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    layer: String,
    split: SplitName,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters { layer, split } = context.parameters()?;
    let model = StoredModel::read(&context.input("model")?.path)?;
    let images = open_images(context, &[("model", &model.architecture)])?;
    let embeddings = embed(&model, &layer, &images, split)?;
    embeddings.write(context.output(EMBEDDINGS)?, context.provenance())?;
    Ok(())
}

fn embed(
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
    /// Number of steps.
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
        let vectors = self.runner.run(0..after, inputs, images)?;
        let logits = self
            .runner
            .run(after..self.steps, vectors.clone(), images)?;
        let predicted = logits.chunks_exact(self.classes);
        let predicted = predicted.map(|logits| predicted_class(logits) as u16);
        Ok((vectors, predicted.collect()))
    }
}
