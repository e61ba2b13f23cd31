//! The parameters of the task kinds: how they are described, and how they are read and checked.

use eigenscope_artifact::PixelTransform;
use eigenscope_stage::{Amount, Effect, Parameter, ParameterType, Relation, Variant, quantities};
use serde::Deserialize;
use serde_json::json;

use crate::arrays::AxisOrder;
use crate::csv::LabelColumn;
use crate::emnist::EmnistSplit;
use crate::error::IngestError;
use crate::folder::Use;
use crate::idx::Layout;
use crate::picture::Channels;

/// The parameters of the published data sets.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Parameters {
    pub(crate) transforms: Vec<PixelTransform>,
    train_fraction: f64,
    train_count: usize,
    pub(crate) classes: Vec<usize>,
    pub(crate) similarity_label: SimilarityLabel,
}

/// The parameters of `idx`: the user's files, and those of the published data sets.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct IdxParameters {
    train_images: String,
    train_labels: String,
    test_images: String,
    test_labels: String,
    pub(crate) layout: Layout,
    pub(crate) transpose: bool,
    pub(crate) test_fraction: f64,
    pub(crate) first_label: i64,
    pub(crate) class_names: Vec<String>,
    transforms: Vec<PixelTransform>,
    train_fraction: f64,
    train_count: usize,
    classes: Vec<usize>,
    similarity_label: SimilarityLabel,
}

/// The parameters of `image-folder`: folders and pictures, and those of the published data sets.
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
    transforms: Vec<PixelTransform>,
    train_fraction: f64,
    train_count: usize,
    classes: Vec<usize>,
    similarity_label: SimilarityLabel,
}

/// The parameters of `npz`: files, arrays and what they mean, and those of the published data sets.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NpzParameters {
    pub(crate) file: String,
    pub(crate) train: Vec<String>,
    pub(crate) test: Vec<String>,
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
    transforms: Vec<PixelTransform>,
    train_fraction: f64,
    train_count: usize,
    classes: Vec<usize>,
    similarity_label: SimilarityLabel,
}

/// The parameters of `csv`: files and columns, and those of the published data sets.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CsvParameters {
    pub(crate) file: String,
    pub(crate) train: Vec<String>,
    pub(crate) test: Vec<String>,
    pub(crate) label: LabelColumn,
    pub(crate) test_fraction: f64,
    pub(crate) range: Vec<f64>,
    pub(crate) layout: AxisOrder,
    shape: Vec<usize>,
    pub(crate) transpose: bool,
    pub(crate) first_label: i64,
    pub(crate) class_names: Vec<String>,
    transforms: Vec<PixelTransform>,
    train_fraction: f64,
    train_count: usize,
    classes: Vec<usize>,
    similarity_label: SimilarityLabel,
}

/// The parameters of `parquet`: files, columns and what they hold, and those of the published data sets.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ParquetParameters {
    pub(crate) file: String,
    pub(crate) train: Vec<String>,
    pub(crate) test: Vec<String>,
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
    transforms: Vec<PixelTransform>,
    train_fraction: f64,
    train_count: usize,
    classes: Vec<usize>,
    similarity_label: SimilarityLabel,
}

/// The parameters of `emnist`: which of its data sets, and those of the published ones.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmnistParameters {
    pub(crate) split: EmnistSplit,
    transforms: Vec<PixelTransform>,
    train_fraction: f64,
    train_count: usize,
    classes: Vec<usize>,
    similarity_label: SimilarityLabel,
}

/// The channels that pictures are to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ChannelChoice {
    /// Grey if all pictures are.
    Auto,
    Grey,
    Rgb,
}

/// What pictures are to be turned into, as far as that is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GivenForm {
    pub(crate) channels: Option<Channels>,
    /// `[height, width]`.
    pub(crate) size: Option<[usize; 2]>,
    pub(crate) background: Option<[u8; 3]>,
}

/// Binary labels by similarity with one training image.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum SimilarityLabel {
    /// The labels of the source.
    None,
    /// Whether an image resembles a training image or its inverse.
    SimilarTo {
        /// Position in the training file.
        train_image: usize,
        /// Cosine above which images are similar.
        threshold: f64,
    },
}

/// The training rows that are kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Subset {
    All,
    /// This part of them, rounded to the nearest number of rows.
    Fraction(f64),
    /// This number of them.
    Count(usize),
}

