//! The task kind `t-sne`: embeddings laid out in two dimensions such that near ones stay near, by t-distributed
//! stochastic neighbour embedding.
//!
//! [`affinities`] says how alike the embeddings are, [`descent`] moves points on a map until their likeness is as
//! alike to that as it gets, by the [`gradient`] that a [`tree`] makes fast; [`exact`] says how faithful the map is, over
//! all pairs. Nothing is left to chance: the map starts from the first two principal components. The same bytes for any
//! number of threads.

pub mod affinities;
pub mod descent;
pub mod exact;
pub mod gradient;
mod layout;
pub mod tree;

use eigenscope_artifact::tables::embeddings::{MapQualityRow, MapRow};
use eigenscope_artifact::{EMBEDDINGS, Embeddings, write_records};
use eigenscope_stage::{
    Context, Parameter, ParameterType, Resources, Role, TaskError, TaskKind, TaskKindDescription,
    task_function,
};
use serde::Deserialize;

use crate::error::MetricError;
use descent::STEPS;
pub use layout::Layout;

/// The task kind.
pub fn kind() -> TaskKind {
    TaskKind {
        description: TaskKindDescription {
            name: "t-sne".to_owned(),
            summary: "embeddings laid out in two dimensions by t-SNE, and how faithful the map is"
                .to_owned(),
            parameters: vec![
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
                    "largest number of images; the first ones are taken",
                ),
            ],
            roles: vec![Role::one("embeddings", EMBEDDINGS, "what is laid out")],
            outputs: vec![MapRow::KIND.into(), MapQualityRow::KIND.into()],
            provides: Vec::new(),
            random: false,
            resources: Resources {
                threads: 4,
                memory_mib: 192,
                seconds: 4.0,
                ..Resources::default()
            },
        },
        run: task_function!(run),
    }
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
    let (images, width) = (images.min(embeddings.len()), embeddings.header.width);
    if images as f64 <= perplexity + 1.0 {
        return Err(Box::new(MetricError::TooFew(format!(
            "{images} images of {} are too few for perplexity {perplexity}: it must be below the number of others",
            input.task
        ))));
    }
    let vectors = &embeddings.vectors[..images * width];
    if vectors
        .chunks_exact(width)
        .all(|vector| *vector == vectors[..width])
    {
        return Err(Box::new(MetricError::Undefined(format!(
            "all {images} embeddings of {} are equal: there is nothing to lay out",
            input.task
        ))));
    }
    let layout = Layout::new(vectors, width, perplexity, |step| {
        context.progress(u64::from(step), u64::from(STEPS), "steps", "");
    })?;
    if layout.unreached > 0 {
        context.warn(format!(
            "{} of {images} images have more than {perplexity} others equally near: their perplexity is larger",
            layout.unreached
        ));
    }
    let labels = &embeddings.labels[..images];
    write_records(
        context.output(MapRow::KIND)?,
        &rows(&layout.map, &embeddings.indices, labels),
        context.provenance(),
    )?;
    let quality = layout.quality(labels, perplexity);
    write_records(
        context.output(MapQualityRow::KIND)?,
        &[quality],
        context.provenance(),
    )?;
    Ok(())
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
