//! The task kind `similarity-map`: similarity of the first eigenvectors of every size with those of every
//! size.

use eigenscope_artifact::tables::bilinear::SimilarityMapRow;
use eigenscope_artifact::write_labelled;
use eigenscope_stage::{Context, TaskError, TaskKind, task_function};
use serde::Deserialize;

use super::similarity::{eigenpairs_role, variant_parameter};
use crate::bilinear::{Variant, read_models, similarity_map};
use crate::statistics::over_parameter;

pub(super) fn kind() -> TaskKind {
    let summary = "absolute cosine of the first eigenvectors, for every two hidden sizes";
    TaskKind::new("similarity-map", summary, task_function!(run))
        .parameters::<Parameters>([
            variant_parameter(
                "`corrected`: largest |eigenvalue|, distinct models; `published`: most negative, seeds i <= j, a model \
                 with itself included",
            ),
            over_parameter("eigenpairs", &["hidden"]),
        ])
        .reads(eigenpairs_role())
        .writes(SimilarityMapRow::KIND)
        .memory_mib(128)
        .seconds(2.0)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    variant: Variant,
    over: String,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters { variant, over } = context.parameters()?;
    let mut rows = Vec::new();
    for group in read_models(context.inputs("eigenpairs")?, &over, variant, 1)? {
        rows.extend(group.label(similarity_map(&group.models, variant)?));
    }
    let path = context.output(SimilarityMapRow::KIND)?;
    let about = context.about("eigenpairs")?;
    write_labelled(path, &rows, Some(&about), context.provenance())?;
    Ok(())
}
