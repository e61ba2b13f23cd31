//! Effect of merging classes by weight surgery: accuracies by class and singular values, before and after.

use eigenscope_artifact::read_records;
use eigenscope_artifact::tables::embeddings::ClassAccuracyRow;
use eigenscope_artifact::tables::surgery::{SingularValueRow, SurgeryRow};
use eigenscope_stage::{Agreement, Context, Role, TaskError, TaskKind, task_function};

use super::output::{figure_kind, write};
use crate::inputs::class_accuracy::{ClassAccuracy, label, percentage};
use crate::inputs::labels;
use crate::parts::chance::{Chance, accuracy_line};
use crate::parts::layer_spectra::decades_axis;
use crate::parts::series::{enumerate, whole_ticks};
use eigenscope_figure::{
    Axes, Axis, Figure, Layer, Legend, Line, Marker, MarkerShape, Panel, Points, Rgb, ticks,
};

/// Width of the figure, additional width for each class beyond [`NARROW_CLASSES`], and largest width, px.
const WIDTH: f64 = 860.0;
const NARROW_CLASSES: usize = 30;
const CLASS: f64 = 20.0;
const LARGEST: f64 = 2400.0;
/// Ratio of height to width of the accuracies in a figure of the smallest width.
const ASPECT: f64 = 0.62;
/// Most singular values with markers.
const MARKED: usize = 32;
const LINK: Rgb = Rgb::from_hex(0xbdbdbd);

/// A state of the model.
#[derive(Clone, Copy)]
struct State {
    name: &'static str,
    colour: Rgb,
    marker: MarkerShape,
    /// Radius of the marker, px. The marker before is larger, so that it is visible around the one after.
    radius: f64,
}

const BEFORE: State = State {
    name: "before",
    colour: Rgb::categorical(0),
    marker: MarkerShape::Circle,
    radius: 6.5,
};
const AFTER: State = State {
    name: "after",
    colour: Rgb::categorical(1),
    marker: MarkerShape::Diamond,
    radius: 4.0,
};

pub(super) fn kind() -> TaskKind {
    figure_kind(
        "surgery",
        "accuracy by class and singular values before and after classes are merged",
        task_function!(run),
    )
    .reads(Role::one("surgery", SurgeryRow::KIND, "classes merged"))
    .reads(
        Role::one(
            "values",
            SingularValueRow::KIND,
            "singular values of the weight that is edited",
        )
        .agrees(Agreement::task("values", "surgery")),
    )
    .reads(
        Role::one("before", ClassAccuracyRow::KIND, "accuracies before").agrees(
            Agreement::artifact("before/embeddings/model", "surgery/model"),
        ),
    )
    .reads(
        Role::one("after", ClassAccuracyRow::KIND, "accuracies after")
            .agrees(Agreement::task("after/embeddings/model", "surgery"))
            .agrees(Agreement::artifact(
                "after/embeddings/data",
                "before/embeddings/data",
            ))
            .agrees(Agreement::parameter(
                "after/embeddings",
                "before/embeddings",
                "split",
            )),
    )
}

fn run(context: &Context) -> Result<(), TaskError> {
    let input = context.input("surgery")?;
    let operations: Vec<SurgeryRow> = read_records(&input.path)?;
    let values: Vec<SingularValueRow> = context.read("values")?;
    let before = ClassAccuracy::read(context.input("before")?)?;
    let after = ClassAccuracy::read(context.input("after")?)?;
    if operations.is_empty() {
        return Err("the table has no rows".into());
    }
    check(&before, &after)?;
    let panels = vec![
        accuracy_panel(&before, &after),
        values_panel(context, &values)?,
    ];
    write(
        context,
        draw(&operations, panels, [&before, &after], |title| {
            labels::titled(title, input)
        }),
    )
}

/// Refuses accuracies of different classes.
fn check(before: &ClassAccuracy, after: &ClassAccuracy) -> Result<(), TaskError> {
    if !before.names().eq(after.names()) {
        return Err(format!(
            "the accuracies before are those of the classes {}, the accuracies after those of {}",
            enumerate(before.names()),
            enumerate(after.names())
        )
        .into());
    }
    Ok(())
}

fn draw(
    operations: &[SurgeryRow],
    panels: Vec<Panel>,
    [before, after]: [&ClassAccuracy; 2],
    titled: impl Fn(&str) -> String,
) -> Figure {
    let width = width(before.classes.len());
    let all = percentage(&before.all).zip(percentage(&after.all));
    let all = all.map_or_else(String::new, |(before, after)| {
        format!(
            " Of all images, {} % are right before and {} % after.",
            ticks::decimal(before, 1),
            ticks::decimal(after, 1)
        )
    });
    let merged = operations.iter().map(|row| {
        format!(
            "{} and {} (cosine of their mean embeddings {} before, {} after)",
            row.first_class,
            row.second_class,
            cosine(row.cosine_before),
            cosine(row.cosine_after)
        )
    });
    let merged: Vec<String> = merged.collect();
    let inliers = operations.iter().map(|row| {
        format!(
            "Of {} images of {} and {} of {}, {} and {} are no outliers; the cosine of their mean embeddings was {}.",
            ticks::grouped(u64::from(row.first_images)),
            row.first_class,
            ticks::grouped(u64::from(row.second_images)),
            row.second_class,
            ticks::grouped(u64::from(row.first_inliers)),
            ticks::grouped(u64::from(row.second_inliers)),
            cosine(row.cosine_inliers)
        )
    });
    let inliers: Vec<String> = inliers.collect();
    let figure = Figure::new(
        titled(&format!("Weight surgery merges {}", merged.join(", "))),
        format!(
            "Accuracy on every class and on all images before and after surgery, and the singular values of the weight that is \
             edited, on a logarithmic axis.{all} The cosines in the title are those of the mean embeddings of all \
             images of the two classes, outliers included. {}",
            inliers.join(" ")
        ),
        width,
        2,
        panels,
    );
    Figure {
        columns: vec![2.4, 1.0],
        legend: Some(Legend::below("")),
        ..figure
    }
}

