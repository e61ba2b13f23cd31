//! The task kind `weight-covariance`: which dimensions of what a layer reads do its weights look at?
//!
//! Two spectra are there to compare with, at the same ranks:
//! - `initial weights`: that of a fresh draw of the layer's initialisation, uniform in ±1/sqrt(p), never the one that the
//!   model was trained from, whatever the seeds; of a model from a file, `fresh draw of PyTorch's default initialisation`;
//! - `Marchenko-Pastur`: what such a draw tends to, with sigma^2 = 1/(3 p) and gamma = p/n. Eigenvalue k of
//!   r = min(n, p) is the value that a part (k - 1/2)/r of the non-zero eigenvalues exceeds.
//!
//! The spikes of a layer are its eigenvalues above b = sigma^2 (1 + sqrt(gamma))^2, the upper edge of that law: what
//! training added. A fresh draw has none in the limit of large layers.
//!
//! The law is an addition to the published notebook.

use eigenscope_artifact::tables::layers::{LayerSpectrumRow, SpikesRow};
use eigenscope_artifact::{BASES, CovarianceOf, TENSORS};
use eigenscope_models::{Layer, StoredModel};
use eigenscope_stage::{Context, Feature, Role, Stage, TaskError, TaskKind, task_function};
use serde::Deserialize;

use super::covariances::{COVARIANCE, Covariances, layers_parameter};
use crate::error::DecomposeError;
use crate::layers::{Eigenbasis, MarchenkoPastur, check_layers, weight_covariance};

/// Name of the spectrum of a fresh draw, of a model that was trained here.
const INITIAL: &str = "initial weights";
/// The same of a model whose initial weights are unknown.
const FRESH: &str = "fresh draw of PyTorch's default initialisation";
/// Name of the spectrum of its limit.
const LAW: &str = "Marchenko-Pastur";

pub(super) fn kind() -> TaskKind {
    let summary = "eigenvalues and eigenvectors of the covariance of a model's weights, layer by layer, beside those of a \
                   fresh initialisation and of the Marchenko-Pastur law, and how many exceed it";
    TaskKind::new("weight-covariance", summary, task_function!(run))
        .parameters::<Parameters>([layers_parameter()])
        .reads(Role::one("model", TENSORS, "weights of any model"))
        .writes(LayerSpectrumRow::KIND)
        .writes(SpikesRow::KIND)
        .writes(BASES)
        .provides([
            Feature::inherited("model"),
            Feature::fixed(COVARIANCE, CovarianceOf::Weights.name()),
        ])
        .random()
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
    let input = context.input("model")?;
    let is_imported = input.task.starts_with(&format!("{}.", Stage::Model.name()));
    let initial_name = if is_imported { FRESH } else { INITIAL };
    let model = StoredModel::read(&input.path)?;
    check_layers(&model.architecture)?;
    let mut all = Covariances::new(CovarianceOf::Weights);
    let mut spikes = Vec::new();
    for (_, layer) in model.architecture.select_layers(&layers)? {
        let basis = weight_covariance(layer, model.tensor(&layer.weight())?)?;
        let purpose = format!("initial/{}", layer.weight());
        let mut stream = context.seed().stream(&purpose, 0);
        let drawn = layer.weight_shape().initial(|| stream.uniform());
        let initial = weight_covariance(layer, &drawn)?;
        let law = law(layer)?;
        let row = spikes_row(layer, law, &basis, &initial);
        all.add_basis(&layer.name, &basis, Some(row.spikes));
        spikes.push(row);
        let expected = law_spectrum(law, initial.eigenvalues.len());
        for (series, values) in [
            (CovarianceOf::Weights.name(), basis.eigenvalues),
            (initial_name, initial.eigenvalues),
            (LAW, expected),
        ] {
            all.add_spectrum(series, &layer.name, values);
        }
    }
    context.write(&spikes)?;
    all.write(context)
}

/// The law of a layer's initialisation.
fn law(layer: &Layer) -> Result<MarchenkoPastur, DecomposeError> {
    let inputs = layer.inputs() as f64;
    MarchenkoPastur::new(1.0 / (3.0 * inputs), inputs / layer.outputs as f64)
}

/// The `ranks` largest eigenvalues that the law expects.
fn law_spectrum(law: MarchenkoPastur, ranks: usize) -> Vec<f64> {
    let part = |rank: usize| (rank as f64 + 0.5) / ranks as f64;
    (0..ranks).map(|rank| law.quantile(part(rank))).collect()
}

/// How many eigenvalues of a layer, and of a fresh draw of it, exceed the law.
fn spikes_row(
    layer: &Layer,
    law: MarchenkoPastur,
    trained: &Eigenbasis,
    initial: &Eigenbasis,
) -> SpikesRow {
    let (_, upper_edge) = law.edges();
    let above = |basis: &Eigenbasis| {
        let values = basis.eigenvalues.iter();
        values.filter(|value| **value > upper_edge).count() as u32
    };
    SpikesRow {
        layer: layer.name.clone(),
        inputs: layer.inputs() as u32,
        outputs: layer.outputs as u32,
        upper_edge,
        spikes: above(trained),
        initial_spikes: above(initial),
    }
}
