//! The task kind `shared-basis`: one basis of few vectors for the quadratic forms of all classes.

use eigenscope_artifact::{NamedTensor, SHARED_BASES, SharedBasesHeader, TENSORS, write_tensors};
use eigenscope_models::{BilinearWeights, StoredModel};
use eigenscope_stage::{
    Context, Feature, Parameter, ParameterType, Role, TaskError, TaskKind, task_function,
};
use faer::MatRef;
use serde::Deserialize;

use crate::bilinear::{BilinearMatrices, Forms};
use crate::linear_algebra::product;

pub(super) fn kind() -> TaskKind {
    let count = |minimum| ParameterType::Integer {
        minimum,
        maximum: 1000,
    };
    let summary = "bases of few vectors that the quadratic forms of all classes share (Tucker-2)";
    TaskKind::new("shared-basis", summary, task_function!(run))
        .parameters::<Parameters>([
            Parameter::optional(
                "ranks",
                ParameterType::set(ParameterType::Integer {
                    minimum: 1,
                    maximum: 8192,
                })
                .filled(),
                vec![1, 2, 5, 10, 15, 20, 30, 40, 60, 80, 100],
                "vectors of each basis",
            ),
            Parameter::optional(
                "iterations",
                count(0),
                5,
                "improvements of each basis, as long as it holds more of the forms",
            ),
        ])
        .reads(
            Role::one("model", TENSORS, "weights of a bilinear layer").needs(
                "bilinear",
                "an interaction tensor is made of pairs of gate rows",
            ),
        )
        .writes(SHARED_BASES)
        .provides(Feature::of_images("model"))
        .memory_mib(512)
        .seconds(15.0)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    ranks: Vec<usize>,
    iterations: usize,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters {
        mut ranks,
        iterations,
    } = context.parameters()?;
    if ranks.is_empty() {
        return Err("`ranks` names no number of vectors".into());
    }
    let model = StoredModel::read(context.path("model")?)?;
    let weights = BilinearWeights::new(&model, "a shared basis")?;
    let matrices = BilinearMatrices::of_some(&weights)?;
    let forms = Forms::new(&matrices)?;
    ranks
        .iter_mut()
        .for_each(|rank| *rank = (*rank).min(forms.hidden()));
    ranks.sort_unstable();
    ranks.dedup();
    let mut tensors = Vec::with_capacity(2 * ranks.len());
    let mut shares = Vec::with_capacity(ranks.len());
    for (number, &rank) in ranks.iter().enumerate() {
        let found = forms.shared_basis(rank, iterations)?;
        let images = product(found.basis.transpose(), matrices.embed.as_ref());
        let cores = found.cores.iter().flat_map(|core| row_major(core.as_ref()));
        tensors.push(NamedTensor {
            name: format!("basis-{rank}"),
            shape: vec![rank, weights.inputs],
            data: row_major(images.as_ref()).collect(),
        });
        tensors.push(NamedTensor {
            name: format!("core-{rank}"),
            shape: vec![weights.classes, rank, rank],
            data: cores.collect(),
        });
        shares.push((u32::try_from(rank)?, found.share));
        context.progress(number as u64 + 1, ranks.len() as u64, "bases", "");
    }
    let header = SharedBasesHeader {
        shape: model.architecture.input,
        classes: model.architecture.classes,
        hidden: u32::try_from(weights.hidden)?,
        ranks: shares,
    };
    let path = context.output(SHARED_BASES)?;
    write_tensors(path, SHARED_BASES, &header, &tensors, context.provenance())?;
    Ok(())
}

/// The values of a matrix row by row, rounded to f32.
fn row_major(matrix: MatRef<'_, f64>) -> impl Iterator<Item = f32> {
    (0..matrix.nrows() * matrix.ncols())
        .map(move |place| matrix[(place / matrix.ncols(), place % matrix.ncols())] as f32)
}
