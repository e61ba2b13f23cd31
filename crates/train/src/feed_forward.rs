//! The task kinds `mlp` and `cnn`: networks without biases, trained with momentum at a constant rate.

use eigenscope_models::networks;
use eigenscope_stage::{
    Amount, Context, Feature, NameRule, Parameter, ParameterType, TaskError, TaskKind,
    task_function,
};
use serde::Deserialize;

use crate::fit::{LastBatch, Recipe};
use crate::optimiser::{OptimiserKind, Schedule};
use crate::task::{LAST_BATCH, batch, epochs, learning_rate, sides, train, training_kind};

/// Widest layer.
const MAXIMUM_WIDTH: i64 = 16_384;

pub(crate) fn kinds() -> Vec<TaskKind> {
    let widths = |name: &str, default: [u64; 2], summary: &str| {
        let width = ParameterType::Integer {
            minimum: 1,
            maximum: MAXIMUM_WIDTH,
        };
        Parameter::optional(name, ParameterType::list(width), default.to_vec(), summary)
    };
    vec![
        training_kind(
            "mlp",
            "train linear layers without bias, ReLU between them, with SGD and momentum",
            parameters(widths("widths", [512, 256], "width of every hidden layer")),
            provides("mlp", vec![NameRule::numbered("layer", "widths", 1)]),
            Vec::new(),
            task_function!(mlp),
        ),
        training_kind(
            "cnn",
            "train convolutions 5 x 5 of stride 2 with ReLU and one linear layer, without biases, with SGD and momentum",
            parameters(widths(
                "channels",
                [32, 64],
                "output channels of every convolution",
            )),
            provides(
                "cnn",
                vec![
                    NameRule::numbered("conv", "channels", 0),
                    NameRule::fixed("linear"),
                ],
            ),
            sides(
                &Amount::Windows {
                    list: "channels".to_owned(),
                    kernel: 5,
                    stride: 2,
                },
                "convolutions of 5 x 5 pixels and stride 2 follow one another; enlarge the images with `resize`, or give fewer `channels`",
            ),
            task_function!(cnn),
        ),
    ]
}

fn mlp(context: &Context) -> Result<(), TaskError> {
    let (widths, recipe) = read(context)?;
    let network = |input, classes| networks::mlp(input, classes, widths);
    train(context, network, &recipe)
}

fn cnn(context: &Context) -> Result<(), TaskError> {
    let (channels, recipe) = read(context)?;
    let network = |input, classes| networks::cnn(input, classes, channels);
    train(context, network, &recipe)
}

fn provides(network: &str, layers: Vec<NameRule>) -> Vec<Feature> {
    vec![
        Feature::flag(network),
        Feature::flag("bias-free"),
        Feature::flag("ungated"),
        Feature::names("layers", layers),
    ]
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
    ]
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    #[serde(alias = "widths", alias = "channels")]
    layers: Vec<usize>,
    epochs: u32,
    batch: usize,
    learning_rate: f64,
    momentum: f64,
}

fn read(context: &Context) -> Result<(Vec<usize>, Recipe), TaskError> {
    let parameters: Parameters = context.parameters()?;
    let recipe = Recipe {
        epochs: parameters.epochs,
        batch: parameters.batch,
        last_batch: LastBatch::Kept,
        learning_rate: parameters.learning_rate,
        schedule: Schedule::Constant,
        optimiser: OptimiserKind::Sgd {
            momentum: parameters.momentum,
        },
        noise_std: 0.0,
        evaluate_before: true,
    };
    Ok((parameters.layers, recipe))
}
