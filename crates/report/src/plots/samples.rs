//! Some images of a data set with the names of their classes: the first, or some of each class.

use eigenscope_artifact::{Examples, IMAGES, ImageHeader, ImageReader, Split, SplitName};
use eigenscope_stage::{
    Context, Parameter, ParameterType, Role, TaskError, TaskKind, task_function,
};
use serde::Deserialize;

use super::output::{figure_kind, write};
use crate::inputs::image_lookup::{
    drawn_channels, grey, note, picture, split_name, split_parameter,
};
use crate::inputs::labels;
use eigenscope_figure::{Figure, GridCell, ImageGrid, Panel};

/// Images in a row.
const COLUMNS: usize = 5;
/// Largest width of an image, px.
const LARGEST: f64 = 128.0;
/// Images drawn of a split that has as many, if nothing else is asked for.
const USUAL_COUNT: usize = 5;
/// Images read at a time.
const PIECE: usize = 64;

pub(super) fn kind() -> TaskKind {
    figure_kind(
        "samples",
        "the first images of a data set with their classes; of images ordered by class, some of each class",
        task_function!(run),
    )
    .parameters::<Parameters>([
        Parameter::optional(
            "count",
            ParameterType::Integer {
                minimum: 1,
                maximum: 20,
            },
            USUAL_COUNT,
            "images drawn; all of a split that has fewer",
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
    let examples = Examples::of_all(&reader.labels(split)?, count);
    let images = read(&reader, split, &examples.positions)?;
    let found = images.len();
    let name = split_name(split);
    if found == 0 {
        return Err(format!("there are no {name} images").into());
    }
    if found < count && count != USUAL_COUNT {
        context.warn(format!("there are {found} {name} images, not {count}"));
    }
    context.warn_all(drawn_channels(reader.header()));
    let title = match (found, examples.is_spread) {
        (1, _) => format!("The first {name} image"),
        (_, false) => format!("The first {found} {name} images"),
        (_, true) => format!("{found} {name} images, spread over the classes"),
    };
    let title = labels::titled(&title, input);
    write(context, draw(reader.header(), &images, title)?)
}

/// The images of a split at these ascending positions.
fn read(reader: &ImageReader, split: SplitName, positions: &[usize]) -> Result<Split, TaskError> {
    let mut chosen = Split::default();
    let mut wanted = positions.iter().copied().peekable();
    let mut start = 0;
    for piece in reader.pieces(split, PIECE)? {
        let piece = piece?;
        let pixels = piece.pixels.chunks_exact(reader.header().stored_len());
        for (position, (label, pixels)) in (start..).zip(piece.labels.iter().zip(pixels)) {
            if wanted.next_if_eq(&position).is_some() {
                chosen.labels.push(*label);
                chosen.pixels.extend_from_slice(pixels);
            }
        }
        start += piece.len();
        if wanted.peek().is_none() {
            break;
        }
    }
    Ok(chosen)
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
    let description = format!(
        "{} of the images of {} x {} pixels as they are stored, before any transform, each below the name of its class.{}",
        images.labels.len(),
        header.height,
        header.width,
        note(drawn_channels(header))
    );
    Ok(Figure::new(
        title,
        description,
        720.0,
        1,
        vec![Panel::images("", grid)],
    ))
}
