//! The task kind `neighbours`: the images whose embeddings are nearest to those of some images.

use eigenscope_artifact::tables::embeddings::NeighbourRow;
use eigenscope_artifact::{EMBEDDINGS, Embeddings, Examples};
use eigenscope_stage::{
    Context, Parameter, ParameterType, Role, TaskError, TaskKind, task_function,
};
use serde::Deserialize;

use crate::embeddings::neighbours;
use crate::error::MetricError;

/// Images whose neighbours are wanted, unless they are given.
const QUERIES: usize = 4;

pub(super) fn kind() -> TaskKind {
    let summary = "nearest others of some images by Euclidean distance of their embeddings";
    TaskKind::new("neighbours", summary, task_function!(run))
        .parameters::<Parameters>([
            Parameter::optional(
                "queries",
                ParameterType::set(ParameterType::at_least(0)),
                Vec::<usize>::new(),
                "positions among the embedded images, from 0, of those whose neighbours are wanted; empty: the first four, or, of images ordered by class, four spread over the classes",
            ),
            Parameter::optional(
                "count",
                ParameterType::at_least(1),
                8,
                "neighbours of each, itself not counted",
            ),
        ])
        .reads(Role::one(
            "embeddings",
            EMBEDDINGS,
            "embeddings to search and to compare",
        ))
        .writes(NeighbourRow::KIND)
        .memory_mib(64)
        .seconds(0.5)
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
    let queries = match queries.is_empty() {
        true => Examples::of_all(&embeddings.labels, QUERIES).positions,
        false => queries,
    };
    let rows: Vec<NeighbourRow> = queries
        .iter()
        .flat_map(|&query| neighbours(&embeddings, query, count))
        .collect();
    context.write(&rows)
}
