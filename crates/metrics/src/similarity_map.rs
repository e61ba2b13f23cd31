//! The task kind `similarity-map`: similarity of the first eigenvectors of every size with those of every
//! size.

use eigenscope_artifact::tables::bilinear::SimilarityMapRow;
use eigenscope_artifact::{EIGENPAIRS, Labelled, write_labelled};
use eigenscope_stage::{
    Agreement, CLASSES, Context, Parameter, Resources, Role, TRANSFORMS, TaskError, TaskKind,
    TaskKindDescription, task_function,
};
use serde::Deserialize;

use crate::bilinear::{ModelVectors, Variant, pairs, read_models, sizes};
use crate::error::MetricError;
use crate::statistics::over_parameter;
use crate::statistics::{Observations, aggregate};

/// The task kind.
pub fn kind() -> TaskKind {
    TaskKind {
        description: TaskKindDescription {
            name: "similarity-map".to_owned(),
            summary: "absolute cosine of the first eigenvectors, for every two hidden sizes"
                .to_owned(),
            parameters: vec![
                Parameter::optional(
                    "variant",
                    Variant::parameter_type(),
                    "corrected",
                    "`corrected`: largest |eigenvalue|, distinct models; `published`: most negative, seeds \
                     i <= j, a model with itself included",
                ),
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
            outputs: vec![SimilarityMapRow::KIND.into()],
            provides: Vec::new(),
            random: false,
            resources: Resources {
                threads: 1,
                memory_mib: 128,
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
    over: String,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters { variant, over } = context.parameters()?;
    let mut rows = Vec::new();
    for group in read_models(context.inputs("eigenpairs")?, &over, variant, 1)? {
        let map = similarity_map(&group.models, variant)?;
        rows.extend(map.into_iter().map(|row| Labelled {
            labels: group.labels.clone(),
            row,
        }));
    }
    write_labelled(
        context.output(SimilarityMapRow::KIND)?,
        &rows,
        context.provenance(),
    )?;
    Ok(())
}

/// Mean |cos| of the rank-0 eigenvectors of equal class, for every ordered pair of hidden sizes, sorted by
/// row and column.
///
/// The observations are all pairs of `variant` (seed i of the row's size, seed j of the column's) times all
/// classes. The mean is missing where no pair exists: one seed compared with itself, corrected. The
/// published map is not symmetric, since i <= j depends on which size is called i.
///
/// # Errors
/// Returns an error if the aggregation fails.
pub fn similarity_map(
    models: &[ModelVectors],
    variant: Variant,
) -> Result<Vec<SimilarityMapRow>, MetricError> {
    let sizes = sizes(models);
    let mut observations = Observations::<2, 1>::default();
    for &row in &sizes {
        for &column in &sizes {
            for pair in pairs(models, variant, row, column) {
                let cosines = (0..pair.first.classes())
                    .filter_map(|class| pair.first.absolute_cosine(pair.second, class, 0));
                for cosine in cosines {
                    observations.push([row, column], [cosine]);
                }
            }
        }
    }
    let groups = aggregate(observations)?;
    let mut rows = Vec::with_capacity(sizes.len() * sizes.len());
    for &row in &sizes {
        for &column in &sizes {
            let group = groups.iter().find(|group| group.keys == [row, column]);
            rows.push(SimilarityMapRow {
                variant: variant.name().to_owned(),
                row_hidden: row,
                column_hidden: column,
                observations: group.map_or(0, |group| group.count),
                similarity_mean: group.map(|group| group.means[0]),
            });
        }
    }
    Ok(rows)
}
