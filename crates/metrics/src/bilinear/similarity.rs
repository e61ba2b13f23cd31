//! How alike the eigenvectors of differently seeded and sized models are.

use eigenscope_artifact::student::half_width;
use eigenscope_artifact::tables::bilinear::{SimilarityMapRow, SimilarityRow};

use super::seed_pairs::{ModelVectors, Variant, pairs, sizes};
use crate::error::MetricError;
use crate::statistics::{Observations, aggregate};

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
            half_width: half_width(group.count, group.deviations[0]),
        })
    });
    groups.collect()
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
