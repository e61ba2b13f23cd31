//! The task kind `representation-similarity`: how alike do any number of networks represent the same images?
//!
//! The representations are what chosen layers read. Each network runs over the images once, whatever the number of networks that it is
//! compared with; what is kept of it does not grow with the width of its layers ([`Representation`]).

use eigenscope_artifact::tables::representations::{
    RepresentationMapRow, RepresentationSimilarityRow,
};
use eigenscope_artifact::{IMAGES, ImageReader, SplitName, TENSORS};
use eigenscope_models::{Activations, StoredModel, check_images, evaluation_rows};
use eigenscope_stage::{
    Amount, Context, Demand, Examination, Examined, Feature, Input, LAYERS, NameRule, Parameter,
    ParameterType, Relation, Role, TaskError, TaskKind, quantities, task_function,
};
use rayon::prelude::*;
use serde::Deserialize;

use crate::error::MetricError;
use crate::representations::{
    Measure, Measured, Memory, Representation, classical_scaling, compare,
};
use crate::split_images::SplitImages;

pub(super) fn kind() -> TaskKind {
    let names = Measure::ALL.map(Measure::name);
    TaskKind::new(
        "representation-similarity",
        "how alike networks represent the same images, for every two of them, and a map of them",
        task_function!(run),
    )
    .parameters::<Parameters>([
        Parameter::optional(
            "layers",
            ParameterType::set(ParameterType::Text),
            Vec::<String>::new(),
            "layers whose inputs are compared; none: the last layer of every network",
        )
        .naming("models", LAYERS),
        Parameter::optional(
            "measures",
            ParameterType::set(ParameterType::choice(&names)).filled(),
            names.to_vec(),
            "how they are compared",
        ),
        Parameter::optional(
            "alpha",
            ParameterType::between(0.0, 1.0),
            0.5,
            "of the measure `shape`: 1 rotates only, as `procrustes`; 0 whitens, as `cca`",
        ),
        Parameter::optional(
            "images",
            ParameterType::Integer {
                minimum: FEWEST as i64,
                maximum: 10_000,
            },
            500,
            "images, evenly spaced in the split, all of them if it has fewer",
        )
        .proportional(500.0),
        Parameter::optional(
            "split",
            ParameterType::choice(&[SplitName::Train.name(), SplitName::Test.name()]),
            SplitName::Test.name(),
            "images to represent",
        ),
    ])
    .reads(Role::many(
        "models",
        TENSORS,
        "networks, trained or imported",
    ))
    .reads(Role::one("data", IMAGES, "images that all are shown").shown_to("models"))
    .writes(RepresentationSimilarityRow::KIND)
    .writes(RepresentationMapRow::KIND)
    .examined_by(examine)
    .provides([Feature::names(
        "measures",
        vec![NameRule::Items("measures".to_owned())],
    )])
    .threads(THREADS)
    .memory_mib(512)
    .seconds(5.0)
}

/// Fewest images by which representations can be compared.
const FEWEST: usize = 4;
/// Networks that are shown the images at a time, at most.
const THREADS: usize = 4;
/// Values that a layer reads, where nothing says how many.
const VALUES: f64 = 4096.0;

/// Tells the memory for as many images as there may be.
fn examine(examination: &Examination<'_>) -> Result<Examined, TaskError> {
    let parameters: Parameters = examination.parameters()?;
    let models = examination.known("models");
    let models = models.quantity(quantities::ARTIFACTS).unwrap_or(1);
    let images = match parameters.split {
        SplitName::Train => quantities::TRAINING_IMAGES,
        SplitName::Test => quantities::TEST_IMAGES,
    };
    let few = Demand::new(
        Amount::Fixed(FEWEST as u64),
        Relation::AtMost,
        images,
        "representations are compared by what they make of so many images; read a data set with more",
    );
    let examined = Examined {
        memory_mib: Some(memory_mib(&parameters, models)),
        ..Examined::default()
    };
    Ok(examined.demands("data", few))
}

