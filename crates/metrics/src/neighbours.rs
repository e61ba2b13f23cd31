//! The task kind `neighbours`: the images whose embeddings are nearest to those of some images.

use eigenscope_artifact::tables::embeddings::NeighbourRow;
use eigenscope_artifact::{EMBEDDINGS, Embeddings, write_records};
use eigenscope_stage::{
    Context, Parameter, ParameterType, Resources, Role, TaskError, TaskKind, TaskKindDescription,
    task_function,
};
use serde::Deserialize;

use crate::embeddings::nearest_others;
use crate::error::MetricError;

/// The task kind.
pub fn kind() -> TaskKind {
    TaskKind {
        description: TaskKindDescription {
            name: "neighbours".to_owned(),
            summary: "nearest others of some images by Euclidean distance of their embeddings"
                .to_owned(),
            parameters: vec![
                Parameter::optional(
                    "queries",
                    ParameterType::set(ParameterType::at_least(0)),
                    vec![0, 1, 2, 3],
                    "positions among the embedded images, from 0, of those whose neighbours are wanted",
                ),
                Parameter::optional(
                    "count",
                    ParameterType::at_least(1),
                    8,
                    "neighbours of each, itself not counted",
                ),
            ],
            roles: vec![Role::one(
                "embeddings",
                EMBEDDINGS,
                "embeddings to search and to compare",
            )],
            outputs: vec![NeighbourRow::KIND.into()],
            provides: Vec::new(),
            random: false,
            resources: Resources {
                threads: 1,
                memory_mib: 64,
                seconds: 0.5,
                ..Resources::default()
            },
        },
        run: task_function!(run),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    queries: Vec<usize>,
    count: usize,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters { queries, count } = context.parameters()?;
    let input = context.input("embeddings")?;
    let embeddings = Embeddings::read(&input.path)?;
    let images = embeddings.len();
    if let Some(&position) = queries.iter().find(|&&position| position >= images) {
        return Err(Box::new(MetricError::Unknown(format!(
            "{} has no image at position {position}: there are {images}, counted from 0",
            input.task
        ))));
    }
    if count >= images {
        return Err(Box::new(MetricError::TooFew(format!(
            "{count} neighbours wanted, but {} has {images} images in all",
            input.task
        ))));
    }
    let rows: Vec<NeighbourRow> = queries
        .iter()
        .flat_map(|&query| neighbours(&embeddings, query, count))
        .collect();
    write_records(
        context.output(NeighbourRow::KIND)?,
        &rows,
        context.provenance(),
    )?;
    Ok(())
}

/// The `count` nearest others of the image at position `query`, nearest first. Distances are exact in f64; of
/// equal ones the image that comes first is the nearer. (The published notebook lists the farthest: it sorts
/// similarities and takes the wrong end.)
///
/// # Panics
/// Panics if the position is out of bounds.
pub fn neighbours(embeddings: &Embeddings, query: usize, count: usize) -> Vec<NeighbourRow> {
    let width = embeddings.header.width;
    let label = |image: usize| u32::from(embeddings.labels[image]);
    let nearest = nearest_others(&embeddings.vectors, width, query, count);
    let ranked = nearest.into_iter().zip(1..);
    ranked
        .map(|(neighbour, rank)| {
            let image = neighbour.index as usize;
            NeighbourRow {
                query_index: embeddings.indices[query],
                query_label: label(query),
                rank,
                index: embeddings.indices[image],
                label: label(image),
                distance: neighbour.squared_distance.sqrt(),
            }
        })
        .collect()
}
