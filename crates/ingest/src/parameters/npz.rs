//! The parameters of `npz`: files, and arrays in them.

use eigenscope_stage::{Parameter, ParameterType};
use serde::Deserialize;

use super::online::{StatedFile, Texts, name_of, online, stated};
use super::shared::{NamedPath, files, named_files, shape, values};
use crate::arrays::AxisOrder;
use crate::error::IngestError;

/// The parameters of `npz`: files, arrays and what they mean.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NpzParameters {
    file: String,
    train: Vec<String>,
    test: Vec<String>,
    url: Texts,
    sha256: Texts,
    pub(crate) train_images: String,
    pub(crate) train_labels: String,
    pub(crate) test_images: String,
    pub(crate) test_labels: String,
    pub(crate) test_fraction: f64,
    pub(crate) range: Vec<f64>,
    pub(crate) layout: AxisOrder,
    shape: Vec<usize>,
    pub(crate) transpose: bool,
    pub(crate) first_label: i64,
    pub(crate) class_names: Vec<String>,
}

impl NpzParameters {
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

    /// The shape of images that are stored flat.
    pub(crate) fn shape(&self) -> Result<Option<[usize; 3]>, IngestError> {
        shape(&self.shape)
    }
}

/// Parameters of `npz`.
pub(crate) fn npz() -> Vec<Parameter> {
    let array = |name, default: &str, what: &str| {
        let summary = format!("name of the array of {what}");
        Parameter::optional(name, ParameterType::Text, default, &summary)
    };
    let mut parameters = files("`.npz` file with the arrays").to_vec();
    parameters.extend(online());
    parameters.extend([
        array("train_images", "x_train", "training images"),
        array(
            "train_labels",
            "y_train",
            "training labels: [images], [images, 1] or one-hot",
        ),
        array("test_images", "x_test", "test images"),
        array("test_labels", "y_test", "test labels"),
    ]);
    parameters.extend(values());
    parameters
}
