//! The task kind `neighbours`: the images whose embeddings are nearest to those of some images.

use eigenscope_artifact::tables::embeddings::NeighbourRow;
use eigenscope_artifact::{EMBEDDINGS, Embeddings, Examples};
use eigenscope_stage::{
    Context, Examination, Examined, Fault, Parameter, ParameterType, Role, TaskError, TaskKind,
    quantities, task_function,
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
        .examined_by(examine)
        .memory_mib(64)
        .seconds(0.5)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    queries: Vec<u64>,
    count: u64,
}

/// Refuses images and numbers of neighbours that there are not, if the number of images is known.
fn examine(examination: &Examination<'_>) -> Result<Examined, TaskError> {
    let parameters: Parameters = examination.parameters()?;
    let embedded = examination.known("embeddings");
    let Some(images) = embedded.quantity(quantities::EMBEDDED_IMAGES) else {
        return Ok(Examined::default());
    };
    let faults = parameters.faults(images).into_iter();
    Ok(faults.fold(Examined::default(), Examined::fault))
}

impl Parameters {
    /// What is asked of so many images and there is not.
    fn faults(&self, images: u64) -> Vec<Fault> {
        let of_query = |(number, query): (usize, &u64)| {
            let path = format!("/queries/{number}");
            let message =
                format!("there is no image {query}: {images} are embedded, counted from 0");
            (*query >= images).then(|| Fault::at(path, message))
        };
        let queries = self.queries.iter().enumerate().filter_map(of_query);
        let count = (self.count >= images).then(|| {
            let message = format!(
                "{} neighbours are wanted, but {images} images are embedded, the one itself among them",
                self.count
            );
            Fault::at("/count", message)
        });
        queries.chain(count).collect()
    }
}

fn run(context: &Context) -> Result<(), TaskError> {
    let parameters: Parameters = context.parameters()?;
    let input = context.input("embeddings")?;
    let embeddings = Embeddings::read(&input.path)?;
    if let Some(fault) = parameters.faults(embeddings.len() as u64).first() {
        let problem = format!("{}: {}", input.task, fault.message);
        return Err(Box::new(MetricError::TooFew(problem)));
    }
    let Parameters { queries, count } = parameters;
    let queries = match queries.is_empty() {
        true => Examples::of_all(&embeddings.labels, QUERIES).positions,
        false => queries.into_iter().map(|query| query as usize).collect(),
    };
    let rows: Vec<NeighbourRow> = queries
        .iter()
        .flat_map(|&query| neighbours(&embeddings, query, count as usize))
        .collect();
    context.write(&rows)
}
