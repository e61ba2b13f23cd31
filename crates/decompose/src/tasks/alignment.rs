//! The task kind `alignment`: the orthogonal maps between what the layers of two networks read.
//!
//! Defined for any two networks of the same data that share layers, of whatever widths. The maps are computed from
//! the training images and judged on them and on the test images. The map of the first layer, which reads the same
//! data in both networks, is the identity: it is written without being computed, and has no r^2.

use std::collections::BTreeSet;

use eigenscope_artifact::tables::layers::RSquaredRow;
use eigenscope_artifact::{ALIGNMENTS, IMAGES, NamedTensor, TENSORS, write_tensors};
use eigenscope_models::{Architecture, StoredModel};
use eigenscope_stage::{
    Context, Examination, Examined, FIRST_LAYER, Fault, Feature, LAYERS, Parameter, ParameterType,
    Role, TaskError, TaskKind, task_function,
};
use serde::Deserialize;

use crate::image_batches::open_images;
use crate::networks::{LayerAlignment, LinearSamples, align};

pub(super) fn kind() -> TaskKind {
    let summary =
        "orthogonal maps between what the layers of two networks read, and how much they explain";
    TaskKind::new("alignment", summary, task_function!(run))
        .parameters::<Parameters>([
            Parameter::optional(
                "layers",
                ParameterType::set(ParameterType::Text),
                Vec::<String>::new(),
                "layers whose inputs are aligned; none given: every layer but the first, which reads the data itself",
            )
            .naming("reference", LAYERS),
            linear_samples(),
        ])
        .reads(Role::one("reference", TENSORS, "weights of one network"))
        .reads(Role::one("other", TENSORS, "weights of the other"))
        .reads(
            Role::one("data", IMAGES, "images that both are run on")
                .shown_to("reference")
                .shown_to("other"),
        )
        .writes(ALIGNMENTS)
        .writes(RSquaredRow::KIND)
        .provides([Feature::inherited("reference")])
        .examined_by(examine)
        .memory_mib(384)
        .seconds(10.0)
}

/// The parameter of every kind that aligns.
pub(super) fn linear_samples() -> Parameter {
    Parameter::optional(
        "linear_samples",
        ParameterType::choice(&["images", "places"]),
        "images",
        "what a layer without windows that reads places is aligned by: all its values together, as published, or \
         their channels, alike at every place",
    )
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    layers: Vec<String>,
    linear_samples: LinearSamples,
}

/// Refuses networks without the same layers, as far as these are known.
fn examine(examination: &Examination<'_>) -> Result<Examined, TaskError> {
    let Parameters { layers, .. } = examination.parameters()?;
    let known = |role| NamedLayers::known(examination, role);
    let (Some(reference), Some(other)) = (known("reference"), known("other")) else {
        return Ok(Examined::default());
    };
    let missing: BTreeSet<&String> = match layers.as_slice() {
        [] => reference
            .missing_in(&other)
            .chain(other.missing_in(&reference))
            .collect(),
        // Those that the reference lacks are refused for that.
        layers => layers
            .iter()
            .filter(|layer| !other.names.contains(*layer))
            .collect(),
    };
    let common = || reference.names.intersection(&other.names);
    let message = match (common().next(), missing.is_empty()) {
        (None, _) => "the networks have no layer of the same name".to_owned(),
        (_, true) => return Ok(Examined::default()),
        (_, false) => format!("not in both networks: {}", quoted(missing)),
    };
    let reads_data = |layer: &String| {
        let mut networks = [&reference, &other].into_iter();
        networks.any(|network| network.first.as_ref() == Some(layer))
    };
    let alignable: Vec<&String> = common().filter(|layer| !reads_data(layer)).collect();
    let help = match alignable.as_slice() {
        [] => "align networks whose layers have the same names; a step of a network may be given a `name`".to_owned(),
        layers => format!("name layers that are in both: layers = {layers:?}"),
    };
    let path = match layers.is_empty() {
        true => "/other",
        false => "/layers",
    };
    let message = format!(
        "{message}; the reference has {}, the other has {}",
        quoted(&reference.names),
        quoted(&other.names)
    );
    Ok(Examined::default().fault(Fault::at(path, message).help(help)))
}

fn quoted<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// What is known of the layers of a network.
struct NamedLayers {
    names: BTreeSet<String>,
    /// The one that reads the data itself, if it is known.
    first: Option<String>,
    /// Whether some read groups of channels, and are left out where no names are given.
    grouped: bool,
}

impl NamedLayers {
    fn known(examination: &Examination<'_>, role: &str) -> Option<Self> {
        let mut known = examination.known(role);
        let first = known.text(FIRST_LAYER);
        Some(Self {
            first: first.map(str::to_owned),
            grouped: known.flags.contains("grouped"),
            names: known.names.remove(LAYERS)?,
        })
    }

    /// Names of the layers that are certainly to be aligned and that `other` lacks.
    fn missing_in<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a String> {
        let is_certain = !self.grouped && self.first.is_some();
        let names = self.names.iter().filter(move |_| is_certain);
        names.filter(move |name| !other.names.contains(*name) && self.first.as_ref() != Some(*name))
    }
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters {
        layers,
        linear_samples,
    } = context.parameters()?;
    let reference = StoredModel::read(context.path("reference")?)?;
    let other = StoredModel::read(context.path("other")?)?;
    let models = [
        ("reference", &reference.architecture),
        ("other", &other.architecture),
    ];
    let images = open_images(context, &models)?;
    let aligned = align(
        &images,
        &reference,
        &other,
        &layers,
        linear_samples,
        |done| context.progress(done, 2, "splits", ""),
    )?;
    let first = identity(&reference.architecture).into_iter();
    let tensors: Vec<NamedTensor> = first
        .chain(aligned.iter().map(LayerAlignment::tensor))
        .collect();
    let path = context.output(ALIGNMENTS)?;
    write_tensors(path, ALIGNMENTS, &(), &tensors, context.provenance())?;
    let rows = aligned.into_iter().flat_map(|layer| layer.r_squared);
    context.write(&rows.collect::<Vec<_>>())
}

/// The alignment of the first layer, which reads the same data in both networks.
fn identity(architecture: &Architecture) -> Option<NamedTensor> {
    architecture.layers().next().map(|(_, layer)| {
        let size = layer.input.channels;
        NamedTensor {
            name: layer.name.clone(),
            shape: vec![size, size],
            data: (0..size * size)
                .map(|at| f32::from(u8::from(at % (size + 1) == 0)))
                .collect(),
        }
    })
}
