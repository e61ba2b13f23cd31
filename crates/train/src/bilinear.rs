//! The task kind `bilinear`: a bilinear layer trained with AdamW, cosine annealing and noisy inputs.

use eigenscope_models::networks;
use eigenscope_stage::{
    Amount, Context, Demand, Parameter, ParameterType, Relation, TaskError, TaskKind, quantities,
    task_function,
};
use serde::Deserialize;

use crate::augment::{Augmentation, augment};
use crate::optimiser::OptimiserKind;
use crate::schedule::{Schedule, Shape};
use crate::task::{batch, count, epochs, learning_rate, train_network, training_kind};
use crate::training::{LastBatch, Recipe};

pub(crate) fn kind() -> TaskKind {
    let mut kind = training_kind::<Parameters>(
        &networks::bilinear(200, false),
        "train a bilinear layer, logits = U((L E x) * (R E x)), with AdamW",
        vec![
            Parameter::required("hidden", count(8192), "hidden size d"),
            Parameter::optional(
                "bias",
                ParameterType::Boolean,
                false,
                "whether L and R have a bias",
            ),
            epochs(100),
            batch(2048, "images a step; the last partial batch is dropped"),
            learning_rate(
                1e-3,
                "learning rate of the first epoch, annealed to 0 by a cosine",
            ),
            Parameter::optional(
                "weight_decay",
                ParameterType::between(0.0, 1e6),
                1.0,
                "decoupled weight decay",
            ),
            Parameter::optional(
                "noise_std",
                ParameterType::between(0.0, 1e6),
                0.4,
                "standard deviation of the Gaussian noise on every training input, after `augment`",
            ),
            augment(),
        ],
        task_function!(run),
    );
    kind.description.roles[0].demands.push(Demand::new(
        Amount::parameter("batch"),
        Relation::AtMost,
        quantities::TRAINING_IMAGES,
        "an epoch has at least one whole batch; a partial one is dropped",
    ));
    // The matrix products are large enough for several threads.
    kind.lendable_threads(15)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    hidden: usize,
    bias: bool,
    epochs: u32,
    batch: usize,
    learning_rate: f64,
    weight_decay: f64,
    noise_std: f64,
    augment: Vec<Augmentation>,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let parameters: Parameters = context.parameters()?;
    let Parameters { hidden, bias, .. } = parameters;
    let std = parameters.noise_std;
    let noise = (std > 0.0).then_some(Augmentation::Noise { std });
    let recipe = Recipe {
        epochs: parameters.epochs,
        batch: parameters.batch,
        last_batch: LastBatch::Dropped,
        learning_rate: parameters.learning_rate,
        schedule: Schedule::new(Shape::Cosine),
        optimiser: OptimiserKind::adamw(parameters.weight_decay),
        augment: parameters.augment.into_iter().chain(noise).collect(),
        evaluate_before: false,
    };
    train_network(context, &networks::bilinear(hidden, bias), &recipe)
}
