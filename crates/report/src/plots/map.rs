//! Two-dimensional maps of embeddings: a dot for each image, in the colour of its class.

use std::collections::HashMap;

use eigenscope_artifact::tables::embeddings::{MapQualityRow, MapRow};
use eigenscope_artifact::{EMBEDDINGS, Embeddings, EmbeddingsHeader, read_records};
use eigenscope_stage::{Agreement, Context, Role, TaskError, TaskKind, task_function};

use super::output::{figure_kind, write};
use crate::inputs::labels;
use crate::parts::classes::{self, Look};
use crate::parts::series::padded_range;
use eigenscope_figure::{
    Axes, Axis, Figure, INK, Layer, Legend, Marker, Panel, Points, Rgb, ticks,
};

/// Most images with dots of the radius [`RADIUS`]. Dots of more images are smaller.
const IMAGES: f64 = 2000.0;
const RADIUS: f64 = 2.4;
const SMALLEST_RADIUS: f64 = 1.2;
/// Width of the rim of a mistake, px.
const RIM: f64 = 1.3;
/// Smallest ratio of the sides of a map.
const NARROWEST: f64 = 0.5;

pub(super) fn kind() -> TaskKind {
    figure_kind(
        "t-sne",
        "two-dimensional map of embeddings, coloured by class",
        task_function!(run),
    )
    .formerly("map")
    .reads(Role::one("map", MapRow::KIND, "map to draw"))
    .reads(
        Role::one("quality", MapQualityRow::KIND, "quality of the map")
            .agrees(Agreement::task("quality", "map")),
    )
    .reads(
        Role::one(
            "embeddings",
            EMBEDDINGS,
            "embeddings on the map, for the names of the classes",
        )
        .agrees(Agreement::artifact("map/embeddings", "embeddings")),
    )
}

fn run(context: &Context) -> Result<(), TaskError> {
    let input = context.input("map")?;
    let rows: Vec<MapRow> = read_records(&input.path)?;
    let quality: Vec<MapQualityRow> = context.read("quality")?;
    let embeddings = Embeddings::read(context.path("embeddings")?)?;
    let header = &embeddings.header;
    let [quality] = quality.as_slice() else {
        let found = quality.len();
        return Err(format!("the quality of the map has {found} rows, expected one").into());
    };
    check(&rows, quality, header)?;
    let title = labels::titled(
        &format!("Map of the embeddings of layer {}", header.layer),
        context.input("embeddings")?,
    );
    let mistakes = mistakes(&rows, &embeddings);
    write(context, draw(&rows, &mistakes, quality, header, title))
}

/// Checks that the tables belong together.
///
/// # Errors
/// A map without images, and tables of different images.
fn check(
    rows: &[MapRow],
    quality: &MapQualityRow,
    header: &EmbeddingsHeader,
) -> Result<(), TaskError> {
    if rows.is_empty() {
        return Err("the table has no rows".into());
    }
    if rows.len() != quality.images as usize {
        return Err(format!(
            "the map has {} images, its quality is that of {}",
            rows.len(),
            quality.images
        )
        .into());
    }
    let classes = header.classes.len();
    if let Some(row) = rows.iter().find(|row| row.label as usize >= classes) {
        return Err(format!(
            "image {} is of class {}, but the embeddings have {classes} classes",
            row.index, row.label
        )
        .into());
    }
    let off = |row: &&MapRow| !(row.x.is_finite() && row.y.is_finite());
    if let Some(row) = rows.iter().find(off) {
        return Err(format!("image {} lies at {}, {}", row.index, row.x, row.y).into());
    }
    Ok(())
}

/// The rows of images that the model takes for another class.
fn mistakes<'a>(rows: &'a [MapRow], embeddings: &Embeddings) -> Vec<&'a MapRow> {
    let predicted = embeddings.indices.iter().zip(&embeddings.predicted);
    let predicted: HashMap<u32, u32> = predicted
        .map(|(index, class)| (*index, u32::from(*class)))
        .collect();
    let is_wrong = |row: &&MapRow| {
        let predicted = predicted.get(&row.index);
        predicted.is_some_and(|predicted| *predicted != row.label)
    };
    rows.iter().filter(is_wrong).collect()
}

