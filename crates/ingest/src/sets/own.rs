//! The user's own files: found, joined, checked, split.

use std::path::{Path, PathBuf};

use eigenscope_artifact::{ImageHeader, Images, SourceCheck, Split, digest_file};
use eigenscope_stage::{Context, ExternalFile, TaskError};

use super::reading::exists;
use super::{online, write_split};
use crate::content::relative;
use crate::error::{IngestError, Unavailable, shown};
use crate::labels::{Labelling, SplitLabels};
use crate::parameters::{NamedPath, Parameters, StatedFile};
use crate::{duplicates, rows};

/// Largest number of pixel bytes of the training images of a data set, and of the test images, which are held in memory.
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
pub(crate) fn lacking_own<'a>(
    data_dir: &Path,
    files: impl IntoIterator<Item = &'a NamedPath<'a>>,
    stated: &[StatedFile<'_>],
) -> Option<IngestError> {
    files.into_iter().find_map(|&(name, path)| {
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
        Self::joined_within(parts, MAXIMUM_BYTES)
    }

    /// Joins parts of at most so many bytes of pixels together.
    fn joined_within(parts: Vec<Part>, most: u64) -> Result<Option<Part>, IngestError> {
        let mut parts = parts.into_iter();
        let Some(mut whole) = parts.next() else {
            return Ok(None);
        };
        for part in parts {
            same_shape((&whole.path, whole.shape), (&part.path, part.shape))?;
            let bytes = whole.pixels.len() as u64 + part.pixels.len() as u64;
            if bytes > most {
                return Err(IngestError::Labels {
                    path: part.path,
                    reason: format!(
                        "with this file there are {bytes} values, at most {most} are read: give fewer images, or smaller ones"
                    ),
                });
            }
            whole.pixels.extend(part.pixels);
            whole.labels.extend(part.labels);
        }
        Ok(Some(whole))
    }

    fn values(&self) -> usize {
        self.shape.iter().product()
    }

    fn split_labels(&self) -> SplitLabels<'_> {
        SplitLabels {
            path: &self.path,
            labels: &self.labels,
        }
    }
}

/// Refuses images of two shapes `[channels, height, width]`, of training and test images if they are in one file.
pub(crate) fn same_shape(
    (path, shape): (&Path, [usize; 3]),
    (other_path, other): (&Path, [usize; 3]),
) -> Result<(), IngestError> {
    if shape == other {
        return Ok(());
    }
    let [channels, height, width] = shape;
    let fix = match other == [channels, width, height] {
        true => "are the images of one of them transposed?",
        false => "give the files of one data set",
    };
    if path == other_path {
        return Err(IngestError::Labels {
            path: path.to_owned(),
            reason: format!(
                "training images of {shape:?} and test images of {other:?} (channels, height, width) cannot be of one data set: make \
                 them of one size"
            ),
        });
    }
    Err(IngestError::Mismatch {
        first: path.to_owned(),
        second: other_path.to_owned(),
        reason: format!("images of {shape:?} and {other:?} (channels, height, width); {fix}"),
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
    same_shape((&train.path, train.shape), (&test.path, test.shape))?;
    for part in [&train, &test] {
        debug_assert_eq!(part.pixels.len(), part.labels.len() * part.values());
    }
    let splits = [train.split_labels(), test.split_labels()];
    let (classes, [train_labels, test_labels]) = labelling.apply(splits)?;
    context.warn_all(labelling.warning(splits));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_too_large_together_are_refused() {
        let parts = |count: usize| -> Vec<Part> {
            let part = |number| Part {
                path: PathBuf::from(format!("{number}.csv")),
                shape: [1, 2, 2],
                pixels: vec![number; 4],
                labels: vec![0],
            };
            (0..count as u8).map(part).collect()
        };
        let joined = Part::joined_within(parts(3), 12).expect("they fit");
        assert_eq!(joined.map(|part| part.pixels.len()), Some(12));
        let error = Part::joined_within(parts(4), 12).expect_err("too many");
        assert_eq!(
            error.to_string(),
            "3.csv: with this file there are 16 values, at most 12 are read: give fewer images, or smaller ones"
        );
    }
}
