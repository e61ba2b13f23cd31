//! Stored images as pictures of a figure, and the search for those that a table speaks of.

use std::collections::{BTreeMap, BTreeSet};

use eigenscope_artifact::{ImageHeader, ImageReader, SplitName};
use eigenscope_stage::{Input, Parameter, ParameterType, TaskError};

use eigenscope_figure::{Bitmap, ColourMap, ColourScale, Matrix, Picture, Rgb};

/// Images read at a time.
const PIECE: usize = 256;

/// Some images of one split of a data set, by their positions in the split's source file.
pub(super) struct Album {
    /// Task that the data set is of.
    task: String,
    split: SplitName,
    header: ImageHeader,
    images: BTreeMap<u32, (u16, Picture)>,
}

impl Album {
    /// Finds the images at the positions `wanted`; those that there are not show when they are asked for.
    ///
    /// # Errors
    /// A file that cannot be read, and images that are neither grey nor in colour.
    pub(super) fn read(
        input: &Input,
        split: SplitName,
        wanted: &BTreeSet<u32>,
    ) -> Result<Self, TaskError> {
        let reader = ImageReader::open(&input.path)?;
        let header = reader.header().clone();
        let mut images = BTreeMap::new();
        for piece in reader.pieces(split, PIECE)? {
            let piece = piece?;
            let pixels = piece.pixels.chunks_exact(header.stored_len());
            let rows = piece.indices.iter().zip(&piece.labels).zip(pixels);
            for ((index, label), pixels) in rows.filter(|((index, _), _)| wanted.contains(index)) {
                images.insert(*index, (*label, picture(&header, pixels)?));
            }
            if images.len() == wanted.len() {
                break;
            }
        }
        Ok(Self {
            task: input.task.clone(),
            split,
            header,
            images,
        })
    }

    /// The image at a position, which has to be of class `label`.
    ///
    /// # Errors
    /// An image that there is not or that is of another class: the table is not of these images.
    pub(super) fn picture(&self, index: u32, label: u32) -> Result<&Picture, TaskError> {
        let split = split_name(self.split);
        match self.images.get(&index) {
            None => Err(format!(
                "{} has no {split} image at position {index}",
                self.task
            )
            .into()),
            Some((found, _)) if u32::from(*found) != label => Err(format!(
                "the {split} image at position {index} of {} is of class {found}, in the table of class {label}",
                self.task
            )
            .into()),
            Some((_, picture)) => Ok(picture),
        }
    }

    /// Name of a class.
    ///
    /// # Errors
    /// A class that there is not.
    pub(super) fn class(&self, label: u32) -> Result<&str, TaskError> {
        let name = self.header.classes.get(label as usize);
        let name = name.ok_or_else(|| format!("{} has no class {label}", self.task))?;
        Ok(name)
    }

    /// Colours of grey images.
    pub(super) fn colours(&self) -> ColourScale {
        grey(&self.header)
    }
}

/// Black at 0 to white at the largest value of a pixel.
pub(super) fn grey(header: &ImageHeader) -> ColourScale {
    ColourScale::new(ColourMap::Grey, (0.0, f64::from(header.maximum)))
}

/// The parameter that chooses a split.
pub(super) fn split_parameter(default: SplitName, summary: &str) -> Parameter {
    let names = [SplitName::Train, SplitName::Test].map(SplitName::name);
    Parameter::optional(
        "split",
        ParameterType::choice(&names),
        default.name(),
        summary,
    )
}

/// What images of a split are called: "test images".
pub(super) fn split_name(split: SplitName) -> &'static str {
    match split {
        SplitName::Train => "training",
        SplitName::Test => "test",
    }
}

/// A stored image: numbers for one channel, red, green and blue for three.
pub(super) fn picture(header: &ImageHeader, pixels: &[u8]) -> Result<Picture, TaskError> {
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
