//! The task kind `similarity`: how alike the eigenvectors of differently seeded and sized models are, by
//! rank.

use std::collections::BTreeMap;

use eigenscope_artifact::tables::bilinear::SimilarityRow;
use eigenscope_artifact::{EIGENPAIRS, Labelled, write_labelled};
use eigenscope_stage::{
    Agreement, CLASSES, Context, Parameter, ParameterType, Resources, Role, TRANSFORMS, TaskError,
    TaskKind, TaskKindDescription, task_function,
};
use serde::Deserialize;

use crate::bilinear::{ModelVectors, Variant, pairs, read_models, sizes};
use crate::error::MetricError;
use crate::statistics::half_width;
use crate::statistics::{Observations, aggregate};
use crate::statistics::{over_parameter, words};

/// The task kind.
pub fn kind() -> TaskKind {
    TaskKind {
        description: TaskKindDescription {
            name: "similarity".to_owned(),
            summary:
                "absolute cosine of the eigenvectors of a reference size and of every size, by rank"
                    .to_owned(),
            parameters: vec![
                Parameter::optional(
                    "variant",
                    Variant::parameter_type(),
                    "corrected",
                    "`corrected`: largest |eigenvalue| first, distinct models; `published`: most negative \
                     first, seeds i <= j, a model with itself included",
                ),
                Parameter::optional(
                    "reference",
                    ParameterType::Integer {
                        minimum: 1,
                        maximum: i64::from(u32::MAX),
                    },
                    300,
                    "hidden size of the models that all are compared with",
                ),
                Parameter::optional("count", ParameterType::at_least(1), 20, "ranks"),
                over_parameter(),
            ],
            roles: vec![
                Role::many(
                    "eigenpairs",
                    EIGENPAIRS,
                    "eigenpairs of all models, swept over `seed`",
                )
                .agrees(Agreement::attribute("eigenpairs", "eigenpairs", CLASSES))
                .agrees(Agreement::expected(
                    "eigenpairs",
                    "eigenpairs",
                    TRANSFORMS,
                )),
            ],
            outputs: vec![SimilarityRow::KIND.into()],
            provides: Vec::new(),
            random: false,
            resources: Resources {
                threads: 1,
                memory_mib: 256,
                seconds: 2.0,
                ..Resources::default()
            },
        },
        run: task_function!(run),
    }
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
    let parameters: Parameters = context.parameters()?;
    let Parameters {
        variant,
        reference,
        count,
        over,
    } = parameters;
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
        all.extend(rows.into_iter().map(|row| Labelled {
            labels: group.labels.clone(),
            row,
        }));
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
    write_labelled(
        context.output(SimilarityRow::KIND)?,
        &all,
        context.provenance(),
    )?;
    Ok(())
}

/// Mean |cos| between eigenvectors of equal class and rank, of the models of hidden size `reference` (seed
/// i) and those of every size (seed j): one row for each size and rank < `count`, sorted by both.
///
/// The n observations of a row are all pairs of `variant` times all classes. Standard deviation: sample,
/// denominator n - 1; half-width: [`half_width`]. Similarities are between 0 and 1 and have no unit. A size
/// gives the ranks that it and the reference have, and none without a pair.
///
/// # Errors
/// Returns an error if no model has the reference size or the aggregation fails.
pub fn similarity(
    models: &[ModelVectors],
    variant: Variant,
    reference: u32,
    count: usize,
) -> Result<Vec<SimilarityRow>, MetricError> {
    let sizes = sizes(models);
    if !sizes.contains(&reference) {
        let found: Vec<String> = sizes.iter().map(ToString::to_string).collect();
        return Err(MetricError::Unknown(format!(
            "no model has the reference size {reference}; hidden sizes given: {}. Set `reference` to one of them",
            found.join(", ")
        )));
    }
    let mut observations = Observations::<2, 1>::default();
    for size in sizes {
        for pair in pairs(models, variant, reference, size) {
            for class in 0..pair.first.classes() {
                let cosines = (0..count)
                    .map_while(|rank| pair.first.absolute_cosine(pair.second, class, rank));
                for (rank, cosine) in cosines.enumerate() {
                    observations.push([size, rank as u32], [cosine]);
                }
            }
        }
    }
    let groups = aggregate(observations)?.into_iter().map(|group| {
        let [hidden, rank] = group.keys;
        Ok(SimilarityRow {
            variant: variant.name().to_owned(),
            reference_hidden: reference,
            hidden,
            rank,
            observations: group.count,
            similarity_mean: group.means[0],
            similarity_std: group.deviations[0],
            half_width: half_width(group.count, group.deviations[0])?,
        })
    });
    groups.collect()
}