impl Parameters {
    /// The checked choice between `train_fraction` and `train_count`.
    pub(crate) fn subset(&self) -> Result<Subset, IngestError> {
        let fraction = self.train_fraction;
        if !(fraction > 0.0 && fraction <= 1.0) {
            return Err(IngestError::parameter(
                "train_fraction",
                format!("expected more than 0 and at most 1, found {fraction}"),
            ));
        }
        match self.train_count {
            0 if fraction == 1.0 => Ok(Subset::All),
            0 => Ok(Subset::Fraction(fraction)),
            count if fraction == 1.0 => Ok(Subset::Count(count)),
            _ => Err(IngestError::parameter(
                "train_count",
                "give either it or `train_fraction`",
            )),
        }
    }
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
}

/// A parameter, and the path that it gives.
pub(crate) type NamedPath<'a> = (&'static str, &'a str);

impl FolderParameters {
    /// The user's folders with the parameters that name them.
    pub(crate) fn folders(&self) -> Result<Vec<(&'static str, &str, Use)>, IngestError> {
        let empty = |name, list: &[String]| match list.iter().any(String::is_empty) {
            true => Err(IngestError::parameter(name, "expected a path, found none")),
            false => Ok(()),
        };
        empty("train", &self.train)?;
        empty("test", &self.test)?;
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

/// What pictures are to be turned into.
fn form(
    size: &[usize],
    channels: ChannelChoice,
    background: &[u8],
) -> Result<GivenForm, IngestError> {
    let size = match *size {
        [] => None,
        [height, width] => Some([height, width]),
        _ => {
            let reason = format!("expected [height, width], found {size:?}");
            return Err(IngestError::parameter("size", reason));
        }
    };
    let background = match *background {
        [] => None,
        [grey] => Some([grey; 3]),
        [red, green, blue] => Some([red, green, blue]),
        _ => {
            let reason = format!("expected [grey] or [red, green, blue], found {background:?}");
            return Err(IngestError::parameter("background", reason));
        }
    };
    let channels = match channels {
        ChannelChoice::Auto => None,
        ChannelChoice::Grey => Some(Channels::Grey),
        ChannelChoice::Rgb => Some(Channels::Rgb),
    };
    Ok(GivenForm {
        channels,
        size,
        background,
    })
}

/// A height and a width, or channels, height and width.
fn shape(given: &[usize]) -> Result<Option<[usize; 3]>, IngestError> {
    match *given {
        [] => Ok(None),
        [height, width] => Ok(Some([1, height, width])),
        [channels, height, width] => Ok(Some([channels, height, width])),
        _ => Err(IngestError::parameter(
            "shape",
            format!("expected [height, width] or [channels, height, width], found {given:?}"),
        )),
    }
}

impl NpzParameters {
    /// The shape of images that are stored flat.
    pub(crate) fn shape(&self) -> Result<Option<[usize; 3]>, IngestError> {
        shape(&self.shape)
    }
}

impl ParquetParameters {
    /// The shape of images with a column a pixel.
    pub(crate) fn shape(&self) -> Result<Option<[usize; 3]>, IngestError> {
        shape(&self.shape)
    }

    /// What encoded pictures are to be turned into.
    pub(crate) fn form(&self) -> Result<GivenForm, IngestError> {
        form(&self.size, self.channels, &self.background)
    }
}

impl CsvParameters {
    /// The shape of the images.
    pub(crate) fn shape(&self) -> Result<Option<[usize; 3]>, IngestError> {
        shape(&self.shape)
    }
}

impl IdxParameters {
    /// Those that the published data sets have, too.
    pub(crate) fn common(&self) -> Parameters {
        Parameters {
            transforms: self.transforms.clone(),
            train_fraction: self.train_fraction,
            train_count: self.train_count,
            classes: self.classes.clone(),
            similarity_label: self.similarity_label,
        }
    }
}

impl FolderParameters {
    /// Those that the published data sets have, too.
    pub(crate) fn common(&self) -> Parameters {
        Parameters {
            transforms: self.transforms.clone(),
            train_fraction: self.train_fraction,
            train_count: self.train_count,
            classes: self.classes.clone(),
            similarity_label: self.similarity_label,
        }
    }
}

impl NpzParameters {
    /// Those that the published data sets have, too.
    pub(crate) fn common(&self) -> Parameters {
        Parameters {
            transforms: self.transforms.clone(),
            train_fraction: self.train_fraction,
            train_count: self.train_count,
            classes: self.classes.clone(),
            similarity_label: self.similarity_label,
        }
    }
}

impl CsvParameters {
    /// Those that the published data sets have, too.
    pub(crate) fn common(&self) -> Parameters {
        Parameters {
            transforms: self.transforms.clone(),
            train_fraction: self.train_fraction,
            train_count: self.train_count,
            classes: self.classes.clone(),
            similarity_label: self.similarity_label,
        }
    }
}

impl EmnistParameters {
    /// Those that the published data sets have, too.
    pub(crate) fn common(&self) -> Parameters {
        Parameters {
            transforms: self.transforms.clone(),
            train_fraction: self.train_fraction,
            train_count: self.train_count,
            classes: self.classes.clone(),
            similarity_label: self.similarity_label,
        }
    }
}

impl ParquetParameters {
    /// Those that the published data sets have, too.
    pub(crate) fn common(&self) -> Parameters {
        Parameters {
            transforms: self.transforms.clone(),
            train_fraction: self.train_fraction,
            train_count: self.train_count,
            classes: self.classes.clone(),
            similarity_label: self.similarity_label,
        }
    }
}

/// Parameters of every task kind.
pub(crate) fn common() -> Vec<Parameter> {
    let number = || ParameterType::between(f64::MIN, f64::MAX);
    let side = || ParameterType::Integer {
        minimum: 1,
        maximum: 4096,
    };
    let transform = ParameterType::OneOf(vec![
        Variant::new("scale", Vec::new()),
        Variant::new(
            "normalise",
            vec![
                Parameter::required(
                    "mean",
                    ParameterType::list(number()),
                    "mean of each channel, in units of the values at this point of the list",
                ),
                Parameter::required(
                    "std",
                    ParameterType::list(ParameterType::positive(f64::MAX)),
                    "standard deviation of each channel, positive",
                ),
            ],
        )
        .with(["mean", "std"].into_iter().flat_map(|list| {
            let channels = quantities::CHANNELS;
            let one_each = "a mean and a standard deviation are given for every channel";
            [
                Effect::demands(Amount::items(list), Relation::Equals, channels, one_each),
                // Known from here on, if it was not.
                Effect::sets(channels, Amount::items(list)),
            ]
        })),
        Variant::new("grey", Vec::new()).with([
            Effect::demands(
                Amount::Fixed(3),
                Relation::Equals,
                quantities::CHANNELS,
                "grey values are made from red, green and blue",
            ),
            Effect::sets(quantities::CHANNELS, Amount::Fixed(1)),
        ]),
        Variant::new(
            "resize",
            vec![
                Parameter::required("height", side(), "new height in pixels"),
                Parameter::required("width", side(), "new width in pixels"),
            ],
        )
        .with([
            Effect::sets(quantities::HEIGHT, Amount::parameter("height")),
            Effect::sets(quantities::WIDTH, Amount::parameter("width")),
        ]),
    ]);
    let similarity = ParameterType::OneOf(vec![
        Variant::new("none", Vec::new()),
        Variant::new(
            "similar-to",
            vec![
                Parameter::required(
                    "train_image",
                    ParameterType::at_least(0),
                    "position of the image in the training file, from 0",
                ),
                Parameter::required(
                    "threshold",
                    ParameterType::between(-1.0, 1.0),
                    "cosine above which an image is similar",
                ),
            ],
        )
        .with([
            Effect::demands(
                Amount::parameter("train_image"),
                Relation::Below,
                quantities::TRAINING_IMAGES,
                "an image is named by its position in the training file",
            ),
            Effect::sets(quantities::CLASSES, Amount::Fixed(2)),
        ]),
    ]);
    vec![
        Parameter::optional(
            "transforms",
            ParameterType::list(transform),
            json!(["scale"]),
            "steps from stored pixels to network inputs, in order",
        ),
        Parameter::optional(
            "similarity_label",
            similarity,
            "none",
            "two classes instead of the source's: 1 where the cosine with a training image or with its inverse is above a threshold (first row transform; the cosine of an empty image is 0)",
        ),
        Parameter::optional(
            "classes",
            ParameterType::set(ParameterType::Integer {
                minimum: 0,
                maximum: i64::from(u16::MAX),
            }),
            json!([]),
            "labels to keep, renumbered in this order; empty: all (second row transform)",
        )
        .with([
            Effect::demands(
                Amount::parameter("classes"),
                Relation::Below,
                quantities::CLASSES,
                "a class is named by its label",
            ),
            Effect::sets(quantities::CLASSES, Amount::items("classes")),
            Effect::forgets(quantities::TRAINING_IMAGES),
        ]),
        Parameter::optional(
            "train_fraction",
            ParameterType::positive(1.0),
            1.0,
            "part of the training images to keep, chosen by the seed (third row transform; the test images all stay)",
        )
        .with([Effect::forgets(quantities::TRAINING_IMAGES)]),
        Parameter::optional(
            "train_count",
            ParameterType::at_least(0),
            0,
            "number of training images to keep instead of a fraction, chosen by the seed; 0: all",
        )
        .instead_of("train_fraction")
        .with([
            Effect::demands(
                Amount::parameter("train_count"),
                Relation::AtMost,
                quantities::TRAINING_IMAGES,
                "images are kept, not repeated",
            ),
            Effect::sets(
                quantities::TRAINING_IMAGES,
                Amount::parameter("train_count"),
            ),
        ]),
    ]
}

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
    ];
    parameters.extend(common());
    parameters
}

