//! Images, each in a row with the images of the nearest embeddings.

use std::collections::BTreeSet;

use eigenscope_artifact::tables::embeddings::NeighbourRow;
use eigenscope_artifact::{IMAGES, SplitName, read_records};
use eigenscope_stage::{Agreement, Context, Role, TaskError, TaskKind, task_function};
use serde::Deserialize;

use super::output::{figure_kind, write};
use crate::inputs::image_lookup::{ImageLookup, note, split_name, split_parameter};
use crate::inputs::labels;
use eigenscope_figure::{Figure, GridCell, GridRow, INK, ImageGrid, Panel, Rgb, ticks};

/// Largest width of an image, px.
const LARGEST: f64 = 84.0;
/// Most columns of images of the largest width.
const WIDE: usize = 21;

pub(super) fn kind() -> TaskKind {
    figure_kind(
        "neighbours",
        "some images with those of the nearest embeddings",
        task_function!(run),
    )
    .parameters::<Parameters>([split_parameter(
        SplitName::Test,
        "split of the images of the embeddings",
    )])
    .reads(Role::one(
        "neighbours",
        NeighbourRow::KIND,
        "neighbours to draw",
    ))
    .reads(
        Role::one("data", IMAGES, "images of the embeddings")
            .agrees(Agreement::artifact("neighbours/embeddings/data", "data")),
    )
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    split: SplitName,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters { split } = context.parameters()?;
    let input = context.input("neighbours")?;
    let rows: Vec<NeighbourRow> = read_records(&input.path)?;
    let queries = queries(&rows)?;
    let wanted = rows.iter().flat_map(|row| [row.query_index, row.index]);
    let images = ImageLookup::read(
        context.input("data")?,
        split,
        &wanted.collect::<BTreeSet<_>>(),
    )?;
    context.warn_all(images.drawn_channels());
    let title = format!("Nearest {} images in embedding space", split_name(split));
    write(
        context,
        draw(&images, &queries, labels::titled(&title, input))?,
    )
}

/// The neighbours of each image, nearest first. Images are in the order of their first rows.
///
/// # Errors
/// An empty table, ranks other than 1, 2, ..., and distances that are negative or not finite.
fn queries(rows: &[NeighbourRow]) -> Result<Vec<Vec<&NeighbourRow>>, TaskError> {
    let mut queries: Vec<Vec<&NeighbourRow>> = Vec::new();
    for row in rows {
        let of_same = |query: &&mut Vec<&NeighbourRow>| query[0].query_index == row.query_index;
        match queries.iter_mut().find(of_same) {
            Some(query) => query.push(row),
            None => queries.push(vec![row]),
        }
    }
    if queries.is_empty() {
        return Err("the table has no rows".into());
    }
    for query in &mut queries {
        query.sort_by_key(|row| row.rank);
        for (row, rank) in query.iter().zip(1..) {
            if row.rank != rank || !row.distance.is_finite() || row.distance < 0.0 {
                return Err(format!(
                    "image {} has a neighbour of rank {} at distance {}; expected are ranks from 1 on and distances of 0 \
                     or more",
                    row.query_index, row.rank, row.distance
                )
                .into());
            }
        }
    }
    Ok(queries)
}

fn draw(
    images: &ImageLookup,
    queries: &[Vec<&NeighbourRow>],
    title: String,
) -> Result<Figure, TaskError> {
    let rows = queries.iter().map(|query| row(images, query));
    let mut grid = ImageGrid::new(rows.collect::<Result<_, _>>()?, images.colours());
    let ranks = (1..grid.columns()).map(|rank| rank.to_string());
    grid.column_labels = std::iter::once("image".to_owned()).chain(ranks).collect();
    grid.column_title = "Image and its neighbours by rank, each with class (distance)".to_owned();
    grid.first_apart = true;
    grid.largest_cell = LARGEST;
    let width = 40.0 + (LARGEST + 6.0) * grid.columns().min(WIDE) as f64;
    let neighbours = queries.iter().flatten();
    let description = format!(
        "In each of {} rows an image, then those whose embeddings are nearest to its own, nearest first; above each its \
         class and, for a neighbour, in parentheses the Euclidean distance of the embeddings; red if it is of another class. {} of {} neighbours are of the class of their image.{}",
        queries.len(),
        neighbours
            .clone()
            .filter(|row| row.label == row.query_label)
            .count(),
        neighbours.count(),
        note(images.drawn_channels())
    );
    let panel = Panel::images("", grid);
    Ok(Figure::new(title, description, width, 1, vec![panel]))
}

fn row(images: &ImageLookup, query: &[&NeighbourRow]) -> Result<GridRow, TaskError> {
    let first = query[0];
    let class = images.class(first.query_label)?;
    let picture = images.picture(first.query_index, first.query_label)?;
    let mut cells = vec![Some(GridCell::new(class, picture.clone()))];
    for row in query {
        let distance = ticks::significant(row.distance, 3);
        let caption = format!("{} ({distance})", images.class(row.label)?);
        let picture = images.picture(row.index, row.label)?;
        let colour = match row.label == row.query_label {
            true => INK,
            false => Rgb::RED,
        };
        cells.push(Some(
            GridCell::new(caption, picture.clone()).coloured(colour),
        ));
    }
    Ok(GridRow {
        label: String::new(),
        cells,
    })
}
