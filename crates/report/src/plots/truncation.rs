//! Test error and accuracy drop with only the strongest eigenpairs of every class.

use eigenscope_artifact::{Kind, TruncationSummaryRow, read_records};
use eigenscope_stage::{Context, Role, TaskError, TaskKind, task_function};

use super::output::{figure_kind, write};
use super::series::{Curve, by_size, enumerate, size_colours};
use crate::figure::{Axes, Axis, Figure, Layer, Legend, Panel, ticks};

pub(super) fn kind() -> TaskKind {
    figure_kind(
        "truncation",
        "test error and accuracy drop by number of eigenpairs kept",
        vec![],
        vec![Role::one(
            "truncation",
            Kind::TruncationSummary,
            "truncation curves to draw",
        )],
        task_function!(run),
    )
}

fn run(context: &Context) -> Result<(), TaskError> {
    let rows: Vec<TruncationSummaryRow> = read_records(&context.input("truncation")?.path)?;
    write(context, draw(&rows))
}

/// Lowest error (%) of the axis: 1, and a decade lower when a mean error is (one of 0 is on no log axis).
fn lowest_error(rows: &[TruncationSummaryRow]) -> f64 {
    let below = |row: &TruncationSummaryRow| {
        row.error_mean_fraction > 0.0 && row.error_mean_fraction < 0.01
    };
    if rows.iter().any(below) { 0.1 } else { 1.0 }
}

fn draw(rows: &[TruncationSummaryRow]) -> Figure {
    let lowest = lowest_error(rows);
    let errors = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0];
    let first = errors.partition_point(|error| *error < lowest);
    let error = panel(
        "Test error",
        "test error (%)",
        (lowest, 100.0),
        &errors[first..],
        rows,
        |row| (row.error_mean_fraction, row.accuracy_half_width_fraction),
    );
    let drop = panel(
        "Accuracy drop",
        "accuracy drop (points)",
        (0.1, 100.0),
        &[0.1, 1.0, 10.0, 100.0],
        rows,
        |row| {
            (
                row.accuracy_drop_mean_fraction,
                row.accuracy_drop_half_width_fraction,
            )
        },
    );
    let sizes = by_size(rows, |row| row.hidden);
    let mut figure = Figure::new(
        "Truncation: how many eigenpairs a class needs",
        format!(
            "Test error and accuracy drop when only the eigenpairs of largest absolute eigenvalue of every class \
             are kept, for hidden sizes {}; mean over models with 90% Student-t intervals. The drop is the accuracy \
             of the full model minus that of the truncated one. Errors below {lowest} % and drops below 0.1 points lie \
             below the axes.",
            enumerate(sizes.keys().copied()),
        ),
        860.0,
        2,
        vec![error, drop],
    );
    figure.legend = Some(Legend::right("hidden size"));
    figure
}

fn panel(
    title: &str,
    label: &str,
    range: (f64, f64),
    major: &[f64],
    rows: &[TruncationSummaryRow],
    pick: impl Fn(&TruncationSummaryRow) -> (f64, Option<f64>),
) -> Panel {
    let groups = by_size(rows, |row| row.hidden);
    let colours = size_colours(groups.keys().copied());
    let kept = rows.iter().map(|row| row.kept).max().unwrap_or(1).max(1);
    let layers: Vec<Layer> = groups
        .iter()
        .flat_map(|(size, rows)| {
            let values = rows.iter().map(|row| pick(row));
            Curve {
                name: size.to_string(),
                colour: colours[size],
                x: rows.iter().map(|row| f64::from(row.kept)).collect(),
                y: values
                    .clone()
                    .map(|(mean, _)| if mean > 0.0 { 100.0 * mean } else { f64::NAN })
                    .collect(),
                half_width: values
                    .map(|(_, half)| half.map(|half| 100.0 * half))
                    .collect(),
            }
            .layers()
        })
        .collect();
    let x = Axis::linear("eigenpairs kept per class", (0.0, f64::from(kept)));
    let y = Axis::log(label, range)
        .with_major(ticks::at(major, ticks::plain))
        .with_minor(ticks::log_minor(range));
    Panel::axes(title, Axes::new(x, y, layers))
}
