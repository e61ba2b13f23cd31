//! Test error and accuracy drop with only the eigenpairs of largest absolute eigenvalue of every class.

use std::collections::BTreeSet;

use eigenscope_artifact::tables::bilinear::TruncationSummaryRow;
use eigenscope_artifact::{Labelled, read_labelled};
use eigenscope_stage::{Context, Role, TaskError, TaskKind, task_function};

use super::output::{figure_kind, write};
use crate::inputs::groups::{Series, series};
use crate::inputs::labels;
use crate::parts::chance::{Chance, error_line};
use crate::parts::floor::Floored;
use crate::parts::series::{Curve, enumerate, interval_entry, whole_ticks};
use eigenscope_figure::{Axes, Axis, Content, Figure, Layer, Legend, Panel, ticks};

/// Largest change of a mean error that is not visible, in percentage points.
const UNSEEN_POINTS: f64 = 0.1;

pub(super) fn kind() -> TaskKind {
    figure_kind(
        "truncation",
        "test error and accuracy drop by number of eigenpairs kept",
        task_function!(run),
    )
    .reads(Role::one(
        "truncation",
        TruncationSummaryRow::KIND,
        "truncation curves to draw",
    ))
}

fn run(context: &Context) -> Result<(), TaskError> {
    let input = context.input("truncation")?;
    let rows = read_labelled(&input.path)?;
    if rows.is_empty() {
        return Err("the table has no rows".into());
    }
    let title = labels::titled("Truncation: how many eigenpairs a class needs", input);
    let chance = Chance::of(&context.about("truncation")?);
    write(context, draw(&rows, title, chance))
}

/// Lowest error of the axis, in %: 0.1 if a mean error is above zero and below 1 %, otherwise 1.
fn lowest_error(rows: &[Labelled<TruncationSummaryRow>]) -> f64 {
    let below = |row: &TruncationSummaryRow| {
        row.error_mean_fraction > 0.0 && row.error_mean_fraction < 0.01
    };
    if rows.iter().any(|row| below(&row.row)) {
        0.1
    } else {
        1.0
    }
}

/// The number of eigenpairs from which on a curve loses no more than one point: "4 (8)".
fn within_one_point(curve: &Series<'_, TruncationSummaryRow>) -> Option<String> {
    let within = |row: &&&TruncationSummaryRow| row.accuracy_drop_mean_fraction <= 0.01;
    let row = curve.rows.iter().rev().take_while(within).last()?;
    Some(format!("{} (hidden size {})", row.kept, curve.name))
}

/// Number of eigenpairs from which on no curve changes visibly, plus one.
fn last_change(curves: &[Series<'_, TruncationSummaryRow>]) -> u32 {
    let last = |curve: &Series<'_, TruncationSummaryRow>| {
        let end = curve.rows.last()?;
        let differs = |row: &&&TruncationSummaryRow| {
            let difference = row.error_mean_fraction - end.error_mean_fraction;
            100.0 * difference.abs() > UNSEEN_POINTS
        };
        let row = curve.rows.iter().rfind(differs)?;
        Some((row.kept + 2).min(end.kept))
    };
    curves.iter().filter_map(last).max().unwrap_or(1).max(1)
}

