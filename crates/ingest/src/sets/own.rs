//! The user's own files: found, joined, checked, split.

use std::path::{Path, PathBuf};

use eigenscope_artifact::{ImageHeader, Images, SourceCheck, Split, digest_file};
use eigenscope_stage::{Context, ExternalFile, TaskError};

use super::reading::exists;
use super::{online, write_split};
use crate::content::relative;
use crate::error::{IngestError, Unavailable, shown};
use crate::parameters::{NamedPath, Parameters, StatedFile};
use crate::{coverage, duplicates, rows};

/// Largest number of pixel bytes of a data set, which is held in memory.
pub(super) const MAXIMUM_BYTES: u64 = 1 << 32;

/// The files of a data set by the parameters that name them: those of training (or of all) images, then of test images.
pub(super) struct Files {
    pub(super) train: Vec<PathBuf>,
    pub(super) test: Vec<PathBuf>,
}

/// The path of a file that the parameter `name` gives.
pub(super) fn find(
    data_dir: &Path,
    name: &'static str,
    path: &str,
) -> Result<PathBuf, IngestError> {
    let path = data_dir.join(path);
    if exists(&path)? {
        return Ok(path);
    }
    let packed = PathBuf::from(format!("{}.gz", path.display()));
    let found = match exists(&packed)? {
        true => format!(
            "; there is {}: give that, it need not be unpacked",
            shown(packed)
        ),
        false => String::new(),
    };
    let reason = format!(
        "there is no file {}{found}; give a path relative to the data directory or an absolute one",
        shown(path)
    );
    Err(IngestError::parameter(name, reason))
}

