//! Confusion matrices. Only errors are coloured, since the counts on the diagonal are much larger.

use eigenscope_artifact::read_records;
use eigenscope_artifact::tables::embeddings::{ClassAccuracyRow, ConfusionRow};
use eigenscope_stage::{
    Agreement, Context, Parameter, ParameterType, Role, TaskError, TaskKind, task_function,
};
use serde::Deserialize;

use super::output::{figure_kind, write};
use crate::inputs::class_accuracy::{ClassAccuracy, label, percentage};
use crate::inputs::labels;
use eigenscope_figure::markup;
use eigenscope_figure::text::Font;
use eigenscope_figure::{
    Axes, Axis, ColourBar, ColourMap, ColourScale, Figure, Image, Layer, Matrix, Panel, TICK_LABEL,
    Tick, ticks,
};

/// Most classes with counts in the cells.
const WITH_COUNTS: usize = 30;
/// Side of the matrix of more classes, px.
const LARGEST: f64 = 1400.0;
/// Smallest side of the matrix, px, which has room for the label of the colour bar.
const SMALLEST: f64 = 220.0;
/// Smallest distance of ticks of the colour bar, relative to its length.
const TICK_GAP: f64 = 0.06;

pub(super) fn kind() -> TaskKind {
    figure_kind(
        "confusion",
        "number of images by class and predicted class",
        task_function!(run),
    )
    .parameters::<Parameters>([
        Parameter::optional(
            "scale",
            ParameterType::Integer {
                minimum: 0,
                maximum: i64::from(u32::MAX),
            },
            0,
            "number of errors, or their per cent, with the darkest colour, so that figures can have one scale; of a figure with more, \
             the largest",
        ),
        Parameter::optional(
            "cells",
            ParameterType::choice(&["images", "percent"]),
            "images",
            "what is counted: images, or per cent of the images of the true class, which add up to 100 in a row",
        ),
    ])
    .reads(Role::one(
        "confusion",
        ConfusionRow::KIND,
        "numbers of images to draw",
    ))
    .reads(
        Role::one(
            "accuracy",
            ClassAccuracyRow::KIND,
            "accuracies of the same predictions, for the names of the classes",
        )
        .agrees(Agreement::task("accuracy", "confusion")),
    )
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    scale: u32,
    cells: Cells,
}

/// What the cells of the matrix hold.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Cells {
    Images,
    Percent,
}

impl Cells {
    /// The values of the cells, of numbers of images.
    fn of(self, counts: &[u32], classes: usize) -> Vec<f64> {
        let counts = || counts.iter().copied().map(f64::from);
        match self {
            Self::Images => counts().collect(),
            Self::Percent => {
                let rows: Vec<f64> = counts().collect();
                let rows = rows.chunks_exact(classes.max(1));
                let shares = rows.flat_map(|row| {
                    let all: f64 = row.iter().sum();
                    // A class without images has no errors.
                    row.iter().map(move |count| 100.0 * count / all.max(1.0))
                });
                shares.collect()
            }
        }
    }

    /// A value that is not zero.
    fn written(self, value: f64) -> String {
        match self {
            Self::Images => ticks::grouped(value as u64),
            Self::Percent => ticks::plain((10.0 * value).round() / 10.0),
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Images => "Errors (square-root scale)",
            Self::Percent => "Errors (% of the row, square-root scale)",
        }
    }

    fn in_words(self) -> &'static str {
        match self {
            Self::Images => "Numbers of images",
            Self::Percent => "Per cent of the images of the true class",
        }
    }
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters { scale, cells } = context.parameters()?;
    let input = context.input("confusion")?;
    let rows: Vec<ConfusionRow> = read_records(&input.path)?;
    let accuracy = ClassAccuracy::read(context.input("accuracy")?)?;
    let classes = accuracy.classes.len();
    let counts = counts(&rows, classes)?;
    check_diagonal(&counts, &accuracy)?;
    write(
        context,
        draw(&counts, &accuracy, (scale, cells), |title| {
            labels::titled(title, input)
        })?,
    )
}

