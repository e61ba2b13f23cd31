//! The task kind `weight-quality`: how well trained does a layer look from its weight alone?
//!
//! The weights that a model was trained from are drawn again from the seed of its training, which the metadata of its tensors
//! name: seeds are part of no table, but two of them do not train to equal weights. They are unknown for a model that was imported,
//! edited or drawn.

use std::path::Path;

use eigenscope_artifact::tables::layers::WeightQualityRow;
use eigenscope_artifact::{NamedTensor, Provenance, TENSORS, summarise};
use eigenscope_models::{Layer, StoredModel};
use eigenscope_stage::{Context, Feature, Role, Seed, Stage, TaskError, TaskKind, task_function};
use serde::Deserialize;

use super::covariances::layers_parameter;
use crate::layers::{check_layers, weight_quality};

pub(super) fn kind() -> TaskKind {
    let summary = "norms, ranks, power-law exponent, random bulk and distance from the start of a model's weights, layer by layer";
    TaskKind::new("weight-quality", summary, task_function!(run))
        .parameters::<Parameters>([layers_parameter()])
        .reads(Role::one("model", TENSORS, "weights of any model"))
        .writes(WeightQualityRow::KIND)
        .provides([Feature::inherited("model")])
        .memory_mib(96)
        .seconds(0.3)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    layers: Vec<String>,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters { layers } = context.parameters()?;
    let path = context.path("model")?;
    let model = StoredModel::read(path)?;
    check_layers(&model.architecture)?;
    let seed = training_seed(path)?;
    let mut rows = Vec::new();
    for (_, layer) in model.architecture.select_layers(&layers)? {
        let weight = model.tensor(&layer.weight())?;
        let initial = seed.map(|seed| initial(layer, seed));
        rows.push(weight_quality(layer, weight, initial.as_ref())?);
    }
    context.write(&rows)
}

/// The seed of the training that made the tensors; `None` if they are not from a training.
fn training_seed(tensors: &Path) -> Result<Option<Seed>, TaskError> {
    let Provenance { kind, seed, .. } = summarise(tensors)?.provenance;
    let is_trained = kind.starts_with(&format!("{}/", Stage::Train.name()));
    Ok(is_trained.then_some(Seed(seed)))
}

/// The weight of a layer before training.
fn initial(layer: &Layer, seed: Seed) -> NamedTensor {
    let shape = layer.weight_shape();
    let mut stream = seed.stream(&shape.purpose(), 0);
    shape.initial(|| stream.uniform())
}