/// Why a run without downloads would not find one of the files that parameters name.
pub(crate) fn lacking_own(
    data_dir: &Path,
    files: &[NamedPath<'_>],
    stated: &[StatedFile<'_>],
) -> Option<IngestError> {
    files.iter().find_map(|&(name, path)| {
        let not_there = find(data_dir, name, path).err()?;
        let is_online = |file: &&StatedFile<'_>| file.path == path && file.url.is_some();
        Some(match stated.iter().find(is_online) {
            Some(file) => online::missing(data_dir, file.path, Unavailable::NotYet),
            None => not_there,
        })
    })
}

impl Files {
    /// The files of training and of test images that parameters name, downloaded if that is stated.
    pub(super) fn find(
        context: &Context,
        stated: &[StatedFile<'_>],
        [train, test]: [Vec<NamedPath<'_>>; 2],
    ) -> Result<Self, IngestError> {
        online::ensure(context, stated)?;
        let all = |files: Vec<NamedPath<'_>>| {
            let paths = files
                .into_iter()
                .map(|(name, path)| find(&context.task().data_dir, name, path));
            paths.collect::<Result<Vec<_>, _>>()
        };
        Ok(Self {
            train: all(train)?,
            test: all(test)?,
        })
    }
}

/// Reports a file that is about to be read by other means than [`read_file`](super::reading::read_file).
///
/// A change of it from now on is noticed by the next survey.
pub(super) fn report(context: &Context, path: &Path) -> Result<(), IngestError> {
    let digest = digest_file(path)?;
    let path = relative(path, &context.task().data_dir);
    context.depends_on(ExternalFile::new(path, digest));
    Ok(())
}

/// Images and labels of one or more files.
#[derive(Debug)]
pub(super) struct Part {
    /// The first of the files.
    pub(super) path: PathBuf,
    /// `[channels, height, width]`.
    pub(super) shape: [usize; 3],
    pub(super) pixels: Vec<u8>,
    pub(super) labels: Vec<i64>,
}

impl Part {
    /// Joins the parts of several files.
    pub(super) fn joined(parts: Vec<Part>) -> Result<Option<Part>, IngestError> {
        let mut parts = parts.into_iter();
        let Some(mut whole) = parts.next() else {
            return Ok(None);
        };
        for part in parts {
            same_shape(&whole, &part)?;
            whole.pixels.extend(part.pixels);
            whole.labels.extend(part.labels);
        }
        Ok(Some(whole))
    }

    fn values(&self) -> usize {
        self.shape.iter().product()
    }
}

fn same_shape(one: &Part, other: &Part) -> Result<(), IngestError> {
    if one.shape == other.shape {
        return Ok(());
    }
    let [channels, height, width] = one.shape;
    let fix = match other.shape == [channels, width, height] {
        true => "are the images of one of them transposed?",
        false => "give the files of one data set",
    };
    if one.path == other.path {
        return Err(IngestError::Labels {
            path: one.path.clone(),
            reason: format!(
                "training images of {:?} and test images of {:?} (channels, height, width) cannot be of one data set: make them \
                 of one size",
                one.shape, other.shape
            ),
        });
    }
    Err(IngestError::Mismatch {
        first: one.path.clone(),
        second: other.path.clone(),
        reason: format!(
            "images of {:?} and {:?} (channels, height, width); {fix}",
            one.shape, other.shape
        ),
    })
}

/// Largest value of pixels that are probably not meant to be of 0 to 255.
const MAXIMUM_DARK: u8 = 16;

/// Warns about images whose values are all near 0, where the user gave no range.
pub(super) fn warn_if_dark(context: &Context, range: &[f64], train: &Part, test: Option<&Part>) {
    let parts = std::iter::once(train).chain(test);
    let largest = parts.flat_map(|part| &part.pixels).copied().max();
    let warning = match largest {
        Some(0) => "every value is 0: all images are black".to_owned(),
        Some(1) => {
            "the largest value is 1, and values of 0 to 255 are expected: set `range = [0, 1]`"
                .to_owned()
        }
        Some(largest @ 2..=MAXIMUM_DARK) => format!(
            "the images use only 0 to {largest} of 0 to 255: set `range = [0, {largest}]` if {largest} is white"
        ),
        _ => return,
    };
    if range.is_empty() {
        context.warn(warning);
    }
}

/// What labels mean.
#[derive(Debug, Clone, Copy)]
pub(super) struct Labelling<'a> {
    /// The label of the first class.
    pub(super) first_label: i64,
    /// The names that the user gave; empty: none.
    pub(super) class_names: &'a [String],
    /// The names in the files.
    pub(super) known: Option<&'a [String]>,
}

impl Labelling<'_> {
    /// Names of the classes, and the labels of both parts counted from 0.
    fn apply(self, parts: [&Part; 2]) -> Result<(Vec<String>, [Vec<u16>; 2]), IngestError> {
        let first = self.first_label;
        let given = coverage::names(self.known, self.class_names)?;
        let mut counted = [Vec::new(), Vec::new()];
        let limit = given.as_ref().map_or(1 << 16, Vec::len);
        for (part, counted) in parts.into_iter().zip(&mut counted) {
            for (image, label) in part.labels.iter().enumerate() {
                let class = label
                    .checked_sub(first)
                    .and_then(|class| u16::try_from(class).ok());
                match class.filter(|class| usize::from(*class) < limit) {
                    Some(class) => counted.push(class),
                    None => return Err(self.outside(part, image, *label, limit)),
                }
            }
        }
        let largest = counted.iter().flatten().max().copied().unwrap_or(0);
        let numbers = || {
            (0..=i64::from(largest))
                .map(|class| (class + first).to_string())
                .collect()
        };
        Ok((given.unwrap_or_else(numbers), counted))
    }

    /// A warning about labels that probably begin elsewhere.
    fn warning(self, parts: [&Part; 2]) -> Option<String> {
        let labels = parts.iter().flat_map(|part| &part.labels);
        let smallest = labels.copied().min()?;
        let first = self.first_label;
        (self.known.is_none() && self.class_names.is_empty() && smallest > first).then(|| {
            format!(
                "no image has the label {first}: if labels begin at {smallest}, set `first_label = {smallest}`"
            )
        })
    }

    fn outside(self, part: &Part, image: usize, label: i64, limit: usize) -> IngestError {
        let last = self.first_label + limit as i64 - 1;
        let first = self.first_label;
        let smallest = part.labels.iter().min().copied().unwrap_or(first);
        let fix =
            match smallest != first && label < first || (label > last && smallest == first + 1) {
                true => format!("do labels begin at {smallest}? set `first_label = {smallest}`"),
                false => "the file is damaged, or `class_names` are too few".to_owned(),
            };
        IngestError::Labels {
            path: part.path.clone(),
            reason: format!(
                "label of image {image}: expected {first} to {last}, found {label}; {fix}"
            ),
        }
    }
}

/// Joins training and test images, or takes a part of the training images for testing, and writes the artifact.
pub(super) fn finish(
    context: &Context,
    parameters: &Parameters,
    labelling: Labelling<'_>,
    test_fraction: f64,
    train: Part,
    test: Option<Part>,
) -> Result<(), TaskError> {
    let is_split = test.is_none();
    let test = test.unwrap_or_else(|| Part {
        path: train.path.clone(),
        shape: train.shape,
        pixels: Vec::new(),
        labels: Vec::new(),
    });
    same_shape(&train, &test)?;
    for part in [&train, &test] {
        debug_assert_eq!(part.pixels.len(), part.labels.len() * part.values());
    }
    let (classes, [train_labels, test_labels]) = labelling.apply([&train, &test])?;
    context.warn_all(labelling.warning([&train, &test]));
    let [channels, height, width] = train.shape;
    let split = |labels: Vec<u16>, pixels| Split {
        // At most 2^32 bytes of pixels: the count fits.
        indices: (0..labels.len() as u32).collect(),
        labels,
        pixels,
    };
    let mut images = Images {
        header: ImageHeader {
            height,
            width,
            channels,
            maximum: u8::MAX,
            classes,
            transforms: Vec::new(),
            source: SourceCheck::Unpublished,
        },
        train: split(train_labels, train.pixels),
        test: split(test_labels, test.pixels),
    };
    if is_split {
        rows::split_off_test(&mut images, test_fraction, context.seed());
    }
    context.warn_all(duplicates::Duplicates::of(&images).warning());
    write_split(context, parameters, images, is_split)
}
