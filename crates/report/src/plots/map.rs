//! Two-dimensional maps of embeddings: a dot for each image, in the colour of its class.

use eigenscope_artifact::tables::embeddings::{MapQualityRow, MapRow};
use eigenscope_artifact::{EMBEDDINGS, EmbeddingsHeader, TableReader, read_records};
use eigenscope_stage::{Agreement, Context, Role, TaskError, TaskKind, task_function};

use super::output::{figure_kind, write};
use crate::inputs::labels;
use crate::parts::classes::{self, Look};
use crate::parts::series::padded_range;
use eigenscope_figure::{
    Axes, Axis, Figure, INK, Layer, Legend, Panel, Points, Texts, markup, ticks,
};

/// Most images with dots of the radius [`RADIUS`]. Dots of more images are smaller.
const IMAGES: f64 = 2000.0;
const RADIUS: f64 = 2.4;
const SMALLEST_RADIUS: f64 = 1.2;
/// Smallest ratio of the sides of a map.
const NARROWEST: f64 = 0.5;
/// Most classes whose names stand on the map.
const MOST_NAMES: usize = 20;

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
    let embeddings = TableReader::open(context.path("embeddings")?, EMBEDDINGS)?;
    let header: EmbeddingsHeader = embeddings.metadata_json("header")?;
    let [quality] = quality.as_slice() else {
        let found = quality.len();
        return Err(format!("the quality of the map has {found} rows, expected one").into());
    };
    check(&rows, quality, &header)?;
    let title = labels::titled(
        &format!("Map of the embeddings of layer {}", header.layer),
        context.input("embeddings")?,
    );
    write(context, draw(&rows, quality, &header, title))
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

fn draw(
    rows: &[MapRow],
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
    layers.extend(names(rows, header));
    let aspect = (y.1 - y.0) / (x.1 - x.0);
    let axes = Axes::new(Axis::bare(x), Axis::bare(y), layers);
    let panel = Panel {
        legend: Some(Legend::right("Class")),
        ..Panel::axes(in_words(quality), axes.with_aspect(aspect))
    };
    let description = format!(
        "{} images as dots, coloured by class, laid out such that images of similar embeddings lie near each other \
         (perplexity {}). Directions have no meaning. The KL (Kullback-Leibler) divergence is that of the map's \
         similarities from the embeddings', over all pairs. A name stands at the middle of the images of its class.{}",
        ticks::grouped(rows.len() as u64),
        quality.perplexity,
        classes::without_images(&header.classes, |class| {
            rows.iter().any(|row| row.label as usize == class)
        })
    );
    Figure::new(title, description, 700.0, 1, vec![panel])
}

/// The names of the classes, each at the median of its images; none if there are too many.
fn names(rows: &[MapRow], header: &EmbeddingsHeader) -> Option<Layer> {
    let count = header.classes.len();
    if count > MOST_NAMES {
        return None;
    }
    let mut texts = Texts {
        x: Vec::new(),
        y: Vec::new(),
        texts: Vec::new(),
        colour: INK,
    };
    for (class, name) in header.classes.iter().enumerate() {
        let own = || rows.iter().filter(|row| row.label as usize == class);
        let middles = median(own().map(|row| row.x)).zip(median(own().map(|row| row.y)));
        if let Some((x, y)) = middles {
            texts.x.push(x);
            texts.y.push(y);
            texts.texts.push(markup::of_name(name));
        }
    }
    Some(Layer::Texts(texts))
}

/// The middle of the values in ascending order, the upper one of two; `None` without values.
fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
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

    #[test]
    fn medians_are_values() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), Some(2.0));
        assert_eq!(median(std::iter::empty()), None);
    }
}
