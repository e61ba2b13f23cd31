//! The parameters of `parquet`: tables, and columns of pictures or pixels in them.

use eigenscope_stage::{Parameter, ParameterType};
use serde::Deserialize;

use super::online::{StatedFile, Texts, name_of, online, stated};
use super::pictures::{ChannelChoice, GivenForm, form, pictures};
use super::shared::{NamedPath, files, named_files, shape, values};
use crate::arrays::AxisOrder;
use crate::error::IngestError;
use crate::parquet_file::ImageColumns;

/// The parameters of `parquet`: files, columns and what they hold.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ParquetParameters {
    file: String,
    train: Vec<String>,
    test: Vec<String>,
    url: Texts,
    sha256: Texts,
    pub(crate) image: String,
    pub(crate) label: String,
    size: Vec<usize>,
    channels: ChannelChoice,
    background: Vec<u8>,
    pub(crate) test_fraction: f64,
    pub(crate) range: Vec<f64>,
    pub(crate) layout: AxisOrder,
    shape: Vec<usize>,
    pub(crate) transpose: bool,
    pub(crate) first_label: i64,
    pub(crate) class_names: Vec<String>,
}

impl ParquetParameters {
    /// The user's files by parameter: those of training (or of all) images, then those of test images.
    pub(crate) fn files(&self) -> Result<[Vec<NamedPath<'_>>; 2], IngestError> {
        let file = name_of(&self.file, [&self.train, &self.test], &self.url);
        named_files(file, &self.train, &self.test)
    }

    /// What is stated about the files.
    pub(crate) fn stated(&self) -> Result<Vec<StatedFile<'_>>, IngestError> {
        let [train, test] = self.files()?;
        stated(train.into_iter().chain(test), &self.url, &self.sha256)
    }

    /// The shape of images with a column a pixel.
    pub(crate) fn shape(&self) -> Result<Option<[usize; 3]>, IngestError> {
        shape(&self.shape)
    }

    /// Refuses parameters that say nothing of such columns.
    pub(crate) fn check(&self, images: &ImageColumns) -> Result<(), IngestError> {
        let (given, reason) = match images {
            ImageColumns::Encoded(_) => (
                vec![
                    ("range", !self.range.is_empty()),
                    ("layout", self.layout != AxisOrder::Auto),
                    ("shape", !self.shape.is_empty()),
                    ("transpose", self.transpose),
                ],
                "is for columns of pixels, and the images are encoded pictures: leave it out",
            ),
            ImageColumns::Pixels(_) => (
                vec![
                    ("size", !self.size.is_empty()),
                    ("channels", self.channels != ChannelChoice::Auto),
                    ("background", !self.background.is_empty()),
                ],
                "is for encoded pictures, and the images are columns of pixels: leave it out",
            ),
        };
        match given.iter().find(|(_, is_given)| *is_given) {
            Some((name, _)) => Err(IngestError::parameter(name, reason)),
            None => Ok(()),
        }
    }

    /// What encoded pictures are to be turned into.
    pub(crate) fn form(&self) -> Result<GivenForm, IngestError> {
        form(&self.size, self.channels, &self.background)
    }
}

/// Parameters of `parquet`.
pub(crate) fn parquet() -> Vec<Parameter> {
    let mut parameters = files("Parquet table").to_vec();
    parameters.extend(online());
    parameters.extend([
        Parameter::optional(
            "image",
            ParameterType::Text,
            "image",
            "column of encoded pictures, binary or a struct with `bytes`; if there is none, every column of numbers is a pixel",
        ),
        Parameter::optional(
            "label",
            ParameterType::Text,
            "label",
            "column of the labels, whole numbers or names",
        ),
    ]);
    parameters.extend(pictures());
    parameters.extend(values());
    parameters
}
