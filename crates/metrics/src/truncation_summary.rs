//! The task kind `truncation-summary`: truncation curves averaged over seeds.

use eigenscope_artifact::tables::bilinear::{TruncationRow, TruncationSummaryRow};
use eigenscope_artifact::{read_records, write_labelled};
use eigenscope_stage::{
    Context, Resources, Role, TaskError, TaskKind, TaskKindDescription, task_function,
};
use serde::Deserialize;

use crate::error::MetricError;
use crate::statistics::half_width;
use crate::statistics::{Group, over_parameter};
use crate::statistics::{Observations, aggregate};

/// The task kind.
pub fn kind() -> TaskKind {
    TaskKind {
        description: TaskKindDescription {
            name: "truncation-summary".to_owned(),
            summary: "mean truncation curve of each hidden size over seeds, with 90% Student-t half-widths"
                .to_owned(),
            parameters: vec![over_parameter()],
            roles: vec![Role::many(
                "truncations",
                TruncationRow::KIND,
                "truncation curves, of any number of models",
            )],
            outputs: vec![TruncationSummaryRow::KIND.into()],
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    over: String,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters { over } = context.parameters()?;
    let mut curves = Vec::new();
    for input in context.inputs("truncations")? {
        curves.push((input, read_records::<TruncationRow>(&input.path)?));
    }
    let mut rows = Vec::new();
    for group in Group::all(curves, &over, &["hidden"])? {
        group.check(&over, |curve| curve.first().map(|row| row.hidden))?;
        let curves = group.members.iter().map(|(_, curve)| curve.as_slice());
        rows.extend(group.label(truncation_summary(curves)?));
    }
    let path = context.output(TruncationSummaryRow::KIND)?;
    write_labelled(path, &rows, context.provenance())?;
    Ok(())
}

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
            accuracy_half_width_fraction: half_width(group.count, group.deviations[0])?,
            error_mean_fraction: error,
            accuracy_drop_mean_fraction: drop,
            accuracy_drop_half_width_fraction: half_width(group.count, group.deviations[2])?,
        })
    });
    groups.collect()
}
