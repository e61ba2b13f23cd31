//! The task kind `truncation-summary`: truncation curves averaged over the models of each hidden size.

use eigenscope_artifact::{Kind, TruncationRow, TruncationSummaryRow, read_records, write_records};
use eigenscope_stage::{
    Context, KindDescription, Resources, Role, TaskError, TaskKind, task_function,
};

use crate::aggregate::{Observations, aggregate};
use crate::error::MetricError;
use crate::student::half_width;

/// The task kind.
pub fn kind() -> TaskKind {
    TaskKind {
        description: KindDescription {
            name: "truncation-summary".to_owned(),
            summary: "mean truncation curve of each hidden size, with 90% Student-t half-widths"
                .to_owned(),
            parameters: Vec::new(),
            roles: vec![Role::many(
                "truncations",
                Kind::Truncation,
                "truncation curves, of any number of models",
            )],
            outputs: vec![Kind::TruncationSummary],
            provides: Vec::new(),
            random: false,
            resources: Resources {
                threads: 1,
                memory_mib: 128,
                seconds: 0.5,
                ..Resources::default()
            },
        },
        run: task_function!(run),
    }
}

fn run(context: &Context) -> Result<(), TaskError> {
    let mut curves = Vec::new();
    for input in context.inputs("truncations")? {
        curves.push(read_records(&input.path)?);
    }
    write_records(
        context.output(Kind::TruncationSummary)?,
        &truncation_summary(&curves)?,
        context.provenance(),
    )?;
    Ok(())
}

/// Averages curves, one a model, over the models of equal hidden size: one row for each hidden size and number of kept eigenpairs that occurs, sorted by both.
///
/// Means are over the n models that have a row there (`models`); half-widths are
/// [`half_width`]`(n, s)`, missing for n = 1. The mean error is that of 1 - accuracy, whose half-width is
/// the accuracy's. All are fractions of 1.
///
/// # Errors
/// The aggregation fails.
pub fn truncation_summary(
    curves: &[Vec<TruncationRow>],
) -> Result<Vec<TruncationSummaryRow>, MetricError> {
    let mut observations = Observations::<2, 3>::default();
    for row in curves.iter().flatten() {
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
            accuracy_half_width_fraction: half_width(group.count, group.deviations[0])?,
            error_mean_fraction: error,
            accuracy_drop_mean_fraction: drop,
            accuracy_drop_half_width_fraction: half_width(group.count, group.deviations[2])?,
        })
    });
    groups.collect()
}
