//! The steps of a network as operations on a card.

use eigenscope_artifact::InputShape;
pub(super) use eigenscope_gpu::network::Training;
use eigenscope_gpu::network::{Function, Image, Map, Network, Normalisation, Pool, Taken, Value};
use eigenscope_gpu::{Card, DataSets, GpuError, Settings};
use eigenscope_models::{
    Activation, Architecture, Dropout, Layer, MAX_POOL, PoolKind, Step, StoredModel, Window,
};

use crate::error::TrainError;

pub(super) fn start(
    card: &Card,
    model: &StoredModel,
    settings: Settings,
    sets: DataSets<'_>,
) -> Result<Training, TrainError> {
    let network = operations(&model.architecture)?;
    let tensors = model.tensors.iter().map(|tensor| tensor.data.as_slice());
    let tensors: Vec<&[f32]> = tensors.collect();
    Ok(Training::new(card, network, settings, &tensors, sets)?)
}

/// Memory of a card in MiB for a training with batches of this size and so many training images of `stored` bytes; `None` for a network
/// that is too large for cards.
pub(crate) fn memory_mib(
    architecture: &Architecture,
    stored: usize,
    batch: usize,
    images: usize,
) -> Option<u64> {
    let network = operations(architecture).ok()?;
    // Test images: a sixth, as those of MNIST.
    let tested = images / 6;
    let batch = batch.min(images);
    let mib = eigenscope_gpu::network::memory_mib(&network, stored, batch, images, tested);
    Some(mib)
}

/// Whether training draws masks.
pub(super) fn has_dropout(architecture: &Architecture) -> bool {
    let draws = |step: &Step| matches!(step, Step::Dropout(Dropout { rate }) if *rate > 0.0);
    architecture.steps().iter().any(draws)
}

/// The operations of all steps; their tensors come in the order in which they are stored.
fn operations(architecture: &Architecture) -> Result<Network, GpuError> {
    let (mut network, mut value) = Network::new(architecture.input.len());
    let mut aside: Vec<Value> = Vec::new();
    for step in architecture.steps() {
        value = match step {
            Step::Map(layer) => network.map(value, map(layer))?,
            Step::Relu => network.function(value, Function::Relu),
            Step::Activation(activation) => network.function(value, function(*activation)),
            Step::Gate => network.gate(value)?,
            Step::MaxPool(input) => network.pool(value, pool(*input, MAX_POOL, PoolKind::Max))?,
            Step::Pool(step) => network.pool(value, pool(step.input, step.window, step.kind))?,
            Step::GlobalAveragePool(input) => {
                let whole = Pool {
                    kernel: [input.height, input.width],
                    ..pool(*input, Window::new(1, 1), PoolKind::Average)
                };
                network.pool(value, whole)?
            }
            Step::Normalise(norm) => {
                let normalisation = Normalisation {
                    image: image(norm.input),
                    epsilon: norm.epsilon,
                    momentum: norm.momentum as f32,
                };
                network.normalise(value, normalisation)?
            }
            Step::Dropout(Dropout { rate }) if *rate > 0.0 => network.dropout(value, *rate),
            Step::Dropout(_) | Step::Flatten => value,
            Step::Fork => {
                aside.push(value);
                value
            }
            Step::Shortcut => {
                let begun = aside.last_mut().expect("a residual block has begun");
                std::mem::replace(begun, value)
            }
            Step::Add => {
                let begun = aside.pop().expect("a residual block has begun");
                network.sum(value, begun)?
            }
        };
    }
    Ok(network)
}

fn image(shape: InputShape) -> Image {
    Image {
        channels: shape.channels,
        height: shape.height,
        width: shape.width,
    }
}

fn map(layer: &Layer) -> Map {
    let Some(window) = layer.window else {
        return Map::linear(layer.input.len(), layer.outputs, layer.bias);
    };
    Map {
        input: image(layer.input),
        outputs: layer.outputs,
        kernel: window.kernel,
        stride: window.stride,
        padding: window.padding,
        dilation: window.dilation,
        groups: layer.groups,
        bias: layer.bias,
    }
}

fn pool(input: InputShape, window: Window, kind: PoolKind) -> Pool {
    Pool {
        input: image(input),
        kernel: [window.kernel; 2],
        stride: window.stride,
        padding: window.padding,
        taken: match kind {
            PoolKind::Max => Taken::Largest,
            PoolKind::Average => Taken::Mean {
                counts_padding: true,
            },
            PoolKind::AverageWithoutPadding => Taken::Mean {
                counts_padding: false,
            },
        },
    }
}

fn function(activation: Activation) -> Function {
    match activation {
        Activation::Gelu => Function::Gelu,
        Activation::GeluTanh => Function::GeluTanh,
        Activation::Silu => Function::Silu,
        Activation::Tanh => Function::Tanh,
        Activation::Sigmoid => Function::Sigmoid,
        Activation::LeakyRelu(slope) => Function::LeakyRelu(slope as f32),
    }
}
