//! The task kind `t-sne`: embeddings laid out in two dimensions.

use eigenscope_artifact::tables::embeddings::{MapQualityRow, MapRow};
use eigenscope_artifact::{EMBEDDINGS, Embeddings, Examples};
use eigenscope_stage::{
    Context, Examination, Examined, Parameter, ParameterType, Role, TaskError, TaskKind,
    task_function,
};
use serde::Deserialize;

use crate::embeddings::t_sne::{Layout, memory_bytes, steps};
use crate::error::MetricError;

pub(super) fn kind() -> TaskKind {
    let summary = "embeddings laid out in two dimensions by t-SNE, and how faithful the map is";
    TaskKind::new("t-sne", summary, task_function!(run))
        .parameters::<Parameters>([
            Parameter::optional(
                "perplexity",
                ParameterType::between(2.0, 1000.0),
                30.0,
                "effective number of neighbours of each image",
            ),
            Parameter::optional(
                "images",
                ParameterType::at_least(1),
                10_000,
                "largest number of images: the first ones are taken, or, of images ordered by class, some of each class",
            )
            .proportional(10_000.0),
        ])
        .reads(Role::one("embeddings", EMBEDDINGS, "what is laid out"))
        .writes(MapRow::KIND)
        .writes(MapQualityRow::KIND)
        .examined_by(examine)
        .threads(4)
        .memory_mib(512)
        .seconds(4.0)
}

/// Tells the memory for as many images as there may be.
fn examine(examination: &Examination<'_>) -> Result<Examined, TaskError> {
    let Parameters { perplexity, images } = examination.parameters()?;
    Ok(Examined {
        memory_mib: Some(memory_mib(images, perplexity)),
        ..Examined::default()
    })
}

/// Values of an embedding, where nothing says how many.
const WIDTH: f64 = 512.0;

/// Peak memory: the program, what is read and chosen of it with two copies, and the layout.
fn memory_mib(images: usize, perplexity: f64) -> u64 {
    let embeddings = 4.0 * 4.0 * WIDTH * images as f64;
    let bytes = embeddings + memory_bytes(images, perplexity);
    128 + (bytes / f64::from(1 << 20)) as u64
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    perplexity: f64,
    images: usize,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters { perplexity, images } = context.parameters()?;
    let input = context.input("embeddings")?;
    let embeddings = Embeddings::read(&input.path)?;
    let positions = Examples::of_all(&embeddings.labels, images).positions;
    let (images, width) = (positions.len(), embeddings.header.width);
    if images as f64 <= perplexity + 1.0 {
        return Err(Box::new(MetricError::TooFew(format!(
            "{images} images of {} are too few for perplexity {perplexity}: it must be below the number of others",
            input.task
        ))));
    }
    let all: Vec<&[f32]> = embeddings.vectors().collect();
    let vectors: Vec<&[f32]> = positions.iter().map(|at| all[*at]).collect();
    let vectors = vectors.concat();
    if vectors
        .chunks_exact(width)
        .all(|vector| *vector == vectors[..width])
    {
        return Err(Box::new(MetricError::Undefined(format!(
            "all {images} embeddings of {} are equal: there is nothing to lay out",
            input.task
        ))));
    }
    let layout = Layout::new(&vectors, width, perplexity, |step| {
        context.progress(u64::from(step), u64::from(steps(images)), "steps", "");
    })?;
    if layout.unreached > 0 {
        context.warn(format!(
            "{} of {images} images have more than {perplexity} others equally near: their perplexity is larger",
            layout.unreached
        ));
    }
    let labels: Vec<u16> = positions.iter().map(|at| embeddings.labels[*at]).collect();
    let indices: Vec<u32> = positions.iter().map(|at| embeddings.indices[*at]).collect();
    context.write(&rows(&layout.map, &indices, &labels))?;
    context.write(&[layout.quality(&labels, perplexity)])
}

fn rows(map: &[[f64; 2]], indices: &[u32], labels: &[u16]) -> Vec<MapRow> {
    let images = map.iter().zip(indices).zip(labels);
    images
        .map(|((&[x, y], &index), &label)| MapRow {
            index,
            label: u32::from(label),
            x,
            y,
        })
        .collect()
}
