//! The task kind `alignment`: the orthogonal maps between what the layers of two networks read.
//!
//! Defined for any two networks of the same data that share layers, of whatever widths. The maps are computed from
//! the training images and judged on them and on the test images. The map of the first layer, which reads the same
//! data in both networks, is the identity: it is written without being computed, and has no r^2.

use eigenscope_artifact::tables::layers::RSquaredRow;
use eigenscope_artifact::{ALIGNMENTS, IMAGES, NamedTensor, TENSORS, write_tensors};
use eigenscope_models::{Architecture, StoredModel};
use eigenscope_stage::{
    Context, Feature, Parameter, ParameterType, Role, TaskError, TaskKind, task_function,
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
            .naming("reference", "layers"),
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
