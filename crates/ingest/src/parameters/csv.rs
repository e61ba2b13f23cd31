//! The parameters of `csv`: tables of text, and columns in them.

use eigenscope_stage::{Parameter, ParameterType};
use serde::Deserialize;
use serde_json::json;

use super::online::{StatedFile, Texts, name_of, online, stated};
use super::shared::{NamedPath, files, named_files, shape, values};
use crate::arrays::AxisOrder;
use crate::csv::Column;
use crate::error::IngestError;

/// The parameters of `csv`: files and columns.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CsvParameters {
    file: String,
    train: Vec<String>,
    test: Vec<String>,
    url: Texts,
    sha256: Texts,
    pub(crate) label: Column,
    pub(crate) ignore: Vec<Column>,
    pub(crate) test_fraction: f64,
    pub(crate) range: Vec<f64>,
    pub(crate) layout: AxisOrder,
    shape: Vec<usize>,
    pub(crate) transpose: bool,
    pub(crate) first_label: i64,
    pub(crate) class_names: Vec<String>,
}

impl CsvParameters {
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

    /// The shape of the images.
    pub(crate) fn shape(&self) -> Result<Option<[usize; 3]>, IngestError> {
        shape(&self.shape)
    }
}

/// Parameters of `csv`.
pub(crate) fn csv() -> Vec<Parameter> {
    let mut parameters =
        files("table with a label and a pixel in each column, plain or gzip").to_vec();
    parameters.extend(online());
    let column = || {
        ParameterType::Either(vec![
            ParameterType::Integer {
                minimum: -(1 << 30),
                maximum: 1 << 30,
            },
            ParameterType::Text,
        ])
    };
    parameters.extend([
        Parameter::optional(
            "label",
            column(),
            "",
            "column of the labels: its name in the header, or its position from 0 (-1: the last); empty: `label`, `class`, `category`, `target`, `y` or the like, else the only one that is called neither as a pixel nor as a number of the image, else the only one of texts",
        ),
        Parameter::optional(
            "ignore",
            ParameterType::list(column()),
            json!([]),
            "columns that are no pixels: names or positions; empty: those that the header calls `id`, `index`, `filename` and the like, and those without a number at the end if most have one",
        ),
    ]);
    parameters.extend(values());
    parameters
}