/// Peak memory: the program, what is kept of each layer of each network, and what each thread works with.
fn memory_mib(parameters: &Parameters, models: u64) -> u64 {
    let memory = Memory::new(parameters.images, &parameters.measures, parameters.alpha);
    let layers = parameters.layers.len().max(1) as f64;
    let values = VALUES * parameters.images as f64;
    let kept = models as f64 * layers * memory.kept;
    let working = memory.working + (4.0 * layers + 8.0) * values;
    let bytes = kept + models.min(THREADS as u64) as f64 * working;
    192 + (bytes / f64::from(1 << 20)) as u64
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    layers: Vec<String>,
    measures: Vec<Measure>,
    alpha: f64,
    images: usize,
    split: SplitName,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let parameters: Parameters = context.parameters()?;
    if parameters.measures.is_empty() {
        return Err("`measures` is empty: name one".into());
    }
    let data = context.input("data")?;
    let reader = ImageReader::open(&data.path)?;
    let images = SplitImages::read(&reader, parameters.split, &data.task)?;
    let chosen = evenly_spaced(images.len(), parameters.images);
    if chosen.len() < FEWEST {
        return Err(MetricError::TooFew(format!(
            "{} has {} {} images; at least {FEWEST} are needed to compare representations",
            data.task,
            images.len(),
            parameters.split.name()
        ))
        .into());
    }
    let shown = Shown {
        reader: &reader,
        task: &data.task,
        images: &images,
        chosen: &chosen,
    };
    let models = context.inputs("models")?;
    let represented: Vec<Result<Vec<Represented>, MetricError>> = models
        .par_iter()
        .map(|model| represent(model, &shown, &parameters))
        .collect();
    let represented: Vec<Vec<Represented>> = represented.into_iter().collect::<Result<_, _>>()?;
    let (places, kept): (Vec<Place>, Vec<Representation>) =
        represented.into_iter().flatten().unzip();
    warn_of_few_images(context, &parameters, &places, &kept, chosen.len());
    let measured = compare(&kept, &parameters.measures);
    let rows = measured
        .iter()
        .flat_map(|measured| similarity_rows(measured, &places));
    context.write(&rows.collect::<Vec<_>>())?;
    let mut rows = Vec::new();
    for measured in &measured {
        rows.extend(map_rows(context, measured, &places)?);
    }
    context.write(&rows)
}

/// A network and a layer of it.
struct Place {
    model: String,
    layer: String,
}

type Represented = (Place, Representation);

/// The images that all networks are shown.
struct Shown<'a> {
    reader: &'a ImageReader,
    task: &'a str,
    images: &'a SplitImages,
    /// Positions in the split.
    chosen: &'a [usize],
}

/// At most `count` of `all` positions, evenly spaced.
fn evenly_spaced(all: usize, count: usize) -> Vec<usize> {
    let count = count.min(all);
    (0..count).map(|at| at * all / count).collect()
}

/// What the chosen layers of a network read.
fn represent(
    input: &Input,
    shown: &Shown<'_>,
    parameters: &Parameters,
) -> Result<Vec<Represented>, MetricError> {
    let model = StoredModel::read(&input.path)?;
    let architecture = &model.architecture;
    check_images(architecture, &input.task, shown.reader, shown.task)?;
    let last = || {
        architecture
            .layers()
            .last()
            .map(|(_, layer)| layer.name.clone())
    };
    let names = match parameters.layers.as_slice() {
        [] => Vec::from_iter(last()),
        names => names.to_vec(),
    };
    let activations = Activations::new(&model, &names)?;
    let mut read: Vec<Vec<f32>> = vec![Vec::new(); activations.layers().len()];
    for batch in shown.chosen.chunks(evaluation_rows(architecture)) {
        let inputs = batch
            .iter()
            .flat_map(|at| shown.images.inputs(*at..*at + 1));
        let of_batch = activations.of(inputs.collect(), batch.len())?;
        for (all, rows) in read.iter_mut().zip(of_batch) {
            all.extend(rows);
        }
    }
    let layers = activations.layers().zip(read);
    let represented = layers.map(|(layer, rows)| {
        let place = Place {
            model: input.task.clone(),
            layer: layer.name.clone(),
        };
        let name = format!("what `{}` of {} reads", place.layer, place.model);
        let (measures, alpha) = (&parameters.measures, parameters.alpha);
        let kept = Representation::new(&name, &rows, shown.chosen.len(), measures, alpha)?;
        Ok((place, kept))
    });
    represented.collect()
}

