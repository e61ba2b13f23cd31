//! The task kinds `convnet` and `embedding-net`: convolutional networks with an embedding before the classes,
//! trained by Adam.

use eigenscope_artifact::InputShape;
use eigenscope_models::networks;
use eigenscope_stage::{Amount, Context, Feature, Parameter, TaskError, TaskKind, task_function};
use serde::Deserialize;

use crate::on_card::memory_mib;
use crate::optimiser::OptimiserKind;
use crate::schedule::{Schedule, Shape};
use crate::task::{
    LAST_BATCH, MathName, batch, count, epochs, learning_rate, math, train_network, training_kind,
};
use crate::training::{LastBatch, Recipe};

pub(crate) fn kinds() -> Vec<TaskKind> {
    let embedding = Parameter::optional("embedding", count(1 << 16), 3, "values of the embedding");
    vec![
        training_kind::<AdamRecipe>(
            &networks::convnet(),
            "train two convolutions with max pooling and batch normalisation, and an embedding of 128 values, with Adam",
            recipe_parameters(),
            task_function!(convnet),
        )
        .provides([embedding_of(Amount::Fixed(CONVNET_EMBEDDING))]),
        training_kind::<EmbeddingNet>(
            &networks::embedding_net(3),
            "train four convolutions with max pooling, and linear layers down to a small embedding, with Adam",
            [embedding].into_iter().chain(recipe_parameters()).collect(),
            task_function!(embedding_net),
        )
        .provides([embedding_of(Amount::parameter("embedding"))])
        .on_cards(enlarged_mib()),
    ]
}

/// Values of the embedding of `convnet`.
const CONVNET_EMBEDDING: u64 = 128;

fn embedding_of(values: Amount) -> Feature {
    Feature::layer_outputs("embedding", values)
}

/// Memory of a card in MiB for `embedding-net` on MNIST enlarged to 221 x 221 pixels, as it was published.
fn enlarged_mib() -> u64 {
    let input = InputShape::from([1, 221, 221]);
    let classes = (0..10).map(|class| class.to_string()).collect();
    let architecture = networks::embedding_net(3).architecture(input, classes);
    let mib = architecture
        .ok()
        .and_then(|it| memory_mib(&it, 28 * 28, 128, 60_000));
    mib.unwrap_or(1 << 14)
}

fn convnet(context: &Context) -> Result<(), TaskError> {
    let recipe: AdamRecipe = context.parameters()?;
    let math = recipe.math;
    train_network(context, &networks::convnet(), math, &recipe.recipe())
}

fn embedding_net(context: &Context) -> Result<(), TaskError> {
    let EmbeddingNet {
        embedding,
        epochs,
        batch,
        learning_rate,
        math,
    } = context.parameters()?;
    let recipe = AdamRecipe {
        epochs,
        batch,
        learning_rate,
        math,
    };
    train_network(
        context,
        &networks::embedding_net(embedding),
        math,
        &recipe.recipe(),
    )
}

fn recipe_parameters() -> Vec<Parameter> {
    vec![
        epochs(10),
        batch(128, LAST_BATCH),
        learning_rate(
            1e-3,
            "learning rate of the first epoch, annealed to 0 by a cosine",
        ),
        math(),
    ]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EmbeddingNet {
    embedding: usize,
    epochs: u32,
    batch: usize,
    learning_rate: f64,
    math: MathName,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdamRecipe {
    epochs: u32,
    batch: usize,
    learning_rate: f64,
    math: MathName,
}

impl AdamRecipe {
    fn recipe(self) -> Recipe {
        Recipe {
            epochs: self.epochs,
            epoch_fraction: 1.0,
            batch: self.batch,
            last_batch: LastBatch::Kept,
            learning_rate: self.learning_rate,
            schedule: Schedule::new(Shape::Cosine),
            optimiser: OptimiserKind::adamw(0.0),
            augment: Vec::new(),
            evaluate_before: false,
        }
    }
}
