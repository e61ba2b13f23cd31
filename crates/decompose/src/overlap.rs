//! The task kind `overlap`: are the leading eigenvectors of two networks the same, once their channels are aligned?
//!
//! Defined for any two bases of the same covariance. Every layer needs its alignment; the task kind `alignment`
//! writes the identity for the first, which reads the data itself.

use eigenscope_artifact::tables::layers::OverlapRow;
use eigenscope_artifact::{
    ALIGNMENTS, BASES, BasesHeader, NamedTensor, TensorReader, write_records,
};
use eigenscope_stage::{
    Agreement, Context, Parameter, ParameterType, Resources, Role, TaskError, TaskKind,
    TaskKindDescription, task_function,
};
use faer::{Mat, MatRef};
use serde::Deserialize;

use crate::eigenbasis::COVARIANCE;
use crate::error::DecomposeError;
use crate::linear_algebra::row_major;
use crate::networks::align_columns;
use crate::networks::overflow;

/// The task kind.
pub(crate) fn kind() -> TaskKind {
    TaskKind {
        description: describe(),
        run: task_function!(run),
    }
}

fn describe() -> TaskKindDescription {
    TaskKindDescription {
        name: "overlap".to_owned(),
        summary: "absolute products of the leading eigenvectors of two networks after alignment"
            .to_owned(),
        parameters: vec![
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
        ],
        roles: vec![
            Role::one("reference", BASES, "eigenvectors of one network").agrees(
                Agreement::artifact("reference/model", "alignment/reference"),
            ),
            Role::one(
                "other",
                BASES,
                "eigenvectors of the same covariance of the other",
            )
            .agrees(Agreement::artifact("other/model", "alignment/other"))
            .agrees(Agreement::attribute("other", "reference", COVARIANCE)),
            Role::one(
                "alignment",
                ALIGNMENTS,
                "alignments of the same two networks, in the same order",
            ),
        ],
        outputs: vec![OverlapRow::KIND.into()],
        provides: Vec::new(),
        random: false,
        resources: Resources {
            threads: 1,
            memory_mib: 128,
            seconds: 0.5,
            ..Resources::default()
        },
    }
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
        Ok(TensorReader::open(&context.input(role)?.path, table)?)
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
    write_records(
        context.output(OverlapRow::KIND)?,
        &rows,
        context.provenance(),
    )?;
    Ok(())
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

/// |V1 (A kron I) V2^T| of the first `count` rows (fewer if there are fewer) of two bases of one layer: entry (i, j)
/// is |v1_i^T (A kron I) v2_j|, 0 to 1 for unit vectors and a partial isometry.
///
/// V1 `[k1, c1 * inner]` and V2 `[k2, c2 * inner]` have unit rows, A `[c1, c2]` maps the channels of the other network
/// to those of the reference.
///
/// Source: Guth, Menard, Rochette and Mallat, *A rainbow in deep network black boxes* (2023).
///
/// # Errors
/// Returns an error if a tensor is not a matrix, if sizes do not fit together, or if values are not finite.
pub fn overlaps(
    reference: &NamedTensor,
    other: &NamedTensor,
    alignment: &NamedTensor,
    count: usize,
) -> Result<Mat<f64>, DecomposeError> {
    let [first, second, [from, to]] = [
        matrix_shape(reference)?,
        matrix_shape(other)?,
        matrix_shape(alignment)?,
    ];
    let inner = first[1] / from;
    if [first[1], second[1]] != [from * inner, to * inner] {
        return Err(DecomposeError::Mismatch(format!(
            "layer `{}`: the eigenvectors have {:?} values (reference, other), which the alignment {:?} of their \
             channels does not fit",
            reference.name,
            [first[1], second[1]],
            [from, to]
        )));
    }
    let kept = [first, second].map(|[rows, _]| rows.min(count));
    let map = row_major(&alignment.data, from, to);
    let mapped = align_columns(&reference.data[..kept[0] * first[1]], inner, map.as_ref());
    let mapped = MatRef::from_row_major_slice(&mapped, kept[0], second[1]);
    let products = mapped * row_major(&other.data, kept[1], second[1]).transpose();
    if !products.is_all_finite() {
        return Err(overflow(&reference.name));
    }
    Ok(Mat::from_fn(kept[0], kept[1], |row, column| {
        products[(row, column)].abs()
    }))
}

/// `[rows, columns]`, none of them zero.
fn matrix_shape(tensor: &NamedTensor) -> Result<[usize; 2], DecomposeError> {
    match *tensor.shape {
        [rows, columns] if rows > 0 && columns > 0 => Ok([rows, columns]),
        _ => Err(DecomposeError::Mismatch(format!(
            "layer `{}`: a tensor of shape {:?}, expected a matrix of at least one entry",
            tensor.name, tensor.shape
        ))),
    }
}
