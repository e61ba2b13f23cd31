//! The task kind `t-sne`: embeddings laid out in two dimensions.

use eigenscope_artifact::tables::embeddings::{MapQualityRow, MapRow};
use eigenscope_artifact::{EMBEDDINGS, Embeddings, Examples};
use eigenscope_stage::{
    Context, Examination, Examined, Fault, Parameter, ParameterType, Role, TaskError, TaskKind,
    quantities, task_function,
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

/// Refuses a perplexity that so few images cannot have, and tells the memory for them. Where their number is not known, there may be as
/// many as are wanted.
fn examine(examination: &Examination<'_>) -> Result<Examined, TaskError> {
    let parameters: Parameters = examination.parameters()?;
    let embedded = examination.known("embeddings");
    let embedded = embedded.quantity(quantities::EMBEDDED_IMAGES);
    let embedded = embedded.map_or(parameters.images, |images| images as usize);
    let images = parameters.images.min(embedded);
    let examined = Examined {
        memory_mib: Some(memory_mib(images, parameters.perplexity)),
        ..Examined::default()
    };
    let fault = parameters.fault(embedded);
    Ok(fault.into_iter().fold(examined, Examined::fault))
}

impl Parameters {
    /// Why so many embedded images are too few.
    fn fault(&self, embedded: usize) -> Option<Fault> {
        let Self { perplexity, images } = *self;
        let used = images.min(embedded);
        if used as f64 > perplexity + 1.0 {
            return None;
        }
        let of = match embedded > used {
            true => format!(" of {embedded}"),
            false => String::new(),
        };
        let message = format!(
            "perplexity {perplexity} is too large for {used} images{of}: it must be below the number of others"
        );
        let help = match (embedded > used, used) {
            (true, _) => "lower `perplexity`, or raise `images`".to_owned(),
            (false, 0..=3) => "perplexity is at least 2, so four images are needed".to_owned(),
            (false, _) => format!("`perplexity` must be below {}", used - 1),
        };
        Some(Fault::at("/perplexity", message).help(help))
    }
}

fn run(context: &Context) -> Result<(), TaskError> {
    let parameters: Parameters = context.parameters()?;
    let input = context.input("embeddings")?;
    let embeddings = Embeddings::read(&input.path)?;
    if let Some(fault) = parameters.fault(embeddings.len()) {
        let problem = format!("{}: {}", input.task, fault.message);
        return Err(Box::new(MetricError::TooFew(problem)));
    }
    let Parameters { perplexity, images } = parameters;
    let positions = Examples::of_all(&embeddings.labels, images).positions;
    let (images, width) = (positions.len(), embeddings.header.width);
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