/// Parameters of `npz`.
pub(crate) fn npz() -> Vec<Parameter> {
    let array = |name, default: &str, what: &str| {
        let summary = format!("name of the array of {what}");
        Parameter::optional(name, ParameterType::Text, default, &summary)
    };
    let mut parameters = files("`.npz` file with the arrays").to_vec();
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
    parameters.extend(common());
    parameters
}

/// Parameters of `csv`.
pub(crate) fn csv() -> Vec<Parameter> {
    let mut parameters =
        files("table with a label and a pixel in each column, plain or gzip").to_vec();
    parameters.push(Parameter::optional(
        "label",
        ParameterType::Either(vec![
            ParameterType::Integer {
                minimum: -(1 << 30),
                maximum: 1 << 30,
            },
            ParameterType::Text,
        ]),
        "",
        "column of the labels: its name in the header, or its position from 0 (-1: the last); empty: `label`, `class`, `target`, `digit` or `y`, else the first",
    ));
    parameters.extend(values());
    parameters.extend(common());
    parameters
}

/// Parameters of `parquet`.
pub(crate) fn parquet() -> Vec<Parameter> {
    let mut parameters = files("Parquet table").to_vec();
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
    parameters.extend(common());
    parameters
}

/// Parameters of `emnist`.
pub(crate) fn emnist() -> Vec<Parameter> {
    let mut parameters = vec![Parameter::optional(
        "split",
        ParameterType::choice(&EmnistSplit::WORDS),
        EmnistSplit::WORDS[0],
        "which of the six data sets of EMNIST",
    )];
    parameters.extend(common());
    parameters
}

