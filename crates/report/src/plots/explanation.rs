//! Why one image is classified as it is: its logits, what the eigenpairs add to the largest of them, and the strongest eigenvectors.

use eigenscope_artifact::ImageTable;
use eigenscope_artifact::tables::interactions::{ContributionRow, ExplanationRow, LogitRow};
use eigenscope_stage::{Agreement, Context, Role, TaskError, TaskKind, task_function};

use super::output::{figure_kind, write};
use crate::inputs::labels;
use crate::parts::series::{padded_range, whole_ticks};
use crate::parts::{channels, relative};
use eigenscope_figure::{
    Axes, Axis, Figure, GridRow, ImageGrid, Layer, Legend, Line, Panel, Rgb, Tick, ticks,
};

/// Contributions drawn at each end.
const ENDS: usize = 12;
/// Most classes with a bar each.
const MOST_BARS: usize = 40;
/// Width of the bars, px.
const BAR: f64 = 9.0;
/// Colours of the bars of the class of the image and of the others.
const LABEL: Rgb = Rgb::categorical(2);
const OTHER: Rgb = Rgb::categorical(7);
/// Largest width of a picture, px.
const PICTURE: f64 = 90.0;

pub(super) fn kind() -> TaskKind {
    figure_kind(
        "explanation",
        "one image, its logits, and what the eigenpairs add to the largest of them",
        task_function!(run),
    )
    .reads(Role::one(
        "explanation",
        ExplanationRow::KIND,
        "image and eigenvectors to draw",
    ))
    .reads(
        Role::one(
            "contributions",
            ContributionRow::KIND,
            "what the eigenpairs add",
        )
        .agrees(Agreement::task("contributions", "explanation")),
    )
    .reads(
        Role::one("logits", LogitRow::KIND, "logits of the image")
            .agrees(Agreement::task("logits", "explanation")),
    )
}

fn run(context: &Context) -> Result<(), TaskError> {
    let input = context.input("explanation")?;
    let pictures = ImageTable::<ExplanationRow>::read(&input.path)?;
    let contributions: Vec<ContributionRow> = context.read("contributions")?;
    let logits: Vec<LogitRow> = context.read("logits")?;
    let title = |title: &str| labels::titled(title, input);
    write(context, draw(&pictures, &contributions, &logits, title)?)
}

fn draw(
    pictures: &ImageTable<ExplanationRow>,
    contributions: &[ContributionRow],
    logits: &[LogitRow],
    titled: impl Fn(&str) -> String,
) -> Result<Figure, TaskError> {
    let image = pictures.rows.iter().find(|row| row.row.what == "image");
    let image = image.ok_or("the table has no image")?;
    let label = class_name(pictures, image.row.class);
    let predicted = logits
        .iter()
        .reduce(|best, row| if row.logit > best.logit { row } else { best });
    let predicted = predicted.ok_or("the table of logits has no rows")?;
    let mut classes: Vec<&str> = Vec::new();
    for row in contributions {
        if classes.last() != Some(&row.class.as_str()) {
            classes.push(&row.class);
        }
    }
    let (of, verdict) = match predicted.is_label {
        true => (String::new(), format!("“{label}”, rightly")),
        false => (
            format!(" (“{label}”)"),
            format!("“{}”, though it is “{label}”", predicted.class),
        ),
    };
    let panels = vec![
        images(pictures, &classes)?,
        logit_panel(logits),
        contribution_panel(contributions, &classes),
    ];
    let across = channels::across(pictures.header.shape) as f64;
    Ok(Figure {
        columns: vec![0.9 * across, 1.0, 1.0],
        legend: Some(Legend::below("")),
        ..Figure::new(
            titled(&format!(
                "Why test image {}{of} is classified as “{}”",
                image.row.index, predicted.class
            )),
            format!(
                "Test image {} is classified as {verdict}. Left, the image and, for each of the {} largest logits, the eigenvectors that add and \
                 subtract most, each scaled to its own largest value; middle, all logits; right, what the eigenpairs of these classes add, in \
                 order.",
                image.row.index,
                classes.len(),
            ),
            980.0 + 200.0 * (across - 1.0),
            3,
            panels,
        )
    })
}

fn class_name(pictures: &ImageTable<ExplanationRow>, class: u32) -> String {
    let name = pictures.header.classes.get(class as usize);
    name.cloned().unwrap_or_default()
}

