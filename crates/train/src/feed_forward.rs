//! The task kinds `mlp` and `cnn`: networks without biases, trained with momentum at a constant rate.

use eigenscope_models::networks;
use eigenscope_stage::{Context, Parameter, ParameterType, TaskError, TaskKind, task_function};
use serde::Deserialize;

use crate::optimiser::OptimiserKind;
use crate::schedule::{Schedule, Shape};
use crate::task::{
    LAST_BATCH, MathName, batch, epochs, learning_rate, math, train_network, training_kind,
};
use crate::training::{LastBatch, Recipe};

/// The widest layer.
const MAXIMUM_WIDTH: i64 = 16_384;

pub(crate) fn kinds() -> Vec<TaskKind> {
    let (widths, channels) = (vec![512, 256], vec![32, 64]);
    let sizes = |name: &str, default: &Vec<usize>, summary: &str| {
        let size = ParameterType::Integer {
            minimum: 1,
            maximum: MAXIMUM_WIDTH,
        };
        let default = default.clone();
        Parameter::optional(name, ParameterType::list(size), default, summary)
    };
    vec![
        training_kind::<Mlp>(
            &networks::mlp(widths.clone()),
            "train linear layers without bias, ReLU between them, with SGD and momentum",
            parameters(sizes("widths", &widths, "width of every hidden layer")),
            task_function!(mlp),
        ),
        training_kind::<Cnn>(
            &networks::cnn(channels.clone()),
            "train convolutions 5 x 5 of stride 2 with ReLU and one linear layer, without biases, with SGD and momentum",
            parameters(sizes(
                "channels",
                &channels,
                "output channels of every convolution",
            )),
            task_function!(cnn),
        ),
    ]
}

fn mlp(context: &Context) -> Result<(), TaskError> {
    let Mlp {
        widths,
        epochs,
        batch,
        learning_rate,
        momentum,
        math,
    } = context.parameters()?;
    let recipe = recipe(epochs, batch, learning_rate, momentum);
    train_network(context, &networks::mlp(widths), math, &recipe)
}

fn cnn(context: &Context) -> Result<(), TaskError> {
    let Cnn {
        channels,
        epochs,
        batch,
        learning_rate,
        momentum,
        math,
    } = context.parameters()?;
    let recipe = recipe(epochs, batch, learning_rate, momentum);
    train_network(context, &networks::cnn(channels), math, &recipe)
}

fn parameters(layers: Parameter) -> Vec<Parameter> {
    vec![
        layers,
        epochs(5),
        batch(128, LAST_BATCH),
        learning_rate(0.01, "learning rate, the same in every epoch"),
        Parameter::optional(
            "momentum",
            ParameterType::between(0.0, 1.0),
            0.9,
            "momentum, without dampening",
        ),
        math(),
    ]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mlp {
    widths: Vec<usize>,
    epochs: u32,
    batch: usize,
    learning_rate: f64,
    momentum: f64,
    math: MathName,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cnn {
    channels: Vec<usize>,
    epochs: u32,
    batch: usize,
    learning_rate: f64,
    momentum: f64,
    math: MathName,
}

fn recipe(epochs: u32, batch: usize, learning_rate: f64, momentum: f64) -> Recipe {
    Recipe {
        epochs,
        epoch_fraction: 1.0,
        batch,
        last_batch: LastBatch::Kept,
        learning_rate,
        schedule: Schedule::new(Shape::Constant),
        optimiser: OptimiserKind::sgd(momentum),
        augment: Vec::new(),
        evaluate_before: true,
    }
}
