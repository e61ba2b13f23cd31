//! Accuracy of a model whose classes share one basis, by the number of its vectors.

use eigenscope_artifact::tables::interactions::SharedBasisRow;
use eigenscope_stage::{Context, Role, TaskError, TaskKind, task_function};

use super::output::{figure_kind, write};
use crate::inputs::labels;
use crate::parts::chance::{Chance, accuracy_line, accuracy_range};
use crate::parts::series::{percent, percentage_range};
use eigenscope_figure::{
    Axes, Axis, Dash, Figure, Layer, Legend, Line, Marker, MarkerShape, Panel, Rgb, ticks,
};

/// Colours of the model in the basis, and of the whole model.
const SHARED: Rgb = Rgb::categorical(0);
const WHOLE: Rgb = Rgb::NEUTRAL;
/// Loss of accuracy that the description looks for, as a fraction.
const WITHIN: f64 = 0.01;

pub(super) fn kind() -> TaskKind {
    figure_kind(
        "shared-basis",
        "accuracy and share of the interaction tensor in one basis for all classes, by the number of its vectors",
        task_function!(run),
    )
    .reads(Role::one(
        "accuracy",
        SharedBasisRow::KIND,
        "accuracies to draw",
    ))
}

fn run(context: &Context) -> Result<(), TaskError> {
    let input = context.input("accuracy")?;
    let rows: Vec<SharedBasisRow> = context.read("accuracy")?;
    let title = labels::titled("One basis for all classes", input);
    let chance = Chance::of(&context.about("accuracy")?);
    write(context, draw(&rows, title, chance)?)
}

fn draw(
    rows: &[SharedBasisRow],
    title: String,
    chance: Option<Chance>,
) -> Result<Figure, TaskError> {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
        return Err("the table has no rows".into());
    };
    let full = first.full_accuracy_fraction;
    let ranks: Vec<f64> = rows.iter().map(|row| f64::from(row.rank)).collect();
    let ends = (f64::from(first.rank), f64::from(last.rank));
    let range = match ends.0 < ends.1 {
        true => (ends.0 / 1.1, ends.1 * 1.1),
        false => (ends.0 / 2.0, ends.0 * 2.0),
    };
    let axis = || {
        let marks = ticks::ones_twos_fives(range);
        Axis::log("Vectors of the basis", range).with_major(marks)
    };
    let line = |values: Vec<f64>, name: &str| {
        let marker = Some(Marker::new(MarkerShape::Circle));
        let line = Line::new(ranks.clone(), values, SHARED).named(name);
        Layer::Line(Line { marker, ..line })
    };
    let accuracies: Vec<f64> = rows
        .iter()
        .map(|row| 100.0 * row.accuracy_fraction)
        .collect();
    let whole = Line {
        dash: Dash::Dashed,
        ..Line::new(vec![range.0, range.1], vec![100.0 * full; 2], WHOLE).named("whole model")
    };
    let values = accuracies.iter().copied().chain([100.0 * full]);
    let accuracy_range = accuracy_range(values, chance);
    let mut layers = vec![
        Layer::Line(whole),
        line(accuracies.clone(), "in the shared basis"),
    ];
    layers.extend(accuracy_line(range, accuracy_range, chance).map(Layer::Line));
    let accuracy = Axes::new(
        axis(),
        Axis::linear("Test accuracy (%)", accuracy_range),
        layers,
    );
    let shares: Vec<f64> = rows.iter().map(|row| 100.0 * row.share).collect();
    let share = Axes::new(
        axis(),
        Axis::linear("Norm kept (%)", percentage_range(shares.iter().copied())),
        vec![line(shares.clone(), "in the shared basis")],
    );
    let enough = rows
        .iter()
        .find(|row| full - row.accuracy_fraction <= WITHIN)
        .map(|row| {
            format!(
                " {} vectors are the fewest drawn that lose no more than one percentage point.",
                row.rank
            )
        });
    let panels = vec![
        Panel::axes("Accuracy", accuracy),
        Panel::axes("Share of the interaction tensor", share),
    ];
    let figure = Figure::new(
        title,
        format!(
            "Test accuracy, and norm of the interaction tensor that is kept, when the quadratic forms of all classes are written in one \
             basis of few vectors of the hidden space; the whole model has {}.{}",
            percent(full, 1),
            enough.unwrap_or_default(),
        ),
        820.0,
        2,
        panels,
    );
    Ok(figure.with_legend(Legend::below("")))
}
