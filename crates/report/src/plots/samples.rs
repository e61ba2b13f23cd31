//! The first images of a data set, as they are stored, with the names of their classes.

use eigenscope_artifact::{ImageHeader, ImageReader, Kind, Split, SplitName};
use eigenscope_stage::{Context, Parameter, ParameterType, Role, TaskError, TaskKind};
use serde::Deserialize;

use super::labels;
use super::output::{figure_kind, write};
use crate::figure::{
    Bitmap, ColourMap, ColourScale, Figure, GridCell, GridRow, ImageGrid, Matrix, Panel, Picture,
    Rgb,
};

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
        vec![
            Parameter::optional(
                "count",
                ParameterType::Integer {
                    minimum: 1,
                    maximum: 20,
                },
                5,
                "images drawn",
            ),
            Parameter::optional(
                "split",
                ParameterType::choice(&["train", "test"]),
                "train",
                "whether training or test images",
            ),
        ],
        vec![Role::one("data", Kind::Images, "images to draw")],
        run,
    )
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
    let name = match split {
        SplitName::Train => "training",
        SplitName::Test => "test",
    };
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
            Ok(Some(GridCell::new(class, picture(header, pixels)?)))
        })
        .collect::<Result<Vec<_>, TaskError>>()?;
    let rows = cells.chunks(COLUMNS).map(|cells| GridRow {
        label: String::new(),
        cells: cells.to_vec(),
    });
    let colours = ColourScale::new(ColourMap::Grey, (0.0, f64::from(header.maximum)));
    let mut grid = ImageGrid::new(rows.collect(), colours);
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

/// A stored image: numbers for one channel, red, green and blue for three.
fn picture(header: &ImageHeader, pixels: &[u8]) -> Result<Picture, TaskError> {
    let planes: Vec<&[u8]> = pixels.chunks_exact(header.height * header.width).collect();
    match planes.as_slice() {
        [grey] => {
            let values = grey.iter().copied().map(f64::from).collect();
            Ok(Matrix::new(header.height, header.width, values)?.into())
        }
        [reds, greens, blues] => {
            let full = |value: u8| full_range(value, header.maximum);
            let colours = reds.iter().zip(*greens).zip(*blues);
            let colours = colours.map(|((&red, &green), &blue)| Rgb {
                red: full(red),
                green: full(green),
                blue: full(blue),
            });
            Ok(Bitmap::new(header.height, header.width, colours.collect())?.into())
        }
        _ => Err(format!(
            "images of {} channels are neither grey (1) nor colour (3)",
            header.channels
        )
        .into()),
    }
}

/// `value` of 0 to `maximum` as one of 0 to 255, rounded to nearest.
fn full_range(value: u8, maximum: u8) -> u8 {
    (255.0 * f64::from(value) / f64::from(maximum)).round() as u8
}