/// Numbers of images, `[classes, predicted classes]`.
///
/// # Errors
/// A table that does not have each pair of classes once.
fn counts(rows: &[ConfusionRow], classes: usize) -> Result<Vec<u32>, TaskError> {
    let mut counts = vec![None; classes * classes];
    for row in rows {
        let (label, predicted) = (row.label as usize, row.predicted as usize);
        let inside = label < classes && predicted < classes;
        let cell = inside.then(|| &mut counts[label * classes + predicted]);
        match cell {
            Some(cell @ None) => *cell = Some(row.images),
            _ => return Err(format!(
                "the confusion matrix has class {label} predicted as {predicted}; expected is each pair of the \
                 {classes} classes once"
            )
            .into()),
        }
    }
    let all: Option<Vec<u32>> = counts.into_iter().collect();
    all.ok_or_else(|| {
        let found = rows.len();
        format!("the confusion matrix has {found} entries for {classes} x {classes} classes").into()
    })
}

/// Refuses accuracies of other predictions.
fn check_diagonal(counts: &[u32], accuracy: &ClassAccuracy) -> Result<(), TaskError> {
    let diagonal = counts.iter().step_by(accuracy.classes.len() + 1);
    let mut rows = accuracy.classes.iter().zip(diagonal);
    match rows.find(|(row, correct)| row.correct != **correct) {
        None => Ok(()),
        Some((row, correct)) => Err(format!(
            "the confusion matrix has {correct} correct images of class {}, the accuracies have {}",
            row.class, row.correct
        )
        .into()),
    }
}

fn draw(
    counts: &[u32],
    accuracy: &ClassAccuracy,
    (scale, cells): (u32, Cells),
    titled: impl Fn(&str) -> String,
) -> Result<Figure, TaskError> {
    let classes = accuracy.classes.len();
    let values = cells.of(counts, classes);
    let most = most_errors(&values, classes).max(f64::from(scale));
    let colours = ColourScale::new(ColourMap::Oranges, (0.0, most.max(1.0).sqrt()));
    let texts = texts(&values, classes, cells);
    let side = side(&texts, classes);
    let image = image(&values, texts, classes, colours.clone())?;
    let x = Axis::categories("Predicted class", accuracy.names());
    let labels = accuracy.classes.iter().map(label);
    let labels: Vec<String> = labels.map(|label| markup::of_name(&label)).collect();
    let labels = || labels.iter().map(String::as_str);
    let y = Axis::categories("True class", labels()).reversed();
    let axes = Axes::new(x, y, vec![Layer::Image(image)]).with_aspect(1.0);
    let mut bar = ColourBar::new(cells.label(), colours);
    bar.ticks = root_ticks(most);
    let beside = 150.0 + Font::bundled()?.widest(labels(), TICK_LABEL)?.min(150.0);
    let description = format!(
        "{}: a row for each class, a column for each predicted class. Errors are coloured by the square root of their number, correct \
         predictions on the diagonal are grey, and cells off the diagonal without a number have no image.{}",
        cells.in_words(),
        most_frequent(counts, accuracy)
    );
    Ok(Figure::new(
        titled(&title(accuracy)),
        description,
        beside + classes as f64 * side,
        1,
        vec![Panel::axes("", axes).with_colour_bar(bar)],
    ))
}

/// A sentence about the most frequent error, after a space; empty without errors.
fn most_frequent(counts: &[u32], accuracy: &ClassAccuracy) -> String {
    let classes = accuracy.classes.len();
    let errors = counts.iter().enumerate();
    let errors = errors.filter(|(index, count)| is_error(*index, classes) && **count > 0);
    // The first of equal ones.
    let most = errors.rev().max_by_key(|(_, count)| **count);
    most.map_or_else(String::new, |(index, count)| {
        let class = |position: usize| accuracy.classes[position].class.as_str();
        format!(
            " Most often, {} is taken for {}: {} of {} images.",
            class(index / classes),
            class(index % classes),
            ticks::grouped(u64::from(*count)),
            ticks::grouped(u64::from(accuracy.classes[index / classes].images)),
        )
    })
}

/// Returns true if a cell is off the diagonal.
fn is_error(index: usize, classes: usize) -> bool {
    !index.is_multiple_of(classes + 1)
}

