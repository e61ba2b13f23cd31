//! The parameters of `image-folder`: folders of pictures.

use eigenscope_stage::{Parameter, ParameterType};
use serde::Deserialize;
use serde_json::json;

use super::pictures::{ChannelChoice, GivenForm, form, pictures};
use super::shared::{class_names, listed_once, test_fraction};
use crate::error::IngestError;
use crate::folder::Use;

/// The parameters of `image-folder`: folders and pictures.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FolderParameters {
    folder: String,
    train: Vec<String>,
    test: Vec<String>,
    pub(crate) test_fraction: f64,
    size: Vec<usize>,
    channels: ChannelChoice,
    background: Vec<u8>,
    pub(crate) class_names: Vec<String>,
}

impl FolderParameters {
    /// The user's folders with the parameters that name them.
    pub(crate) fn folders(&self) -> Result<Vec<(&'static str, &str, Use)>, IngestError> {
        let empty = |name, list: &[String]| match list.iter().any(String::is_empty) {
            true => Err(IngestError::parameter(name, "expected a path, found none")),
            false => Ok(()),
        };
        empty("train", &self.train)?;
        empty("test", &self.test)?;
        listed_once("train", &self.train)?;
        listed_once("test", &self.test)?;
        match (self.folder.as_str(), self.train.is_empty()) {
            ("", true) => Err(IngestError::parameter(
                "folder",
                "give the folder of the pictures, or `train` and `test`",
            )),
            ("", false) => {
                let train = self
                    .train
                    .iter()
                    .map(|path| ("train", path.as_str(), Use::Train));
                let test = self
                    .test
                    .iter()
                    .map(|path| ("test", path.as_str(), Use::Test));
                Ok(train.chain(test).collect())
            }
            (folder, true) if self.test.is_empty() => Ok(vec![("folder", folder, Use::Whole)]),
            _ => Err(IngestError::parameter(
                "folder",
                "give either it or `train` and `test`",
            )),
        }
    }

    /// What the pictures are to be turned into.
    pub(crate) fn form(&self) -> Result<GivenForm, IngestError> {
        form(&self.size, self.channels, &self.background)
    }
}

/// Parameters of `image-folder`.
pub(crate) fn folder() -> Vec<Parameter> {
    let paths = || ParameterType::list(ParameterType::Text);
    let mut parameters = vec![
        Parameter::optional(
            "folder",
            ParameterType::Text,
            "",
            "folder with train/CLASS/* and test/CLASS/*, or with CLASS/*; relative to the data directory, or absolute",
        ),
        Parameter::optional(
            "train",
            paths(),
            json!([]),
            "in place of `folder`: folders with CLASS/* of training images",
        ),
        Parameter::optional(
            "test",
            paths(),
            json!([]),
            "folders with CLASS/* of test images; beside `train`",
        ),
        test_fraction(),
    ];
    parameters.extend(pictures());
    parameters.push(class_names());
    parameters
}
