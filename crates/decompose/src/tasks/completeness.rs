//! The task kind `completeness`: how much of the quadratic form of each class lies in the leading subspace of each other.

use eigenscope_artifact::TENSORS;
use eigenscope_artifact::tables::interactions::CompletenessRow;
use eigenscope_models::{BilinearWeights, StoredModel};
use eigenscope_stage::{
    Context, Parameter, ParameterType, Role, TaskError, TaskKind, task_function,
};
use serde::Deserialize;

use crate::bilinear::{BilinearMatrices, Forms};

pub(super) fn kind() -> TaskKind {
    let summary = "share of every class's quadratic form in the subspace of the strongest eigenvectors of every class";
    TaskKind::new("completeness", summary, task_function!(run))
        .parameters::<Parameters>([Parameter::optional(
            "kept",
            ParameterType::set(ParameterType::at_least(1)).filled(),
            vec![5, 20],
            "eigenvectors of largest |eigenvalue| that span a subspace",
        )])
        .reads(
            Role::one("model", TENSORS, "weights of a bilinear layer").needs(
                "bilinear",
                "an interaction matrix is made of pairs of gate rows",
            ),
        )
        .writes(CompletenessRow::KIND)
        .memory_mib(256)
        .seconds(3.0)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    kept: Vec<usize>,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters { kept } = context.parameters()?;
    if kept.is_empty() {
        return Err("`kept` names no number of eigenvectors".into());
    }
    let model = StoredModel::read(context.path("model")?)?;
    let weights = BilinearWeights::new(&model, "a completeness")?;
    let forms = Forms::new(&BilinearMatrices::of_some(&weights)?)?;
    let classes = &model.architecture.classes;
    let mut rows = Vec::with_capacity(kept.len() * classes.len() * classes.len());
    for kept in kept {
        let found = forms.completeness(kept);
        for (class, shares) in classes.iter().zip(found.shares) {
            for (subspace, share) in classes.iter().zip(shares) {
                rows.push(CompletenessRow {
                    kept: found.kept as u32,
                    class: class.clone(),
                    subspace: subspace.clone(),
                    share,
                });
            }
        }
    }
    context.write(&rows)
}
