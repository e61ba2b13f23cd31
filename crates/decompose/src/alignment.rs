//! The task kind `alignment`: the orthogonal maps between what the layers of two networks read.
//!
//! Defined for any two networks of the same data that share layers, of whatever widths. The maps are computed from
//! the training images and judged on them and on the test images. The map of the first layer, which reads the same
//! data in both networks, is the identity: it is written without being computed, and has no r^2.

use eigenscope_artifact::tables::layers::RSquaredRow;
use eigenscope_artifact::{
    ALIGNMENTS, IMAGES, ImageReader, NamedTensor, SplitName, TENSORS, write_records, write_tensors,
};
use eigenscope_models::{Architecture, StoredModel, check_images};
use eigenscope_stage::{
    Context, Feature, Parameter, ParameterType, Resources, Role, TaskError, TaskKind,
    TaskKindDescription, task_function,
};
use faer::Mat;
use serde::Deserialize;

use crate::error::DecomposeError;
use crate::image_batches::open_images;
use crate::layers::Activations;
use crate::networks::{CrossMoments, LinearSamples, cross_moments};

/// The task kind.
pub(crate) fn kind() -> TaskKind {
    TaskKind {
        description: describe(),
        run: task_function!(run),
    }
}

fn describe() -> TaskKindDescription {
    TaskKindDescription {
        name: "alignment".to_owned(),
        summary: "orthogonal maps between what the layers of two networks read, and how much they \
                  explain"
            .to_owned(),
        parameters: vec![
            Parameter::optional(
                "layers",
                ParameterType::set(ParameterType::Text),
                Vec::<String>::new(),
                "layers whose inputs are aligned; none given: every layer but the first, which reads the data itself",
            )
            .naming("reference", "layers"),
            linear_samples(),
        ],
        roles: vec![
            Role::one("reference", TENSORS, "weights of one network"),
            Role::one("other", TENSORS, "weights of the other"),
            Role::one("data", IMAGES, "images that both are run on")
                .shown_to("reference")
                .shown_to("other"),
        ],
        outputs: vec![ALIGNMENTS.into(), RSquaredRow::KIND.into()],
        provides: vec![Feature::inherited("reference")],
        random: false,
        resources: Resources {
            threads: 1,
            memory_mib: 384,
            seconds: 10.0,
            ..Resources::default()
        },
    }
}

/// The parameter of every kind that aligns.
pub(crate) fn linear_samples() -> Parameter {
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
    let reference = StoredModel::read(&context.input("reference")?.path)?;
    let other = StoredModel::read(&context.input("other")?.path)?;
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
    let first = identity(&reference.architecture);
    let tensors: Vec<NamedTensor> = first
        .into_iter()
        .chain(aligned.iter().map(LayerAlignment::tensor))
        .collect();
    write_tensors(
        context.output(ALIGNMENTS)?,
        ALIGNMENTS,
        &(),
        &tensors,
        context.provenance(),
    )?;
    let rows: Vec<RSquaredRow> = aligned
        .into_iter()
        .flat_map(|layer| layer.r_squared)
        .collect();
    write_records(
        context.output(RSquaredRow::KIND)?,
        &rows,
        context.provenance(),
    )?;
    Ok(())
}

/// The alignment of what one layer reads in two networks.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerAlignment {
    /// Name of the layer.
    pub layer: String,
    /// A `[channels of the reference, channels of the other]`, a partial isometry with phi ~ A psi
    /// ([`CrossMoments::alignment`] of the training split).
    pub map: Mat<f64>,
    /// [`CrossMoments::r_squared`] of A on the training split, then on the test split.
    pub r_squared: [RSquaredRow; 2],
}

/// Aligns `other` with `reference`, layer by layer: one pass over the training images, then one over the test
/// images. Memory: [`cross_moments`].
///
/// No names: every layer but the first. `finished` is called with the number of passes done.
///
/// # Errors
/// Returns an error if the networks do not take the images ([`check_images`]), if a layer is not in both networks, reads the data
/// itself or has different places in the two, if a split is empty, or if activations are all zero or overflow.
pub fn align(
    images: &ImageReader,
    reference: &StoredModel,
    other: &StoredModel,
    names: &[String],
    samples: LinearSamples,
    finished: impl Fn(u64),
) -> Result<Vec<LayerAlignment>, DecomposeError> {
    check_images(&reference.architecture, "the reference", images, "the data")?;
    check_images(&other.architecture, "the other network", images, "the data")?;
    let names = aligned_layers(&reference.architecture, &other.architecture, names)?;
    let reference = Activations::new(reference, &names)?;
    let others = [Activations::new(other, &names)?];
    let moments = |split| -> Result<Vec<CrossMoments>, DecomposeError> {
        let networks = cross_moments(images, split, samples, &reference, &others)?;
        Ok(networks.into_iter().flatten().collect())
    };
    let train = moments(SplitName::Train)?;
    finished(1);
    let test = moments(SplitName::Test)?;
    finished(2);
    train
        .into_iter()
        .zip(test)
        .map(|(train, test)| LayerAlignment::new(train, &test))
        .collect()
}

impl LayerAlignment {
    fn new(train: CrossMoments, test: &CrossMoments) -> Result<Self, DecomposeError> {
        let map = train.alignment()?;
        let row =
            |moments: &CrossMoments, split: SplitName| -> Result<RSquaredRow, DecomposeError> {
                Ok(RSquaredRow {
                    layer: moments.layer.clone(),
                    split: split.name().to_owned(),
                    samples: moments.samples,
                    r_squared: moments.r_squared(map.as_ref())?,
                })
            };
        Ok(Self {
            r_squared: [row(&train, SplitName::Train)?, row(test, SplitName::Test)?],
            layer: train.layer,
            map,
        })
    }

    fn tensor(&self) -> NamedTensor {
        let shape @ [rows, columns] = [self.map.nrows(), self.map.ncols()];
        let entries = (0..rows * columns).map(|at| self.map[(at / columns, at % columns)] as f32);
        NamedTensor {
            name: self.layer.clone(),
            shape: shape.to_vec(),
            data: entries.collect(),
        }
    }
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

/// The layers to align: those named, or all but the first.
fn aligned_layers(
    reference: &Architecture,
    other: &Architecture,
    names: &[String],
) -> Result<Vec<String>, DecomposeError> {
    let [reference, other] = [reference, other].map(|architecture| {
        let layers = architecture.layers();
        layers
            .map(|(_, layer)| layer.name.clone())
            .collect::<Vec<_>>()
    });
    let chosen = match names {
        [] => {
            let read_activations = reference.iter().skip(1).chain(other.iter().skip(1));
            read_activations.cloned().collect()
        }
        names => names.to_vec(),
    };
    if chosen.is_empty() {
        return Err(one_layer());
    }
    for layer in &chosen {
        if !reference.contains(layer) || !other.contains(layer) {
            return Err(DecomposeError::Unknown(format!(
                "layer `{layer}` is not in both networks: the reference has {}, the other has {}",
                reference.join(", "),
                other.join(", ")
            )));
        }
        if reference.first() == Some(layer) || other.first() == Some(layer) {
            return Err(DecomposeError::Undefined(format!(
                "layer `{layer}` reads the data itself, the same in both networks: its alignment is the identity"
            )));
        }
    }
    Ok(chosen)
}

/// The error of a network with a single layer.
pub(crate) fn one_layer() -> DecomposeError {
    let text = "no layer reads activations: the network has one layer, and it reads the data";
    DecomposeError::Undefined(text.to_owned())
}