fn draw(
    rows: &[MapRow],
    mistakes: &[&MapRow],
    quality: &MapQualityRow,
    header: &EmbeddingsHeader,
    title: String,
) -> Figure {
    let x = padded_range(rows.iter().map(|row| row.x));
    let y = padded_range(rows.iter().map(|row| row.y));
    let (x, y) = no_narrower_than(x, y, NARROWEST);
    let radius = RADIUS * (IMAGES / rows.len() as f64).sqrt();
    let radius = radius.clamp(SMALLEST_RADIUS, RADIUS);
    let count = header.classes.len();
    let dots = (0..count).filter_map(|class| {
        let own = rows.iter().filter(|row| row.label as usize == class);
        let (x, y): (Vec<f64>, Vec<f64>) = own.map(|row| (row.x, row.y)).unzip();
        let look = Look::new(class, count);
        let dots = Points {
            opacity: 0.7,
            ..Points::new(x, y, look.colour, look.marker(radius))
        };
        (!dots.x.is_empty()).then(|| Layer::Points(dots.named(header.classes[class].as_str())))
    });
    let mut layers: Vec<Layer> = dots.collect();
    layers.extend(marks(mistakes, radius, count));
    let points = rows.iter().map(|row| (row.label as usize, (row.x, row.y)));
    layers.extend(classes::names(&header.classes, points, |name, _| name).map(Layer::Texts));
    let aspect = (y.1 - y.0) / (x.1 - x.0);
    let axes = Axes::new(Axis::bare(x), Axis::bare(y), layers);
    let panel = Panel {
        legend: Some(Legend::right("Class")),
        ..Panel::axes(in_words(quality), axes.with_aspect(aspect))
    };
    let description = format!(
        "{} images as dots, coloured by class, laid out such that images of similar embeddings lie near each other \
         (perplexity {}). Directions have no meaning. The KL (Kullback-Leibler) divergence is that of the map's \
         similarities from the embeddings', over all pairs.{} A name stands beside the middle of the images of its class; {} have a black rim: \
         the model takes them for another class.{}",
        ticks::grouped(rows.len() as u64),
        quality.perplexity,
        neighbours_missed(quality),
        match mistakes.len() {
            0 => "none".to_owned(),
            wrong => ticks::grouped(wrong as u64),
        },
        classes::without_images(&header.classes, |class| {
            rows.iter().any(|row| row.label as usize == class)
        })
    );
    Figure::new(title, description, 700.0, 1, vec![panel])
}

/// Black rims around images, which are drawn again in the colours of their classes.
fn marks(mistakes: &[&MapRow], radius: f64, classes: usize) -> Vec<Layer> {
    if mistakes.is_empty() {
        return Vec::new();
    }
    let points = |rows: &[&MapRow], colour: Rgb, marker: Marker| {
        let (x, y) = rows.iter().map(|row| (row.x, row.y)).unzip();
        Points::new(x, y, colour, marker)
    };
    let rims = points(mistakes, INK, Marker::dot(radius + RIM));
    let name = format!("black rim: wrong (n = {})", mistakes.len());
    let mut layers = vec![Layer::Points(rims.named(name))];
    for class in 0..classes {
        let own = mistakes.iter().filter(|row| row.label as usize == class);
        let own: Vec<&MapRow> = own.copied().collect();
        if !own.is_empty() {
            let look = Look::new(class, classes);
            layers.push(Layer::Points(points(
                &own,
                look.colour,
                look.marker(radius),
            )));
        }
    }
    layers
}

/// Extends the shorter of two ranges around its middle to at least this share of the longer.
fn no_narrower_than(x: (f64, f64), y: (f64, f64), share: f64) -> ((f64, f64), (f64, f64)) {
    let least = share * (x.1 - x.0).max(y.1 - y.0);
    let extended = |(low, high): (f64, f64)| {
        let lacking = (least - (high - low)).max(0.0) / 2.0;
        (low - lacking, high + lacking)
    };
    (extended(x), extended(y))
}

/// A sentence on the search for neighbours, if it did not find all.
fn neighbours_missed(quality: &MapQualityRow) -> String {
    let found = quality.neighbours_found_fraction;
    if found >= 1.0 {
        return String::new();
    }
    format!(
        " Of the nearest neighbours, from which the embeddings' similarities are computed, {} % were found.",
        ticks::decimal(100.0 * found, 1)
    )
}

fn in_words(quality: &MapQualityRow) -> String {
    let percentage = |fraction: f64| ticks::decimal(100.0 * fraction, 1);
    format!(
        "KL divergence {} nats; the {} nearest neighbours vote for the right class of {} % of the images ({} % in \
         embedding space)",
        ticks::significant(quality.kl_divergence_nats, 3),
        quality.neighbours,
        percentage(quality.neighbour_accuracy_fraction),
        percentage(quality.embedding_neighbour_accuracy_fraction)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_cropped_but_no_strip() {
        let ranges = no_narrower_than((0.0, 4.0), (10.0, 13.0), 0.5);
        assert_eq!(ranges, ((0.0, 4.0), (10.0, 13.0)));
        let ranges = no_narrower_than((0.0, 4.0), (10.0, 11.0), 0.5);
        assert_eq!(ranges, ((0.0, 4.0), (9.5, 11.5)));
    }
}
