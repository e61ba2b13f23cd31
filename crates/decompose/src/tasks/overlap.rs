//! The task kind `overlap`: are the leading eigenvectors of two networks the same, once their channels are aligned?
//!
//! Defined for any two bases of the same covariance. Every layer needs its alignment; the task kind `alignment`
//! writes the identity for the first, which reads the data itself.

use eigenscope_artifact::tables::layers::OverlapRow;
use eigenscope_artifact::{ALIGNMENTS, BASES, BasesHeader, TensorReader};
use eigenscope_stage::{
    Agreement, Context, Parameter, ParameterType, Role, TaskError, TaskKind, task_function,
};
use faer::Mat;
use serde::Deserialize;

use super::covariances::COVARIANCE;
use crate::error::DecomposeError;
use crate::networks::overlaps;

pub(super) fn kind() -> TaskKind {
    let summary = "absolute products of the leading eigenvectors of two networks after alignment";
    TaskKind::new("overlap", summary, task_function!(run))
        .parameters::<Parameters>([
            Parameter::optional(
                "layers",
                ParameterType::set(ParameterType::Text),
                Vec::<String>::new(),
                "layers compared; none given: all that both bases have",
            )
            .naming("alignment", "layers"),
            Parameter::optional(
                "count",
                ParameterType::at_least(1),
                50,
                "eigenvectors of each network, those of largest eigenvalue first; fewer where a basis has fewer",
            ),
        ])
        .reads(
            Role::one("reference", BASES, "eigenvectors of one network").agrees(
                Agreement::artifact("reference/model", "alignment/reference"),
            ),
        )
        .reads(
            Role::one(
                "other",
                BASES,
                "eigenvectors of the same covariance of the other",
            )
            .agrees(Agreement::artifact("other/model", "alignment/other"))
            .agrees(Agreement::attribute("other", "reference", COVARIANCE)),
        )
        .reads(Role::one(
            "alignment",
            ALIGNMENTS,
            "alignments of the same two networks, in the same order",
        ))
        .writes(OverlapRow::KIND)
        .memory_mib(128)
        .seconds(0.5)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    layers: Vec<String>,
    count: usize,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters { layers, count } = context.parameters()?;
    let open = |role, table| -> Result<TensorReader, TaskError> {
        Ok(TensorReader::open(context.path(role)?, table)?)
    };
    let reference = open("reference", BASES)?;
    let other = open("other", BASES)?;
    let alignments = open("alignment", ALIGNMENTS)?;
    let headers: [BasesHeader; 2] = [reference.header()?, other.header()?];
    let of = covariance(&headers)?;
    let mut rows = Vec::new();
    for layer in compared_layers(&reference, &other, layers)? {
        let overlaps = overlaps(
            &reference.read_one(&layer)?,
            &other.read_one(&layer)?,
            &alignments.read_one(&layer)?,
            count,
        )?;
        let ranks = headers.each_ref().map(|header| rank(header, &layer));
        rows.extend(layer_rows(of, &layer, &overlaps, ranks));
    }
    context.write(&rows)
}

/// What both bases are eigenvectors of.
fn covariance([reference, other]: &[BasesHeader; 2]) -> Result<&'static str, DecomposeError> {
    let (reference, other) = (reference.of.name(), other.of.name());
    if reference == other {
        return Ok(reference);
    }
    Err(DecomposeError::Mismatch(format!(
        "the reference has eigenvectors of the covariance of {reference}, the other of {other}"
    )))
}

/// Number of eigenvectors of a layer outside the null space; all of a layer that the header does not know.
fn rank(header: &BasesHeader, layer: &str) -> u32 {
    header
        .layers
        .get(layer)
        .map_or(u32::MAX, |layer| layer.rank)
}

/// The layers named, or those that both bases have, in the order of the reference.
fn compared_layers(
    reference: &TensorReader,
    other: &TensorReader,
    names: Vec<String>,
) -> Result<Vec<String>, DecomposeError> {
    if !names.is_empty() {
        return Ok(names);
    }
    let (reference, other) = (reference.names()?, other.names()?);
    let both = reference.iter().filter(|layer| other.contains(layer));
    let both: Vec<String> = both.cloned().collect();
    if both.is_empty() {
        return Err(DecomposeError::Mismatch(format!(
            "no layer is in both bases: the reference has {}, the other has {}",
            reference.join(", "),
            other.join(", ")
        )));
    }
    Ok(both)
}

fn layer_rows<'a>(
    of: &'a str,
    layer: &'a str,
    overlaps: &'a Mat<f64>,
    ranks: [u32; 2],
) -> impl Iterator<Item = OverlapRow> + 'a {
    let columns = overlaps.ncols();
    (0..overlaps.nrows() * columns).map(move |at| {
        let (row, column) = (at / columns, at % columns);
        let (reference_rank, other_rank) = (row as u32 + 1, column as u32 + 1);
        OverlapRow {
            of: of.to_owned(),
            layer: layer.to_owned(),
            reference_rank,
            other_rank,
            overlap: overlaps[(row, column)],
            null_space: reference_rank > ranks[0] || other_rank > ranks[1],
        }
    })
}
