//! Adversarial masks beside the eigenvectors that they were made from, and what they do to a model.

use eigenscope_artifact::tables::masks::{MaskRow, MaskSummaryRow};
use eigenscope_artifact::{ImageRow, ImageTable};
use eigenscope_stage::{
    Agreement, Amount, Context, Demand, Parameter, ParameterType, Relation, Role, TaskError,
    TaskKind, quantities, task_function,
};
use serde::Deserialize;

use super::output::{figure_kind, write};
use crate::inputs::labels;
use crate::parts::chance::{Chance, accuracy_line, accuracy_range};
use crate::parts::channels;
use crate::parts::relative;
use crate::parts::series::{Curve, interval_entry, percent};
use eigenscope_figure::{
    Axes, Axis, Dash, Figure, GridRow, ImageGrid, Layer, Legend, Line, Panel, Rgb, ticks,
};

/// Curves in the order of the legend: their names in the table and in the legend, and their colours.
const CURVES: [(&str, &str, Rgb); 2] = [
    ("adversarial", "adversarial mask", Rgb::RED),
    ("random", "mask with shuffled pixels", Rgb::categorical(0)),
];
/// The line of the images without a mask.
const PLAIN: (&str, &str, Rgb) = ("none", "no mask", Rgb::NEUTRAL);
/// Largest width of a picture, px.
const PICTURE: f64 = 52.0;

pub(super) fn kind() -> TaskKind {
    let number = |minimum, maximum| ParameterType::Integer { minimum, maximum };
    figure_kind(
        "masks",
        "adversarial masks of every class beside their eigenvectors, and accuracy and misclassified images by strength",
        task_function!(run),
    )
    .parameters::<Parameters>([Parameter::optional(
        "rank",
        number(1, 1000),
        1,
        "rank of the masks drawn, 1 = largest eigenvalue",
    )])
    .reads(
        Role::one("masks", MaskRow::KIND, "masks to draw").demands(Demand::new(
            Amount::parameter("rank"),
            Relation::AtMost,
            quantities::MASKS,
            "`kept` of the table that computes them says how many",
        )),
    )
    .reads(
        Role::one("summary", MaskSummaryRow::KIND, "what they do to images")
            .agrees(Agreement::artifact("summary/masks", "masks")),
    )
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    rank: u32,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters { rank } = context.parameters()?;
    let input = context.input("masks")?;
    let masks = ImageTable::<MaskRow>::read(&input.path)?;
    let summary: Vec<MaskSummaryRow> = context.read("summary")?;
    let title = labels::titled("Adversarial masks from the weights", input);
    write(context, draw(&masks, &summary, rank, title)?)
}

fn draw(
    masks: &ImageTable<MaskRow>,
    summary: &[MaskSummaryRow],
    rank: u32,
    title: String,
) -> Result<Figure, TaskError> {
    let shown: Vec<&ImageRow<MaskRow>> = masks
        .rows
        .iter()
        .filter(|row| row.row.rank == rank)
        .collect();
    if shown.is_empty() {
        let ranks = masks.rows.iter().map(|row| row.row.rank).max().unwrap_or(0);
        return Err(format!("there is no mask of rank {rank}, only of ranks 1 to {ranks}").into());
    }
    let panels = vec![
        pictures(masks, &shown)?,
        plot(
            summary,
            "Accuracy",
            "Accuracy (%)",
            Chance::among(masks.header.classes.len()),
            |row| (row.accuracy_mean_fraction, row.accuracy_half_width_fraction),
        )?,
        plot(
            summary,
            "Misclassified as the class of the mask",
            "Images (%)",
            None,
            |row| {
                (
                    row.misclassified_mean_fraction,
                    row.misclassified_half_width_fraction,
                )
            },
        )?,
    ];
    let count = summary.iter().map(|row| row.masks).max().unwrap_or(0);
    let across = channels::across(masks.header.shape) as f64;
    Ok(Figure {
        columns: vec![0.8 * across, 1.0, 1.0],
        legend: Some(Legend::below("Added to every image")),
        ..Figure::new(
            title,
            format!(
                "For every class an eigenvector, the mask that its encoder makes and the mask with its pixels in a random \
                 order, each scaled to its own largest value. Accuracy and images wrongly predicted to be of the mask's class \
                 against the standard deviation of the mask. Means over {count} masks with 1.96 standard errors.{}",
                in_numbers(summary)
            ),
            980.0 + 180.0 * (across - 1.0),
            3,
            panels,
        )
    })
}

