//! A bilinear layer in the terms of the crate `gpu`.

pub(super) use eigenscope_gpu::bilinear::Training;
use eigenscope_gpu::bilinear::{Sizes, Weights};
use eigenscope_gpu::{Card, DataSets, Settings};
use eigenscope_models::{Architecture, BilinearWeights, StoredModel};

use crate::error::TrainError;

/// What messages say needs a bilinear layer.
const OPERATION: &str = "training on a card";

/// Whether a network is one bilinear layer without a residual sum.
pub(super) fn is_supported(architecture: &Architecture) -> bool {
    let layers = architecture.bilinear(OPERATION);
    layers.is_ok_and(|layers| !layers.residual)
}

pub(super) fn start(
    card: &Card,
    model: &StoredModel,
    settings: Settings,
    sets: DataSets<'_>,
) -> Result<Training, TrainError> {
    let (sizes, weights) = weights(model)?;
    Ok(Training::new(card, sizes, settings, &weights, sets)?)
}

fn weights(model: &StoredModel) -> Result<(Sizes, Weights), TrainError> {
    let BilinearWeights {
        inputs,
        hidden,
        classes,
        embed,
        mut left,
        right,
        bias,
        unembed,
        residual: _,
    } = BilinearWeights::new(model, OPERATION)?;
    left.extend(right);
    let has_bias = bias.is_some();
    let bias = bias.map_or_else(Vec::new, |(left, right)| [left, right].concat());
    let sizes = Sizes {
        inputs,
        hidden,
        classes,
        bias: has_bias,
    };
    let weights = Weights {
        embed,
        gate: left,
        bias,
        unembed,
    };
    Ok((sizes, weights))
}

/// Puts trained weights into the model.
pub(super) fn put(model: &mut StoredModel, weights: Weights) -> Result<(), TrainError> {
    let layers = model.architecture.bilinear(OPERATION)?;
    let names = [
        layers.embed.weight(),
        layers.gate.weight(),
        layers.gate.bias_name(),
        layers.unembed.weight(),
    ];
    let values = [weights.embed, weights.gate, weights.bias, weights.unembed];
    for (name, values) in names.into_iter().zip(values) {
        if let Some(tensor) = model.tensors.iter_mut().find(|tensor| tensor.name == name) {
            tensor.data = values;
        }
    }
    Ok(())
}
