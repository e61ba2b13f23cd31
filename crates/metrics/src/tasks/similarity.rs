//! The task kind `similarity`: how alike the eigenvectors of differently seeded and sized models are, by
//! rank.

use std::collections::BTreeMap;

use eigenscope_artifact::tables::bilinear::SimilarityRow;
use eigenscope_artifact::{EIGENPAIRS, write_labelled};
use eigenscope_stage::{
    Agreement, Amount, CLASSES, Context, Demand, Parameter, ParameterType, Relation, Role,
    TRANSFORMS, TaskError, TaskKind, quantities, task_function,
};
use serde::Deserialize;

use crate::bilinear::{Variant, read_models, similarity, sizes};
use crate::statistics::{over_parameter, words};

pub(super) fn kind() -> TaskKind {
    let reference = ParameterType::Integer {
        minimum: 1,
        maximum: i64::from(u32::MAX),
    };
    let summary =
        "absolute cosine of the eigenvectors of a reference size and of every size, by rank";
    TaskKind::new("similarity", summary, task_function!(run))
        .parameters::<Parameters>([
            variant_parameter(
                "`corrected`: largest |eigenvalue| first, distinct models; `published`: most negative first, seeds i <= j, \
                 a model with itself included",
            ),
            Parameter::optional(
                "reference",
                reference,
                300,
                "hidden size of the models that all are compared with",
            ),
            Parameter::optional("count", ParameterType::at_least(1), 20, "ranks"),
            over_parameter("eigenpairs", &["hidden"]),
        ])
        .reads(
            eigenpairs_role()
                .has_eigenpairs("count")
                .demands(Demand::new(
                    Amount::parameter("reference"),
                    Relation::Among,
                    quantities::HIDDEN_UNITS,
                    "all models are compared with those of this size; set `reference` to one of the sizes",
                )),
        )
        .writes(SimilarityRow::KIND)
        .memory_mib(256)
        .seconds(2.0)
}

pub(super) fn variant_parameter(summary: &str) -> Parameter {
    Parameter::optional("variant", Variant::parameter_type(), "corrected", summary)
}

/// The role of the eigenpairs that are compared with each other.
pub(super) fn eigenpairs_role() -> Role {
    Role::many(
        "eigenpairs",
        EIGENPAIRS,
        "eigenpairs of all models, swept over `seed`",
    )
    .agrees(Agreement::attribute("eigenpairs", "eigenpairs", CLASSES))
    .agrees(Agreement::expected("eigenpairs", "eigenpairs", TRANSFORMS))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    variant: Variant,
    reference: u32,
    count: usize,
    over: String,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters {
        variant,
        reference,
        count,
        over,
    } = context.parameters()?;
    let mut all = Vec::new();
    // Groups without a pair, by hidden size.
    let mut without: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for group in read_models(context.inputs("eigenpairs")?, &over, variant, count)? {
        let rows = similarity(&group.models, variant, reference, count)?;
        for size in sizes(&group.models) {
            if !rows.iter().any(|row| row.hidden == size) {
                without.entry(size).or_default().push(words(&group.labels));
            }
        }
        all.extend(group.label(rows));
    }
    for (size, groups) in without {
        let place = match groups.as_slice() {
            [one] if one.is_empty() => String::new(),
            [one] => format!(" for {one}"),
            [one, ..] => format!(" in {} groups, such as {one}", groups.len()),
            [] => continue,
        };
        context.warn(format!(
            "hidden size {size} has no pair of models to compare with size {reference}{place}: no similarity. Sweep \
             over more values of `{over}`"
        ));
    }
    let path = context.output(SimilarityRow::KIND)?;
    let about = context.about("eigenpairs")?;
    write_labelled(path, &all, Some(&about), context.provenance())?;
    Ok(())
}
