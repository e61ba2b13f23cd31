//! Two-dimensional maps of embeddings: a dot for each image, in the colour of its class.

use eigenscope_artifact::tables::embeddings::{MapQualityRow, MapRow};
use eigenscope_artifact::{EMBEDDINGS, EmbeddingsHeader, TableReader, read_records};
use eigenscope_stage::{Agreement, Context, Role, TaskError, TaskKind, task_function};

use super::output::{figure_kind, write};
use crate::inputs::labels;
use crate::parts::classes::{self, Look};
use crate::parts::series::padded_range;
use eigenscope_figure::{Axes, Axis, Figure, Layer, Legend, Panel, Points, ticks};

/// Most images with dots of the radius [`RADIUS`]. Dots of more images are smaller.
const IMAGES: f64 = 2000.0;
const RADIUS: f64 = 2.4;
const SMALLEST_RADIUS: f64 = 1.2;

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
        input,
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
    let (x, y) = equal_ranges(
        padded_range(rows.iter().map(|row| row.x)),
        padded_range(rows.iter().map(|row| row.y)),
    );
    let radius = RADIUS * (IMAGES / rows.len() as f64).sqrt();
    let radius = radius.clamp(SMALLEST_RADIUS, RADIUS);
    let count = header.classes.len();
    let layers = (0..count).filter_map(|class| {
        let own = rows.iter().filter(|row| row.label as usize == class);
        let (x, y): (Vec<f64>, Vec<f64>) = own.map(|row| (row.x, row.y)).unzip();
        let look = Look::new(class, count);
        let dots = Points {
            opacity: 0.7,
            ..Points::new(x, y, look.colour, look.marker(radius))
        };
        (!dots.x.is_empty()).then(|| Layer::Points(dots.named(header.classes[class].as_str())))
    });
    let axes = Axes::new(Axis::bare(x), Axis::bare(y), layers.collect());
    let panel = Panel {
        legend: Some(Legend::right("class")),
        ..Panel::axes(in_words(quality), axes.with_aspect(1.0))
    };
    let description = format!(
        "{} images as dots, coloured by class, laid out such that images of similar embeddings lie near each other \
         (perplexity {}). Directions have no meaning. The KL (Kullback-Leibler) divergence is that of the map's \
         similarities from the embeddings', over all pairs.{}",
        ticks::grouped(rows.len() as u64),
        quality.perplexity,
        classes::without_images(&header.classes, |class| {
            rows.iter().any(|row| row.label as usize == class)
        })
    );
    Figure::new(title, description, 700.0, 1, vec![panel])
}

/// Extends the shorter of two ranges around its middle to the length of the longer.
fn equal_ranges(x: (f64, f64), y: (f64, f64)) -> ((f64, f64), (f64, f64)) {
    let half = (x.1 - x.0).max(y.1 - y.0) / 2.0;
    let around = |(low, high): (f64, f64)| {
        let middle = low + (high - low) / 2.0;
        (middle - half, middle + half)
    };
    (around(x), around(y))
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
    fn ranges_are_made_equally_long() {
        let ranges = equal_ranges((0.0, 4.0), (10.0, 12.0));
        assert_eq!(ranges, ((0.0, 4.0), (9.0, 13.0)));
    }
}