fn width(classes: usize) -> f64 {
    let more = classes.saturating_sub(NARROW_CLASSES);
    (WIDTH + CLASS * more as f64).min(LARGEST)
}

fn cosine(value: f64) -> String {
    if value.is_finite() {
        ticks::decimal(value, 3)
    } else {
        "undefined".to_owned()
    }
}

/// Two dots for each class with a line between, and two for all images.
fn accuracy_panel(before: &ClassAccuracy, after: &ClassAccuracy) -> Panel {
    let rows = |table: &ClassAccuracy| -> Vec<Option<f64>> {
        let rows = table.classes.iter().chain([&table.all]);
        rows.map(percentage).collect()
    };
    let (before_rows, after_rows) = (rows(before), rows(after));
    let links = before_rows.iter().zip(&after_rows).enumerate();
    let classes = before.classes.len() as f64;
    let range = (-3.0, 103.0);
    let chance = Chance::among(before.classes.len());
    let chance = accuracy_line((0.0, classes + 1.0), range, chance);
    let links: Vec<Layer> = links
        .filter_map(|(place, (before, after))| {
            let y = vec![(*before)?, (*after)?];
            let line = Line::new(vec![middle(place); 2], y, LINK);
            Some(Layer::Line(Line { width: 3.0, ..line }))
        })
        .collect();
    let mut layers: Vec<Layer> = chance.map(Layer::Line).into_iter().collect();
    layers.extend(links);
    layers.push(dots(&before_rows, BEFORE));
    layers.push(dots(&after_rows, AFTER));
    let names: Vec<String> = before
        .classes
        .iter()
        .chain([&before.all])
        .map(label)
        .collect();
    let names = names.iter().map(String::as_str);
    let y = Axis::linear("Accuracy (%)", range).with_major(ticks::at(
        &[0.0, 20.0, 40.0, 60.0, 80.0, 100.0],
        ticks::plain,
    ));
    let mut axes = Axes::new(Axis::categories("Class", names), y, layers);
    let width = width(before.classes.len());
    if width > WIDTH {
        // The plot becomes wider, but not higher.
        axes.aspect = Some(ASPECT * WIDTH / width);
    }
    Panel::axes("Accuracy by class", axes)
}

fn middle(place: usize) -> f64 {
    place as f64 + 0.5
}

/// Dots for the classes with images.
fn dots(accuracies: &[Option<f64>], state: State) -> Layer {
    let known = accuracies.iter().enumerate();
    let known = known.filter_map(|(place, accuracy)| Some((middle(place), (*accuracy)?)));
    let (x, y) = known.unzip();
    let marker = Marker {
        radius: state.radius,
        ..Marker::new(state.marker)
    };
    Layer::Points(Points::new(x, y, state.colour, marker).named(state.name))
}

/// A panel with the singular values before and after.
///
/// # Errors
/// An unknown state, and a state without a singular value above zero.
fn values_panel(context: &Context, rows: &[SingularValueRow]) -> Result<Panel, TaskError> {
    let known = |row: &&SingularValueRow| [BEFORE.name, AFTER.name].contains(&row.state.as_str());
    if let Some(row) = rows.iter().find(|row| !known(row)) {
        return Err(format!(
            "singular values {} surgery, expected before and after",
            row.state
        )
        .into());
    }
    let lines = [values_line(rows, BEFORE)?, values_line(rows, AFTER)?];
    let shown: usize = lines.iter().map(|line| line.x.len()).sum();
    if shown < rows.len() {
        context.warn(format!(
            "{} of {} singular values are not on the logarithmic axis: they are not above zero",
            rows.len() - shown,
            rows.len()
        ));
    }
    let last = rows.iter().map(|row| row.rank).max().unwrap_or(1);
    let range = (0.5, f64::from(last) + 0.5);
    let x = Axis::linear("Rank", range).with_major(whole_ticks(range));
    let y = decades_axis(
        "Singular value",
        lines.iter().flat_map(|line| &line.y).copied(),
    );
    let layers = lines.into_iter().map(Layer::Line).collect();
    Ok(Panel::axes(
        "Weight that is edited",
        Axes::new(x, y, layers),
    ))
}

fn values_line(rows: &[SingularValueRow], state: State) -> Result<Line, TaskError> {
    let own = rows.iter().filter(|row| row.state == state.name);
    let mut shown: Vec<&SingularValueRow> = own
        .filter(|row| row.singular_value > 0.0 && row.singular_value.is_finite())
        .collect();
    if shown.is_empty() {
        return Err(format!(
            "there is no singular value above zero {} surgery",
            state.name
        )
        .into());
    }
    shown.sort_by_key(|row| row.rank);
    let x = shown.iter().map(|row| f64::from(row.rank)).collect();
    let y = shown.iter().map(|row| row.singular_value).collect();
    let marker = Marker {
        radius: state.radius,
        ..Marker::new(state.marker)
    };
    Ok(Line {
        width: 1.2,
        marker: (shown.len() <= MARKED).then_some(marker),
        ..Line::new(x, y, state.colour).named(state.name)
    })
}