/// Parameters that name files of users.
fn files(what: &str) -> [Parameter; 3] {
    let paths = || ParameterType::list(ParameterType::Text);
    let summary = format!("{what}; relative to the data directory, or absolute");
    [
        Parameter::optional("file", ParameterType::Text, "", &summary),
        Parameter::optional(
            "train",
            paths(),
            json!([]),
            "in place of `file`: files of training images, joined in this order",
        ),
        Parameter::optional(
            "test",
            paths(),
            json!([]),
            "files of test images; beside `train`",
        ),
    ]
}

/// Parameters that say what numbers mean.
fn values() -> [Parameter; 7] {
    [
        test_fraction(),
        Parameter::optional(
            "range",
            ParameterType::list(ParameterType::between(f64::MIN, f64::MAX)),
            json!([]),
            "[black, white]: the values that become 0 and 255; empty: whole numbers of 0 to 255 are kept",
        ),
        Parameter::optional(
            "layout",
            ParameterType::choice(&AxisOrder::WORDS),
            AxisOrder::WORDS[0],
            "where the channels of colour images stand: channels-first is [images, channels, height, width], channels-last is [images, height, width, channels]; auto: where the size is 1, 3 or 4",
        ),
        Parameter::optional(
            "shape",
            ParameterType::list(ParameterType::at_least(1)),
            json!([]),
            "[height, width] or [channels, height, width] of images that are stored as rows of values; empty: square and grey",
        ),
        transpose(),
        first_label(),
        class_names(),
    ]
}