fn draw(rows: &[Labelled<TruncationSummaryRow>], title: String, chance: Option<Chance>) -> Figure {
    let (legend, curves) = series(rows, |row| row.hidden);
    let last = last_change(&curves);
    let lowest = lowest_error(rows);
    let errors = [0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0];
    let first = errors.partition_point(|error| *error < lowest);
    let (mut error, no_error) = panel(
        "Test error",
        "Test error (%)",
        (lowest, 100.0),
        &errors[first..],
        (&curves, last),
        |row| (row.error_mean_fraction, row.accuracy_half_width_fraction),
    );
    let guessed = error_line((0.0, f64::from(last)), chance);
    if let (Content::Axes(axes), Some(guessed)) = (&mut error.content, guessed) {
        axes.layers.push(Layer::Line(guessed));
    }
    let (drop, no_drop) = panel(
        "Accuracy drop",
        "Accuracy drop (points)",
        (0.1, 100.0),
        &[0.1, 1.0, 10.0, 100.0],
        (&curves, last),
        |row| {
            (
                row.accuracy_drop_mean_fraction,
                row.accuracy_drop_half_width_fraction,
            )
        },
    );
    let all = || rows.iter().map(|row| &row.row);
    let models = match all().map(|row| row.models).max() {
        Some(1) | None => "one model a curve".to_owned(),
        Some(models) => format!("means over up to {models} models with 90 % Student-t intervals"),
    };
    let on_floor = match (no_error, no_drop) {
        (false, false) => "",
        (true, false) => " Errors too small for the axis stand on its lowest line.",
        (false, true) => {
            " Drops below 0.1 points, negative ones among them, stand on the lowest line."
        }
        (true, true) => {
            " Errors too small for the axis stand on its lowest line, and so do drops below 0.1 points, negative ones \
             among them."
        }
    };
    let kept = all().map(|row| row.kept).max().unwrap_or(0);
    let cut = match kept > last {
        true => format!(
            " Up to {kept} eigenpairs, no curve changes any more by {UNSEEN_POINTS} points."
        ),
        false => String::new(),
    };
    let enough: Vec<String> = curves.iter().filter_map(within_one_point).collect();
    let enough = match enough.is_empty() {
        true => String::new(),
        false => format!(
            " The accuracy stays within one point of the full model from {} eigenpairs on.",
            enumerate(enough.iter())
        ),
    };
    let sizes: BTreeSet<u32> = curves.iter().map(|curve| curve.size).collect();
    let plural = if sizes.len() == 1 { "" } else { "s" };
    let figure = Figure::new(
        title,
        format!(
            "Test error and accuracy drop when only the eigenpairs of largest absolute eigenvalue of every class \
             are kept, for hidden size{plural} {}; {models}. The drop is the accuracy of the full model minus that of the truncated \
             one.{enough}{on_floor}{cut}",
            enumerate(sizes.iter()),
        ),
        860.0,
        2,
        vec![error, drop],
    );
    figure.with_legend(Legend::right(legend).ordered())
}

/// A panel, and whether some of its values are at the floor.
fn panel(
    title: &str,
    label: &str,
    range: (f64, f64),
    major: &[f64],
    (curves, last): (&[Series<'_, TruncationSummaryRow>], u32),
    pick: impl Fn(&TruncationSummaryRow) -> (f64, Option<f64>),
) -> (Panel, bool) {
    let shown = |curve: &Series<'_, TruncationSummaryRow>| -> Vec<(f64, f64, Option<f64>)> {
        let rows = curve.rows.iter().filter(|row| row.kept <= last);
        let rows = rows.map(|row| {
            let (mean, half) = pick(row);
            let half = half.map(|half| 100.0 * half);
            (f64::from(row.kept), 100.0 * mean, half)
        });
        rows.collect()
    };
    let means = curves.iter().flat_map(&shown).map(|(_, mean, _)| mean);
    let floored = Floored::new(range, means);
    let mut layers: Vec<Layer> = curves
        .iter()
        .flat_map(|curve| {
            let rows = shown(curve);
            Curve {
                name: match curve.rows.iter().map(|row| row.models).max() {
                    Some(models @ 2..) => format!("{} (n = {models})", curve.name),
                    _ => curve.name.clone(),
                },
                colour: curve.colour,
                x: rows.iter().map(|(kept, ..)| *kept).collect(),
                y: rows.iter().map(|(_, mean, _)| *mean).collect(),
                half_width: rows.iter().map(|(.., half)| *half).collect(),
            }
            .layers_on(&floored)
        })
        .collect();
    layers.extend(interval_entry(&layers, "90 % interval"));
    let kept = (0.0, f64::from(last));
    let x = Axis::linear("Eigenpairs kept per class", kept).with_major(whole_ticks(kept));
    let y = floored.axis(
        label,
        ticks::at(major, ticks::plain),
        ticks::log_minor(range),
    );
    (
        Panel::axes(title, Axes::new(x, y, layers)),
        floored.word().is_some(),
    )
}
