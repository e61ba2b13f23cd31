//! Parameters that several kinds of users' files have: which files, what numbers mean, labels and the test images.

use eigenscope_stage::{Parameter, ParameterType};
use serde_json::json;

use crate::arrays::AxisOrder;
use crate::error::{IngestError, shown};

/// Parameters that name files of users.
pub(super) fn files(what: &str) -> [Parameter; 3] {
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

/// A parameter, and the path that it gives.
pub(crate) type NamedPath<'a> = (&'static str, &'a str);

/// The files of training (or of all) images, then those of test images, with the parameters that name them.
///
/// # Errors
/// None is given, or both the only one and lists, or one is listed twice.
pub(super) fn named_files<'a>(
    file: &'a str,
    train: &'a [String],
    test: &'a [String],
) -> Result<[Vec<NamedPath<'a>>; 2], IngestError> {
    let refused = |reason| Err(IngestError::parameter("file", reason));
    listed_once("train", train)?;
    listed_once("test", test)?;
    let all = |name, paths: &'a [String]| paths.iter().map(move |path| (name, path.as_str()));
    match (file, train) {
        ("", []) => refused("give the file, or lists of files as `train` and `test`"),
        ("", train) => Ok([all("train", train).collect(), all("test", test).collect()]),
        (file, []) if test.is_empty() => Ok([vec![("file", file)], Vec::new()]),
        _ => refused("give either it or `train` and `test`"),
    }
}

/// Refuses a path that a list has twice: its images would count twice.
pub(super) fn listed_once(name: &'static str, paths: &[String]) -> Result<(), IngestError> {
    let is_again = |at: &usize| paths[..*at].contains(&paths[*at]);
    match (0..paths.len()).find(is_again) {
        Some(at) => {
            let path = shown(&paths[at]);
            let reason = format!("{path} is listed twice: leave one of them out");
            Err(IngestError::parameter(name, reason))
        }
        None => Ok(()),
    }
}

/// Parameters that say what numbers mean.
pub(super) fn values() -> [Parameter; 7] {
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

/// A height and a width, or channels, height and width.
pub(super) fn shape(given: &[usize]) -> Result<Option<[usize; 3]>, IngestError> {
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

/// Refuses a label of the first class where labels are names.
pub(crate) fn no_first_label(first_label: i64) -> Result<(), IngestError> {
    match first_label {
        0 => Ok(()),
        _ => Err(IngestError::parameter(
            "first_label",
            "the labels are names, which are not counted: leave it out",
        )),
    }
}

pub(super) fn transpose() -> Parameter {
    Parameter::optional(
        "transpose",
        ParameterType::Boolean,
        false,
        "exchange height and width: images are stored column by column",
    )
}

pub(super) fn first_label() -> Parameter {
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

/// The part of one set that becomes its test images.
pub(super) fn test_fraction() -> Parameter {
    Parameter::optional(
        "test_fraction",
        ParameterType::between(0.001, 0.999),
        0.2,
        "where there is one set only: part of the images of every class that is for testing, chosen by the seed",
    )
}

/// Names of the classes.
pub(super) fn class_names() -> Parameter {
    Parameter::optional(
        "class_names",
        ParameterType::list(ParameterType::Text),
        json!([]),
        "names of the classes in the order of their labels; empty: those of the source",
    )
}