/// A sentence about the strongest masks.
fn in_numbers(summary: &[MaskSummaryRow]) -> String {
    let strongest = |kind: &str| {
        let rows = summary.iter().filter(|row| row.mask == kind);
        rows.max_by(|a, b| a.strength.total_cmp(&b.strength))
    };
    let (Some(plain), Some(masked), Some(random)) = (
        strongest(PLAIN.0),
        strongest(CURVES[0].0),
        strongest(CURVES[1].0),
    ) else {
        return String::new();
    };
    format!(
        " At strength {} the accuracy falls from {} to {}, with a shuffled mask to {}.",
        ticks::plain(masked.strength),
        percent(plain.accuracy_mean_fraction, 1),
        percent(masked.accuracy_mean_fraction, 1),
        percent(random.accuracy_mean_fraction, 1),
    )
}

fn pictures(masks: &ImageTable<MaskRow>, shown: &[&ImageRow<MaskRow>]) -> Result<Panel, TaskError> {
    let shape = masks.header.shape;
    let rows = shown.iter().map(|row| {
        let cells = row
            .images
            .iter()
            .map(|image| relative::cell(shape, image, ""));
        let class = row.row.class as usize;
        Ok(GridRow {
            label: masks.header.classes.get(class).cloned().unwrap_or_default(),
            cells: cells.collect::<Result<_, TaskError>>()?,
        })
    });
    let rows = rows.collect::<Result<Vec<_>, TaskError>>()?;
    let mut grid = ImageGrid::new(rows, relative::colours());
    grid.column_labels = ["eigenvector", "mask", "shuffled"]
        .map(str::to_owned)
        .to_vec();
    grid.row_title = "Class".to_owned();
    grid.largest_cell = PICTURE;
    let rank = shown[0].row.rank;
    let title = format!("Masks of rank {rank}");
    Ok(relative::panel(&title, grid, shape))
}

fn plot(
    summary: &[MaskSummaryRow],
    title: &str,
    label: &str,
    chance: Option<Chance>,
    pick: impl Fn(&MaskSummaryRow) -> (f64, Option<f64>),
) -> Result<Panel, TaskError> {
    let of_kind = |kind: &str| -> Vec<&MaskSummaryRow> {
        let mut rows: Vec<_> = summary.iter().filter(|row| row.mask == kind).collect();
        rows.sort_by(|a, b| a.strength.total_cmp(&b.strength));
        rows
    };
    let last = summary.iter().map(|row| row.strength).fold(0.0, f64::max);
    if last == 0.0 {
        return Err("the table has no strengths".into());
    }
    let mut layers = Vec::new();
    let mut ends = Vec::new();
    if let [plain] = of_kind(PLAIN.0).as_slice() {
        let value = 100.0 * pick(plain).0;
        ends.push(value);
        let line = Line {
            dash: Dash::Dashed,
            ..Line::new(vec![0.0, last], vec![value; 2], PLAIN.2).named(PLAIN.1)
        };
        layers.push(Layer::Line(line));
    }
    for (kind, name, colour) in CURVES {
        let rows = of_kind(kind);
        let values: Vec<_> = rows.iter().map(|row| pick(row)).collect();
        for (mean, half) in &values {
            let half = half.unwrap_or(0.0);
            ends.extend([100.0 * (mean - half), 100.0 * (mean + half)]);
        }
        let curve = Curve {
            name: name.to_owned(),
            colour,
            x: rows.iter().map(|row| row.strength).collect(),
            y: values.iter().map(|(mean, _)| 100.0 * mean).collect(),
            half_width: values
                .iter()
                .map(|(_, half)| half.map(|half| 100.0 * half))
                .collect(),
        };
        layers.extend(curve.layers());
    }
    layers.extend(interval_entry(&layers, "± 1.96 standard errors"));
    let range = accuracy_range(ends.into_iter(), chance);
    let guessed = accuracy_line((0.0, last), range, chance);
    layers.extend(guessed.map(Layer::Line));
    let x = Axis::linear("Standard deviation of the mask", (0.0, last));
    let y = Axis::linear(label, range);
    Ok(Panel::axes(title, Axes::new(x, y, layers)))
}
