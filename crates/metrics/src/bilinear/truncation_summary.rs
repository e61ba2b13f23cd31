//! Truncation curves averaged over models.

use eigenscope_artifact::student::half_width;
use eigenscope_artifact::tables::bilinear::{TruncationRow, TruncationSummaryRow};

use crate::error::MetricError;
use crate::statistics::{Observations, aggregate};

/// Averages curves, one a model, over the models of equal hidden size: one row for each hidden size and number of kept eigenpairs that occurs, sorted by both.
///
/// Means are over the n models that have a row there (`models`); half-widths are
/// [`half_width`]`(n, s)`, missing for n = 1. The mean error is that of 1 - accuracy, whose half-width is
/// the accuracy's. All are fractions of 1.
///
/// # Errors
/// Returns an error if the aggregation fails.
pub fn truncation_summary<'a>(
    curves: impl IntoIterator<Item = &'a [TruncationRow]>,
) -> Result<Vec<TruncationSummaryRow>, MetricError> {
    let mut observations = Observations::<2, 3>::default();
    for row in curves.into_iter().flatten() {
        observations.push(
            [row.hidden, row.kept],
            [
                row.accuracy_fraction,
                row.error_fraction,
                row.accuracy_drop_fraction,
            ],
        );
    }
    let groups = aggregate(observations)?.into_iter().map(|group| {
        let ([hidden, kept], [accuracy, error, drop]) = (group.keys, group.means);
        Ok(TruncationSummaryRow {
            hidden,
            kept,
            models: group.count,
            accuracy_mean_fraction: accuracy,
            accuracy_half_width_fraction: half_width(group.count, group.deviations[0]),
            error_mean_fraction: error,
            accuracy_drop_mean_fraction: drop,
            accuracy_drop_half_width_fraction: half_width(group.count, group.deviations[2]),
        })
    });
    groups.collect()
}
