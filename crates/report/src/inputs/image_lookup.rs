//! Stored images as pictures of a figure, and lookup of the images that a table mentions.

use std::collections::{BTreeMap, BTreeSet};

use eigenscope_artifact::{ImageHeader, ImageReader, InputShape, SplitName};
use eigenscope_stage::{Input, Parameter, ParameterType, TaskError};

use crate::parts::channels::side_by_side;
use eigenscope_figure::{Bitmap, ColourMap, ColourScale, Picture, Rgb};

/// Images read at a time.
const PIECE: usize = 256;

/// Images of one split of a data set, by their positions in the source file of the split.
pub(crate) struct ImageLookup {
    /// Task that made the data set.
    task: String,
    split: SplitName,
    header: ImageHeader,
    images: BTreeMap<u32, (u16, Picture)>,
}

impl ImageLookup {
    /// Finds the images at the positions `wanted`, as far as they exist.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(crate) fn read(
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

    /// The image at a position, which must be of class `label`.
    ///
    /// # Errors
    /// An image that does not exist or is of another class, in which case the table is not of these images.
    pub(crate) fn picture(&self, index: u32, label: u32) -> Result<&Picture, TaskError> {
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
    /// An unknown class.
    pub(crate) fn class(&self, label: u32) -> Result<&str, TaskError> {
        let name = self.header.classes.get(label as usize);
        let name = name.ok_or_else(|| format!("{} has no class {label}", self.task))?;
        Ok(name)
    }

    /// What is drawn of these images if they are neither grey nor in colour.
    pub(crate) fn drawn_channels(&self) -> Option<String> {
        drawn_channels(&self.header)
    }

    /// Colour scale of grey images.
    pub(crate) fn colours(&self) -> ColourScale {
        grey(&self.header)
    }
}

/// Colour scale from black at 0 to white at the largest value of a pixel.
pub(crate) fn grey(header: &ImageHeader) -> ColourScale {
    ColourScale::new(ColourMap::Grey, (0.0, f64::from(header.maximum)))
}

/// A parameter that chooses a split.
pub(crate) fn split_parameter(default: SplitName, summary: &str) -> Parameter {
    let names = [SplitName::Train, SplitName::Test].map(SplitName::name);
    Parameter::optional(
        "split",
        ParameterType::choice(&names),
        default.name(),
        summary,
    )
}

/// Name of the images of a split: "training" or "test".
pub(crate) fn split_name(split: SplitName) -> &'static str {
    match split {
        SplitName::Train => "training",
        SplitName::Test => "test",
    }
}

/// What is drawn of images that are neither grey (one channel) nor in colour (three).
pub(crate) fn drawn_channels(header: &ImageHeader) -> Option<String> {
    match header.channels {
        1 | 3 => None,
        2 => Some("images of 2 channels: the two are drawn side by side".to_owned()),
        channels => Some(format!(
            "images of {channels} channels: the first three are drawn as red, green and blue"
        )),
    }
}

/// A further sentence of a description; empty for none.
pub(crate) fn note(text: Option<String>) -> String {
    text.map_or(String::new(), |text| format!(" Note: {text}."))
}

/// A stored image. Of one channel it is grey, two channels stand side by side, and of more the first three are red, green and blue.
pub(crate) fn picture(header: &ImageHeader, pixels: &[u8]) -> Result<Picture, TaskError> {
    let ImageHeader {
        height,
        width,
        channels,
        maximum,
        ..
    } = *header;
    let planes: Vec<&[u8]> = pixels.chunks_exact(height * width).collect();
    match planes.as_slice() {
        [reds, greens, blues, ..] => {
            let full = |value: u8| full_range(value, maximum);
            let colours = reds.iter().zip(*greens).zip(*blues);
            let colours = colours.map(|((&red, &green), &blue)| Rgb {
                red: full(red),
                green: full(green),
                blue: full(blue),
            });
            Ok(Bitmap::new(height, width, colours.collect())?.into())
        }
        _ => {
            let values: Vec<f32> = pixels.iter().copied().map(f32::from).collect();
            let shape = InputShape::from([channels, height, width]);
            Ok(side_by_side(shape, &values)?.into())
        }
    }
}

/// Scales a value of 0 to `maximum` to 0 to 255, rounded to nearest.
fn full_range(value: u8, maximum: u8) -> u8 {
    (255.0 * f64::from(value) / f64::from(maximum)).round() as u8
}
