//! The task kind `weight-covariance`: which dimensions of what a layer reads do its weights look at?
//!
//! ```text
//! C = W^T W / n
//! ```
//!
//! for W `[n, p]`, n outputs and p inputs; a convolution is flattened to `[out, in * kh * kw]`, biases play no part. C is
//! never formed: its eigenvectors are the right singular vectors of W, and its eigenvalues s^2 / n, for the min(n, p)
//! singular values s of W; the other eigenvalues are 0 and left out. They have the squared unit of the weights.
//!
//! Two spectra are there to compare with, at the same ranks:
//! - `initial weights`: that of a fresh draw of the layer's initialisation, uniform in ±1/sqrt(p), never the one that the
//!   model was trained from, whatever the seeds;
//! - `Marchenko-Pastur`: what such a draw tends to, with sigma^2 = 1/(3 p) and gamma = p/n. Eigenvalue k of
//!   r = min(n, p) is the value that a part (k - 1/2)/r of the non-zero eigenvalues exceeds.
//!
//! The spikes of a layer are its eigenvalues above b = sigma^2 (1 + sqrt(gamma))^2, the upper edge of that law: what
//! training added. A fresh draw has none in the limit of large layers.
//!
//! All in f64, layer by layer. Memory: W, its singular vectors and the solver's scratch, at most `52 n p` bytes for one
//! layer after the other (27 MB for 512 x 1024), and `4 p min(n, p)` bytes of eigenvectors for each done.
//!
//! Source: the published notebook; the law is an addition.

use std::collections::BTreeMap;

use eigenscope_artifact::tables::layers::{LayerSpectrumRow, SpikesRow};
use eigenscope_artifact::{BASES, CovarianceOf, NamedTensor, TENSORS, write_records};
use eigenscope_models::{Layer, StoredModel};
use eigenscope_stage::{
    Context, Feature, Resources, Role, TaskError, TaskKind, TaskKindDescription, task_function,
};
use serde::Deserialize;

use crate::eigenbasis::{
    COVARIANCE, Eigenbasis, check_layers, layers_parameter, spectrum_rows, write,
};
use crate::error::DecomposeError;
use crate::layers::MarchenkoPastur;
use crate::linear_algebra::row_major;

/// Name of the spectrum of a fresh draw.
const INITIAL: &str = "initial weights";
/// Name of the spectrum of its limit.
const LAW: &str = "Marchenko-Pastur";

/// The task kind.
pub(crate) fn kind() -> TaskKind {
    TaskKind {
        description: describe(),
        run: task_function!(run),
    }
}

fn describe() -> TaskKindDescription {
    TaskKindDescription {
        name: "weight-covariance".to_owned(),
        summary:
            "eigenvalues and eigenvectors of the covariance of a model's weights, layer by layer, \
                  beside those of a fresh initialisation and of the Marchenko-Pastur law, and how many exceed it"
                .to_owned(),
        parameters: vec![layers_parameter()],
        roles: vec![Role::one("model", TENSORS, "weights of any model")],
        outputs: vec![LayerSpectrumRow::KIND.into(), SpikesRow::KIND.into(), BASES.into()],
        provides: vec![
            Feature::inherited("model"),
            Feature::fixed(COVARIANCE, CovarianceOf::Weights.name()),
        ],
        random: true,
        resources: Resources {
            threads: 1,
            memory_mib: 96,
            seconds: 0.3,
            ..Resources::default()
        },
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    layers: Vec<String>,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters { layers } = context.parameters()?;
    let model = StoredModel::read(&context.input("model")?.path)?;
    check_layers(&model.architecture)?;
    let (mut spectrum, mut spikes) = (Vec::new(), Vec::new());
    let (mut headers, mut bases) = (BTreeMap::new(), Vec::new());
    for (_, layer) in model.architecture.select_layers(&layers)? {
        let basis = weight_covariance(layer, model.tensor(&layer.weight())?)?;
        let purpose = format!("initial/{}", layer.weight());
        let mut stream = context.seed().stream(&purpose, 0);
        let drawn = layer.weight_shape().initial(|| stream.uniform());
        let initial = weight_covariance(layer, &drawn)?;
        let law = law(layer)?;
        let row = spikes_row(layer, law, &basis, &initial);
        headers.insert(layer.name.clone(), basis.header(Some(row.spikes)));
        spikes.push(row);
        bases.push(basis.tensor(&layer.name));
        let expected = law_spectrum(law, initial.eigenvalues.len());
        for (series, values) in [
            (CovarianceOf::Weights.name(), basis.eigenvalues),
            (INITIAL, initial.eigenvalues),
            (LAW, expected),
        ] {
            spectrum.extend(spectrum_rows(series, &layer.name, values));
        }
    }
    write_records(
        context.output(SpikesRow::KIND)?,
        &spikes,
        context.provenance(),
    )?;
    write(context, CovarianceOf::Weights, &spectrum, headers, &bases)
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

/// Eigenvalues and eigenvectors of W^T W / n for the weight W of a layer, `[n, p]` or `[n, channels, kh, kw]`.
///
/// # Errors
/// Returns an error if the iteration does not converge.
///
/// # Panics
/// Panics if the weight has other sizes than the layer.
pub fn weight_covariance(
    layer: &Layer,
    weight: &NamedTensor,
) -> Result<Eigenbasis, DecomposeError> {
    let matrix = row_major(&weight.data, layer.outputs, layer.inputs());
    Eigenbasis::of_rows(&layer.name, matrix.as_ref())
}