/// Tells where the images cannot tell representations apart: n images span n - 1 directions at most.
fn warn_of_few_images(
    context: &Context,
    parameters: &Parameters,
    places: &[Place],
    kept: &[Representation],
    images: usize,
) {
    let whitened = parameters.measures.iter();
    let whitened = whitened.filter(|measure| measure.shape(parameters.alpha) == Some(0.0));
    let whitened: Vec<String> = whitened
        .map(|measure| format!("`{}`", measure.name()))
        .collect();
    let full = |kept: &Representation| kept.rank() + 1 >= images;
    if let Some(at) = kept.iter().position(full)
        && !whitened.is_empty()
    {
        context.warn(format!(
            "what `{}` of {} reads of {images} images differs in {} directions, as many as there can be: {} the same with any \
             representation in its place; show more images",
            places[at].layer,
            places[at].model,
            kept[at].rank(),
            match whitened.as_slice() {
                [only] => format!("{only} is"),
                several => format!("{} are", several.join(" and ")),
            }
        ));
    }
}

fn similarity_rows<'a>(
    measured: &'a Measured,
    places: &'a [Place],
) -> impl Iterator<Item = RepresentationSimilarityRow> + 'a {
    let pairs = places
        .iter()
        .flat_map(|row| places.iter().map(move |column| (row, column)));
    let rows = pairs.zip(&measured.values);
    rows.map(|((row, column), value)| RepresentationSimilarityRow {
        measure: measured.measure.name().to_owned(),
        row_model: row.model.clone(),
        row_layer: row.layer.clone(),
        column_model: column.model.clone(),
        column_layer: column.layer.clone(),
        value: *value,
    })
}

/// The map of the representations that have values.
fn map_rows(
    context: &Context,
    measured: &Measured,
    places: &[Place],
) -> Result<Vec<RepresentationMapRow>, MetricError> {
    let size = places.len();
    let varies = |at: &usize| measured.values[at * size + at].is_some();
    let (varying, constant): (Vec<usize>, Vec<usize>) = (0..size).partition(varies);
    let measure = measured.measure;
    if let Some(at) = constant.first() {
        context.warn(format!(
            "what `{}` of {} reads is the same for all images, so `{}` is not defined for it{}",
            places[*at].layer,
            places[*at].model,
            measure.name(),
            match constant.len() {
                1 => String::new(),
                more => format!(", nor for {} others", more - 1),
            }
        ));
    }
    if varying.is_empty() {
        return Ok(Vec::new());
    }
    let pairs = varying
        .iter()
        .flat_map(|row| varying.iter().map(move |column| row * size + column));
    let distances: Option<Vec<f64>> = pairs
        .map(|at| Some(measure.distance(measured.values[at]?)))
        .collect();
    let distances = distances.ok_or_else(|| {
        MetricError::Numerics(format!(
            "the singular values of `{}` did not converge",
            measure.name()
        ))
    })?;
    let map = classical_scaling(&distances, varying.len())?;
    let rows = varying
        .iter()
        .zip(map.points)
        .map(|(at, [x, y])| RepresentationMapRow {
            measure: measure.name().to_owned(),
            model: places[*at].model.clone(),
            layer: places[*at].layer.clone(),
            x,
            y,
            share_fraction: map.share,
        });
    Ok(rows.collect())
}
