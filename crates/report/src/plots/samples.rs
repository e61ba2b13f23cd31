//! The first images of a data set with the names of their classes.

use eigenscope_artifact::{IMAGES, ImageHeader, ImageReader, Split, SplitName};
use eigenscope_stage::{
    Context, Parameter, ParameterType, Role, TaskError, TaskKind, task_function,
};
use serde::Deserialize;

use super::output::{figure_kind, write};
use crate::inputs::image_lookup::{grey, picture, split_name, split_parameter};
use crate::inputs::labels;
use eigenscope_figure::{Figure, GridCell, ImageGrid, Panel};

/// Images in a row.
const COLUMNS: usize = 5;
/// Largest width of an image, px.
const LARGEST: f64 = 128.0;
/// Images read at a time.
const PIECE: usize = 64;

pub(super) fn kind() -> TaskKind {
    figure_kind(
        "samples",
        "the first images of a data set with their classes",
        task_function!(run),
    )
    .parameters::<Parameters>([
        Parameter::optional(
            "count",
            ParameterType::Integer {
                minimum: 1,
                maximum: 20,
            },
            5,
            "images drawn",
        ),
        split_parameter(SplitName::Train, "split of the images"),
    ])
    .reads(Role::one("data", IMAGES, "images to draw"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    count: usize,
    split: SplitName,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters { count, split } = context.parameters()?;
    let input = context.input("data")?;
    let reader = ImageReader::open(&input.path)?;
    let images = first(&reader, split, count)?;
    let found = images.len();
    let name = split_name(split);
    if found == 0 {
        return Err(format!("there are no {name} images").into());
    }
    if found < count {
        context.warn(format!("there are {found} {name} images, not {count}"));
    }
    let title = match found {
        1 => format!("The first {name} image"),
        _ => format!("The first {found} {name} images"),
    };
    let title = labels::titled(&title, input);
    write(context, draw(reader.header(), &images, title)?)
}

/// The first `count` images of a split, or as many as there are.
fn first(reader: &ImageReader, split: SplitName, count: usize) -> Result<Split, TaskError> {
    let mut first = Split::default();
    for piece in reader.pieces(split, PIECE)? {
        let piece = piece?;
        first.labels.extend(piece.labels);
        first.pixels.extend(piece.pixels);
        if first.len() >= count {
            break;
        }
    }
    first.labels.truncate(count);
    first.pixels.truncate(count * reader.header().stored_len());
    Ok(first)
}

fn draw(header: &ImageHeader, images: &Split, title: String) -> Result<Figure, TaskError> {
    let cells = images
        .labels
        .iter()
        .zip(images.pixels.chunks_exact(header.stored_len()))
        .map(|(label, pixels)| {
            let class = header.classes[usize::from(*label)].clone();
            Ok(GridCell::new(class, picture(header, pixels)?))
        })
        .collect::<Result<Vec<_>, TaskError>>()?;
    let mut grid = ImageGrid::wrapped(cells, COLUMNS, grey(header));
    grid.largest_cell = LARGEST;
    Ok(Figure::new(
        title,
        format!(
            "Images of {} x {} pixels as they are stored, before any transform, each below the name of its class.",
            header.height, header.width
        ),
        720.0,
        1,
        vec![Panel::images("", grid)],
    ))
}