/// The image in the first row, then the two eigenvectors of each class.
fn images(pictures: &ImageTable<ExplanationRow>, classes: &[&str]) -> Result<Panel, TaskError> {
    let shape = pictures.header.shape;
    let cell = |what: &str, class: Option<&str>| {
        let row = pictures.rows.iter().find(|row| {
            let own = class.is_none_or(|class| class_name(pictures, row.row.class) == class);
            row.row.what == what && own
        });
        let Some(row) = row else { return Ok(None) };
        let caption = row.row.contribution.map_or_else(String::new, signed);
        relative::cell(shape, &row.images[0], caption)
    };
    let mut rows = vec![GridRow {
        label: "image".to_owned(),
        cells: vec![cell("image", None)?, None],
    }];
    for class in classes {
        rows.push(GridRow {
            label: (*class).to_owned(),
            cells: vec![
                cell("positive", Some(class))?,
                cell("negative", Some(class))?,
            ],
        });
    }
    let mut grid = ImageGrid::new(rows, relative::colours());
    grid.column_labels = vec!["adds most".to_owned(), "subtracts most".to_owned()];
    grid.row_title = "class".to_owned();
    grid.largest_cell = PICTURE;
    Ok(relative::panel("(a) Image and eigenvectors", grid, shape))
}

/// A number with its sign.
fn signed(value: f64) -> String {
    let text = ticks::decimal(value, 2);
    if value > 0.0 {
        format!("+{text}")
    } else {
        text
    }
}

/// A bar for each class.
fn logit_panel(logits: &[LogitRow]) -> Panel {
    let shown = &logits[..logits.len().min(MOST_BARS)];
    let bars = shown.iter().enumerate().map(|(place, row)| {
        let (colour, name) = match row.is_label {
            true => (LABEL, "logit of the image's class"),
            false => (OTHER, "other logit"),
        };
        let x = place as f64 + 0.5;
        Layer::Line(Line {
            width: BAR,
            ..Line::new(vec![x, x], vec![0.0, row.logit], colour).named(name)
        })
    });
    let layers = bars.collect();
    let names = shown.iter().map(|row| row.class.clone());
    let values = shown.iter().map(|row| row.logit).chain([0.0]);
    let y = Axis::linear("logit", padded_range(values));
    Panel::axes(
        "(b) Logits",
        Axes::new(Axis::categories("class", names), y, layers),
    )
}

/// The contributions of each class in order: of many, both ends.
fn contribution_panel(contributions: &[ContributionRow], classes: &[&str]) -> Panel {
    let mut layers = Vec::new();
    let mut last = 1;
    let mut is_cut = false;
    for (number, class) in classes.iter().enumerate() {
        let own: Vec<&ContributionRow> = contributions
            .iter()
            .filter(|row| row.class == *class)
            .collect();
        let (mut x, mut y) = (Vec::new(), Vec::new());
        for (place, row) in own.iter().enumerate() {
            let from_end = own.len() - place;
            if place < ENDS || from_end <= ENDS {
                let shown = if place < ENDS {
                    place + 1
                } else {
                    2 * ENDS + 2 - from_end
                };
                if own.len() > 2 * ENDS && from_end == ENDS {
                    is_cut = true;
                    x.push(ENDS as f64 + 1.0);
                    y.push(f64::NAN);
                }
                x.push(shown.min(place + 1) as f64);
                y.push(row.contribution);
                last = last.max(shown.min(place + 1));
            }
        }
        let name = format!("contributions to “{class}”");
        let line = Line::new(x, y, Rgb::categorical(number)).named(name);
        layers.push(Layer::Line(Line {
            marker: Some(eigenscope_figure::Marker::dot(2.6)),
            ..line
        }));
    }
    let range = (0.5, last.max(2) as f64 + 0.5);
    let values = contributions.iter().map(|row| row.contribution);
    let y = Axis::linear("λ (v·x)²", padded_range(values.chain([0.0])));
    let x = Axis::linear("eigenpairs, largest contribution first", range);
    let x = match is_cut {
        false => x.with_major(whole_ticks(range)),
        true => x.with_major(vec![
            Tick::new(1.0, "first"),
            Tick::new(ENDS as f64 + 1.0, "…"),
            Tick::new(2.0 * ENDS as f64 + 1.0, "last"),
        ]),
    };
    Panel::axes("(c) What eigenpairs add", Axes::new(x, y, layers))
}