fn transpose() -> Parameter {
    Parameter::optional(
        "transpose",
        ParameterType::Boolean,
        false,
        "exchange height and width: images are stored column by column",
    )
}

fn first_label() -> Parameter {
    Parameter::optional(
        "first_label",
        ParameterType::Integer {
            minimum: -(1 << 30),
            maximum: 1 << 30,
        },
        0,
        "label of the first class",
    )
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
    parameters.extend(common());
    parameters
}

/// Parameters that say what pictures are turned into.
fn pictures() -> [Parameter; 3] {
    [
        Parameter::optional(
            "size",
            ParameterType::list(ParameterType::Integer {
                minimum: 1,
                maximum: 4096,
            }),
            json!([]),
            "[height, width] to which all pictures are resized (bilinear with antialiasing, as Pillow); empty: they have one size",
        ),
        Parameter::optional(
            "channels",
            ParameterType::choice(&["auto", "grey", "rgb"]),
            "auto",
            "grey (0.299 R + 0.587 G + 0.114 B) or rgb; auto is grey if all pictures are",
        ),
        Parameter::optional(
            "background",
            ParameterType::list(ParameterType::Integer {
                minimum: 0,
                maximum: 255,
            }),
            json!([]),
            "colour behind transparent pixels, [grey] or [red, green, blue] of 0 to 255; empty: they are refused",
        ),
    ]
}

/// The part of one set that becomes its test images.
pub(crate) fn test_fraction() -> Parameter {
    Parameter::optional(
        "test_fraction",
        ParameterType::between(0.001, 0.999),
        0.2,
        "where there is one set only: part of the images of every class that is for testing, chosen by the seed",
    )
}

/// Names of the classes.
pub(crate) fn class_names() -> Parameter {
    Parameter::optional(
        "class_names",
        ParameterType::list(ParameterType::Text),
        json!([]),
        "names of the classes in the order of their labels; empty: those of the source",
    )
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn defaults() -> Value {
        common()
            .into_iter()
            .filter_map(|parameter| Some((parameter.name, parameter.default?)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    fn with(name: &str, value: Value) -> Parameters {
        let mut all = defaults();
        all[name] = value;
        serde_json::from_value(all).expect("valid")
    }

    fn idx_with(name: &str, value: Value) -> IdxParameters {
        let mut all = defaults();
        for parameter in idx() {
            all[parameter.name] = parameter.default.unwrap_or(json!("path"));
        }
        all[name] = value;
        serde_json::from_value(all).expect("valid")
    }

    #[test]
    fn the_defaults_change_nothing() {
        let parameters: Parameters = serde_json::from_value(defaults()).expect("valid");
        assert_eq!(parameters.transforms, [PixelTransform::Scale]);
        assert_eq!(parameters.subset().expect("valid"), Subset::All);
        assert_eq!(parameters.similarity_label, SimilarityLabel::None);
        assert!(parameters.classes.is_empty());
    }

    #[test]
    fn described_variants_are_the_ones_that_can_be_read() {
        let parameters = with(
            "transforms",
            json!(["scale", {"normalise": {"mean": [0.5], "std": [1]}}, "grey", {"resize": {"height": 2, "width": 3}}]),
        );
        assert_eq!(parameters.transforms.len(), 4);
        let parameters = with(
            "similarity_label",
            json!({"similar-to": {"train_image": 6, "threshold": 0.4}}),
        );
        assert_eq!(
            parameters.similarity_label,
            SimilarityLabel::SimilarTo {
                train_image: 6,
                threshold: 0.4
            }
        );
    }

    #[test]
    fn fraction_and_count_exclude_each_other() {
        assert_eq!(
            with("train_fraction", json!(0.25)).subset().expect("valid"),
            Subset::Fraction(0.25)
        );
        assert_eq!(
            with("train_count", json!(7)).subset().expect("valid"),
            Subset::Count(7)
        );
        assert!(with("train_fraction", json!(0.0)).subset().is_err());
        let mut both = with("train_fraction", json!(0.25));
        both.train_count = 7;
        let error = both.subset().expect_err("both given").to_string();
        assert_eq!(error, "`train_count`: give either it or `train_fraction`");
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

    #[test]
    fn unknown_parameters_are_refused() {
        let mut all = defaults();
        all["fraction"] = json!(0.5);
        assert!(serde_json::from_value::<Parameters>(all).is_err());
    }
}
