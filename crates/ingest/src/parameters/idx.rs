//! The parameters of `idx`: files of images and of labels.

use eigenscope_stage::{Parameter, ParameterType};
use serde::Deserialize;

use super::online::{StatedFile, Texts, online, stated};
use super::shared::{NamedPath, class_names, first_label, test_fraction, transpose};
use crate::error::IngestError;
use crate::idx::Layout;

/// The parameters of `idx`: the user's files.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdxParameters {
    train_images: String,
    train_labels: String,
    test_images: String,
    test_labels: String,
    url: Texts,
    sha256: Texts,
    pub(crate) layout: Layout,
    pub(crate) transpose: bool,
    pub(crate) test_fraction: f64,
    pub(crate) first_label: i64,
    pub(crate) class_names: Vec<String>,
}

impl IdxParameters {
    /// The user's files by parameter, in the order training images, labels, test images, labels. `None` for test files that are
    /// not given.
    #[allow(clippy::type_complexity, reason = "two pairs of files")]
    pub(crate) fn files(
        &self,
    ) -> Result<([NamedPath<'_>; 2], Option<[NamedPath<'_>; 2]>), IngestError> {
        let train = [
            ("train_images", self.train_images.as_str()),
            ("train_labels", &self.train_labels),
        ];
        let test = [
            ("test_images", self.test_images.as_str()),
            ("test_labels", &self.test_labels),
        ];
        let has_test = test.iter().any(|(_, path)| !path.is_empty());
        let wanted = train.iter().chain(test.iter().filter(|_| has_test));
        match wanted.into_iter().find(|(_, path)| path.is_empty()) {
            Some((name, _)) => Err(IngestError::parameter(name, "expected a path, found none")),
            None => Ok((train, has_test.then_some(test))),
        }
    }

    /// What is stated about the files, in the order of [`files`](Self::files).
    pub(crate) fn stated(&self) -> Result<Vec<StatedFile<'_>>, IngestError> {
        let (train, test) = self.files()?;
        let files = train.into_iter().chain(test.into_iter().flatten());
        stated(files, &self.url, &self.sha256)
    }
}

/// Parameters of `idx`.
pub(crate) fn idx() -> Vec<Parameter> {
    let text = |what: &str| {
        format!(
            "IDX file of the {what}, plain or gzip; relative to the data directory, or absolute"
        )
    };
    let required = |name, what| Parameter::required(name, ParameterType::Text, &text(what));
    let optional = |name, what| Parameter::optional(name, ParameterType::Text, "", &text(what));
    let mut parameters = vec![
        required(
            "train_images",
            "training images (unsigned bytes, 3 or 4 dimensions)",
        ),
        required(
            "train_labels",
            "training labels (unsigned bytes, 1 dimension)",
        ),
        optional("test_images", "test images"),
        optional("test_labels", "test labels"),
    ];
    parameters.extend(online());
    parameters.extend([
        Parameter::optional(
            "layout",
            ParameterType::choice(&Layout::WORDS),
            Layout::WORDS[0],
            "order of the sizes of colour images: channels-first is [images, channels, height, width], channels-last is [images, height, width, channels]; auto is channels-first, and refuses files that look like channels-last",
        ),
        transpose(),
        test_fraction(),
        first_label(),
        class_names(),
    ]);
    parameters
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn idx_with(name: &str, value: Value) -> IdxParameters {
        let described = idx().into_iter();
        let given =
            described.map(|parameter| (parameter.name, parameter.default.unwrap_or(json!("path"))));
        let mut all = Value::from(given.collect::<serde_json::Map<_, _>>());
        all[name] = value;
        serde_json::from_value(all).expect("valid")
    }

    #[test]
    fn described_layouts_are_the_ones_that_can_be_read() {
        let layouts = Layout::WORDS.map(|word| idx_with("layout", json!(word)).layout);
        let expected = [Layout::Auto, Layout::ChannelsFirst, Layout::ChannelsLast];
        assert_eq!(layouts, expected);
    }

    #[test]
    fn an_empty_path_is_no_file() {
        let without = idx_with("transpose", json!(true));
        assert_eq!(without.files().expect("two paths").1, None);
        for (name, value) in [("test_images", "x"), ("train_labels", "")] {
            let error = idx_with(name, json!(value))
                .files()
                .expect_err("one path is missing");
            assert!(
                error.to_string().ends_with("expected a path, found none"),
                "{error}"
            );
        }
    }
}