fn most_errors(values: &[f64], classes: usize) -> f64 {
    let cells = values.iter().enumerate();
    let errors = cells.filter(|(index, _)| is_error(*index, classes));
    errors.map(|(_, value)| *value).fold(0.0, f64::max)
}

/// Square roots of the errors, without values on the diagonal. Texts are written if they have room.
fn image(
    values: &[f64],
    texts: Vec<String>,
    classes: usize,
    colours: ColourScale,
) -> Result<Image, TaskError> {
    let value = |(index, value): (usize, &f64)| match is_error(index, classes) {
        true => value.sqrt(),
        false => f64::NAN,
    };
    let values = values.iter().enumerate().map(value).collect();
    let image = Image::new(Matrix::new(classes, classes, values)?, colours);
    Ok(Image {
        cell_texts: (classes <= WITH_COUNTS).then_some(texts),
        ..image
    })
}

/// Texts of the cells: the values, or nothing for an error that does not occur.
fn texts(values: &[f64], classes: usize, cells: Cells) -> Vec<String> {
    let written = |(index, value): (usize, &f64)| match is_error(index, classes) && *value == 0.0 {
        true => String::new(),
        false => cells.written(*value),
    };
    values.iter().enumerate().map(written).collect()
}

/// Side of a cell with room for the widest text, px.
fn side(texts: &[String], classes: usize) -> f64 {
    let widest = texts.iter().map(String::len).max();
    let written = 6.0 * widest.unwrap_or(0) as f64 + 4.0;
    match classes {
        0..=12 => (SMALLEST / classes as f64).max(38.0).max(written),
        13..=WITH_COUNTS => written.max(28.0),
        _ => (LARGEST / classes as f64).min(14.0),
    }
}

fn title(accuracy: &ClassAccuracy) -> String {
    let grouped = |count: u32| ticks::grouped(u64::from(count));
    let all = &accuracy.all;
    let percentage = percentage(all).map(|value| format!(" ({} %)", ticks::decimal(value, 1)));
    format!(
        "Confusion: {} of {} images correct{}",
        grouped(all.correct),
        grouped(all.images),
        percentage.unwrap_or_default()
    )
}

/// Ticks at the square roots of round counts up to `most`. If there is no room for all, larger counts take precedence.
fn root_ticks(most: f64) -> Vec<Tick> {
    let high = most.max(1.0).sqrt();
    let counts = ticks::ones_twos_fives((1.0, high * high + 0.5));
    let rounds = counts.into_iter().rev().map(|tick| tick.at);
    let mut kept: Vec<Tick> = Vec::new();
    for count in rounds.chain([0.0]) {
        let at = count.sqrt();
        let clear = |tick: &Tick| tick.at - at >= TICK_GAP * high;
        if kept.last().is_none_or(clear) {
            kept.push(Tick::new(at, ticks::plain(count)));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn per_cents_are_those_of_the_rows() {
        let cells = Cells::Percent;
        let values = cells.of(&[3, 1, 0, 0], 2);
        assert_eq!(values, [75.0, 25.0, 0.0, 0.0]);
        assert_eq!(texts(&values, 2, cells), ["75", "25", "", "0"]);
        assert_eq!(cells.written(100.0 / 3.0), "33.3");
        assert_eq!(most_errors(&values, 2), 25.0);
    }

    #[test]
    fn ticks_of_roots_keep_apart_and_inside() {
        let texts = |most: u32| -> Vec<String> {
            let ticks = root_ticks(f64::from(most)).into_iter();
            ticks.map(|tick| tick.text).collect()
        };
        assert_eq!(texts(0), ["1", "0"]);
        assert_eq!(texts(1), ["1", "0"]);
        assert_eq!(texts(23), ["20", "10", "5", "2", "1", "0"]);
        assert_eq!(texts(1000)[..4], ["1000", "500", "200", "100"]);
        for most in [1, 7, 100, 12_345, u32::MAX] {
            let high = f64::from(most).sqrt();
            let ticks = root_ticks(f64::from(most));
            assert!(ticks.iter().all(|tick| tick.at <= high));
        }
    }
}
