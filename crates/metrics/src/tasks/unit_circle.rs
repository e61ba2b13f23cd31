//! The task kind `unit-circle`: directions of embeddings in the plane that holds most of them.

use eigenscope_artifact::tables::embeddings::{UnitCirclePlaneRow, UnitCircleRow};
use eigenscope_artifact::{EMBEDDINGS, Embeddings};
use eigenscope_stage::{
    Amount, Context, Demand, Parameter, ParameterType, Relation, Role, TaskError, TaskKind,
    quantities, task_function,
};
use serde::Deserialize;

use crate::embeddings::Plane;
use crate::error::MetricError;
use crate::vectors::unit;

/// Largest width of embeddings. Finding the plane takes time in proportion to the cube of the width.
const WIDEST: usize = 512;
/// An embedding of length 1 whose projection is at most this long is normal to the plane.
const SHORTEST: f64 = 1e-9;

pub(super) fn kind() -> TaskKind {
    let summary = "directions of embeddings in the plane of their first two right singular vectors";
    TaskKind::new("unit-circle", summary, task_function!(run))
        .parameters::<Parameters>([Parameter::optional(
            "count",
            ParameterType::Integer {
                minimum: 1,
                maximum: 1000,
            },
            128,
            "embeddings used: the first ones, the same number of every class",
        )])
        .reads(
            Role::one("embeddings", EMBEDDINGS, "embeddings of two values or more")
                .demands(width(2, Relation::AtMost, "a plane takes two directions"))
                .demands(width(
                    WIDEST,
                    Relation::AtLeast,
                    "the plane takes time in proportion to the cube of the values; embed with a narrower layer",
                )),
        )
        .writes(UnitCircleRow::KIND)
        .writes(UnitCirclePlaneRow::KIND)
        .memory_mib(64)
        .seconds(0.5)
}

/// A bound of the width of embeddings.
fn width(values: usize, relation: Relation, because: &str) -> Demand {
    let values = Amount::Fixed(values as u64);
    Demand::new(values, relation, quantities::EMBEDDING_VALUES, because)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    count: usize,
}

/// Vectors with the positions of their embeddings.
type Vectors = Vec<(usize, Vec<f64>)>;

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters { count } = context.parameters()?;
    let input = context.input("embeddings")?;
    let embeddings = Embeddings::read(&input.path)?;
    if embeddings.is_empty() {
        return Err(MetricError::TooFew(format!("{} has no embeddings", input.task)).into());
    }
    let width = embeddings.header.width;
    if !(2..=WIDEST).contains(&width) {
        return Err(MetricError::Undefined(format!(
            "embeddings of width {width} have no plane; a width of 2 to {WIDEST} is expected"
        ))
        .into());
    }
    if embeddings.len() < count {
        let found = embeddings.len();
        context.warn(format!("there are {found} embeddings, not {count}"));
    }
    let all: Vec<&[f32]> = embeddings.vectors().collect();
    let chosen = embeddings.evenly(count).into_iter();
    let sample = chosen.map(|position| {
        let vector = all[position].iter().copied().map(f64::from);
        (position, vector.collect())
    });
    let sample = scaled(
        context,
        sample.collect(),
        0.0,
        "are zero and have no direction",
    )?;
    let plane = Plane::of(sample.iter().map(|(_, vector)| vector.as_slice()), width)?;
    let projected = sample.into_iter();
    let projected = projected.map(|(position, vector)| (position, plane.project(&vector).to_vec()));
    let circle = scaled(
        context,
        projected.collect(),
        SHORTEST,
        "are normal to the plane",
    )?;
    let rows = circle.iter().map(|(position, point)| UnitCircleRow {
        index: embeddings.indices[*position],
        label: u32::from(embeddings.labels[*position]),
        x: point[0],
        y: point[1],
    });
    context.write(&rows.collect::<Vec<_>>())?;
    context.write(&plane.rows())
}

/// The vectors scaled to length 1. Those of at most the length `shortest` are left out, with a warning that they `are` so.
///
/// # Errors
/// All vectors are left out.
fn scaled(
    context: &Context,
    vectors: Vectors,
    shortest: f64,
    are: &str,
) -> Result<Vectors, MetricError> {
    let count = vectors.len();
    let vectors = vectors.into_iter();
    let kept = vectors.filter_map(|(position, vector)| Some((position, unit(vector, shortest)?)));
    let kept: Vectors = kept.collect();
    match count - kept.len() {
        0 => {}
        left_out if left_out == count => {
            let problem = format!("all of {count} embeddings {are}");
            return Err(MetricError::Numerics(problem));
        }
        left_out => context.warn(format!("{left_out} of {count} embeddings {are}: left out")),
    }
    Ok(kept)
}
