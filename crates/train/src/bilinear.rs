//! The task kind `bilinear`: a bilinear layer trained with AdamW, cosine annealing and noisy inputs.

use eigenscope_models::networks;
use eigenscope_stage::{
    Amount, Context, Demand, Feature, NameRule, Parameter, ParameterType, Relation, TaskError,
    TaskKind, quantities, task_function,
};
use serde::Deserialize;

use crate::augment::{Augmentation, augment};
use crate::optimiser::OptimiserKind;
use crate::schedule::{Schedule, Shape};
use crate::task::{
    MathName, batch, count, epochs, learning_rate, math, train_network, training_kind,
};
use crate::training::{LastBatch, Recipe};

/// Memory of a card for a training on MNIST with 1000 hidden units, in MiB: images, weights and values of a batch, and what driver and
/// libraries take.
const CARD_MIB: u64 = 1536;

pub(crate) fn kind() -> TaskKind {
    let mut kind = training_kind::<Parameters>(
        &networks::bilinear(200, false),
        "train a bilinear layer, logits = U((L E x) * (R E x)), or several, with AdamW",
        vec![
            Parameter::required("hidden", count(8192), "hidden size d"),
            Parameter::optional(
                "bias",
                ParameterType::Boolean,
                false,
                "whether L and R have a bias",
            ),
            Parameter::optional(
                "blocks",
                count(100),
                1,
                "bilinear layers one after another; each reads what the one before it makes",
            )
            .proportional(1.0),
            Parameter::optional(
                "residual",
                ParameterType::Boolean,
                false,
                "whether what a bilinear layer reads is added to what it makes",
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
            math(),
        ],
        task_function!(run),
    );
    kind.description.roles[0].demands.push(Demand::new(
        Amount::parameter("batch"),
        Relation::AtMost,
        quantities::TRAINING_IMAGES,
        "an epoch has at least one whole batch; a partial one is dropped",
    ));
    kind.description.provides = provided(kind.description.provides);
    kind.on_cards(CARD_MIB)
}

/// The features of one layer as those of several: analyses of a bilinear layer are defined for one.
fn provided(features: Vec<Feature>) -> Vec<Feature> {
    let features = features.into_iter().map(|feature| match feature {
        Feature::Flag { name, when: None } if name == "bilinear" => {
            Feature::flag_when(&name, "blocks", 1)
        }
        Feature::Names { set, rules } => {
            let repeated = |rule| match rule {
                NameRule::Fixed(name) if name == "gate" => NameRule::repeated(&name, "blocks"),
                rule => rule,
            };
            let rules = rules.into_iter().map(repeated).collect();
            Feature::Names { set, rules }
        }
        feature => feature,
    });
    let residual = Feature::flag_when("residual", "residual", true);
    let hidden = Feature::amount(quantities::HIDDEN_UNITS, Amount::parameter("hidden"));
    features.chain([residual, hidden]).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    hidden: usize,
    bias: bool,
    blocks: usize,
    residual: bool,
    epochs: u32,
    batch: usize,
    learning_rate: f64,
    weight_decay: f64,
    noise_std: f64,
    augment: Vec<Augmentation>,
    math: MathName,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let parameters: Parameters = context.parameters()?;
    let Parameters {
        hidden,
        bias,
        blocks,
        residual,
        math,
        ..
    } = parameters;
    let std = parameters.noise_std;
    let noise = (std > 0.0).then_some(Augmentation::Noise { std });
    let recipe = Recipe {
        epochs: parameters.epochs,
        epoch_fraction: 1.0,
        batch: parameters.batch,
        last_batch: LastBatch::Dropped,
        learning_rate: parameters.learning_rate,
        schedule: Schedule::new(Shape::Cosine),
        optimiser: OptimiserKind::adamw(parameters.weight_decay),
        augment: parameters.augment.into_iter().chain(noise).collect(),
        evaluate_before: false,
    };
    let network = networks::bilinear_blocks(hidden, bias, blocks, residual);
    train_network(context, &network, math, &recipe)
}
