//! Data sets of four IDX files: training images and labels, test images and labels.

use std::path::{Path, PathBuf};

use eigenscope_artifact::{ImageHeader, Images, SourceCheck};
use eigenscope_stage::{Context, TaskError};

use super::find::{download_missing, idx_files, keras, lacking};
use super::npz_files::keras_images;
use super::own::{self, Part};
use super::places::Places;
use super::reading::{ReadFile, Sha256s, compare, file_name};
use super::{online, owned, write};
use crate::arrays;
use crate::download::Policy;
use crate::error::{IngestError, shown};
use crate::idx::{self, IdxImages, Layout};
use crate::labels::Labelling;
use crate::parameters::{IdxParameters, NamedPath, Parameters, WithCommon};
use crate::published::{KnownFile, PublishedIdx, combine, known_file};

/// A published data set of four IDX files, downloaded if they are not in the data directory.
///
/// # Errors
/// Returns an error if files are missing and cannot be downloaded, if they are damaged, inconsistent or stand in place of
/// others, if the data do not allow the parameters, or if the artifact cannot be written.
pub fn published_idx(
    context: &Context,
    set: &PublishedIdx<'_>,
    policy: &Policy,
) -> Result<(), TaskError> {
    let parameters: Parameters = context.parameters()?;
    let data_dir = &context.task().data_dir;
    let arrays = keras(data_dir, set);
    let mut places = idx_files(data_dir, set, &arrays)?;
    if places.iter().any(Places::is_empty) {
        let arrays = Places::look(arrays, &[])?;
        if let Some(path) = arrays.best() {
            for missing in places.iter().filter(|places| places.is_empty()) {
                missing.report_absent(context);
            }
            arrays.report(context)?;
            let images = keras_images(context, set, path)?;
            return write(context, &parameters, images);
        }
    }
    download_missing(context, set, &mut places, policy)?;
    let files = read(context, &places, set.classes.len(), Layout::ChannelsFirst)?;
    let mut checks = Vec::new();
    for (position, (path, sha256)) in files.sources().into_iter().enumerate() {
        let file = &set.files[position];
        let differs = file.checksum.check(&sha256.content, &sha256.raw) == SourceCheck::Differs;
        let known = known_file(Some(set), &sha256.content, &sha256.raw);
        if let Some(known) = known.filter(|_| differs) {
            let (path, fix) = (shown(path), fix_place(set, &known));
            return Err(IngestError::WrongFile(format!("{path} is {known}: {fix}")).into());
        }
        checks.push(compare(context, path, file.checksum, sha256));
    }
    write(
        context,
        &parameters,
        files.images(owned(set.classes), combine(checks)),
    )
}

/// Why a run without downloads would not find the files of a published set.
pub fn lacking_idx(data_dir: &Path, set: &PublishedIdx<'_>) -> Option<IngestError> {
    lacking(data_dir, set)
}

/// What to do about a file of `set` that is `known` and stands in place of another one.
fn fix_place(set: &PublishedIdx<'_>, known: &KnownFile<'_>) -> String {
    if known.set == set.name {
        let name = known.name;
        return format!("are the files of training and test exchanged? name it {name}");
    }
    let folder = known.set;
    format!("put it into the folder {folder} and use the kind `{folder}`")
}

/// The user's own IDX files.
///
/// # Errors
/// Returns the errors of [`published_idx`], except those of downloads.
pub fn user_idx(context: &Context) -> Result<(), TaskError> {
    let WithCommon::<IdxParameters> {
        own: parameters,
        common,
    } = context.parameters()?;
    let (train, test) = parameters.files()?;
    online::ensure(context, &parameters.stated()?)?;
    let data_dir = &context.task().data_dir;
    let find = |[images, labels]: [NamedPath<'_>; 2]| -> Result<[Places; 2], IngestError> {
        let images = own::find(data_dir, images.0, images.1)?;
        let labels = own::find(data_dir, labels.0, labels.1)?;
        Ok([Places::one(images), Places::one(labels)])
    };
    let [train_images, train_labels] = find(train)?;
    let (train, test) = match test.map(find).transpose()? {
        Some([test_images, test_labels]) => {
            let paths = [train_images, train_labels, test_images, test_labels];
            let files = read(context, &paths, 256, parameters.layout)?;
            warn_about_splits(context, &files);
            let test = part(files.test_images, files.test_labels, &parameters);
            (
                part(files.train_images, files.train_labels, &parameters),
                Some(test),
            )
        }
        None => {
            let layout = parameters.layout;
            let images = train_images.read(context, |content| idx::read_images(content, layout))?;
            let labels = train_labels.read(context, |content| idx::read_labels(content, 256))?;
            check_fit(&[Pair::of(&images, &labels)])?;
            (part(images, labels, &parameters), None)
        }
    };
    let labelling = Labelling {
        first_label: parameters.first_label,
        class_names: &parameters.class_names,
        known: None,
    };
    own::finish(
        context,
        &common,
        labelling,
        parameters.test_fraction,
        train,
        test,
    )
}

/// Images and labels as the user wants them.
fn part(
    images: ReadFile<IdxImages>,
    labels: ReadFile<Vec<u8>>,
    parameters: &IdxParameters,
) -> Part {
    let IdxImages {
        mut shape,
        mut pixels,
        ..
    } = images.value;
    if parameters.transpose {
        arrays::transpose(&mut pixels, &mut shape);
    }
    Part {
        path: labels.path,
        shape,
        pixels,
        labels: labels.value.into_iter().map(i64::from).collect(),
    }
}

/// Warns where training and test files seem exchanged or are the same.
fn warn_about_splits(context: &Context, files: &Files) {
    for (position, (path, sha256)) in files.sources().into_iter().enumerate() {
        let known = known_file(None, &sha256.content, &sha256.raw);
        if let Some(known) = known.filter(|known| known.is_test() != (position >= 2)) {
            context.warn(format!(
                "{} is {known}: are the files of training and test exchanged?",
                shown(path)
            ));
        }
    }
    let (train, test) = (&files.train_images, &files.test_images);
    if train.sha256.content == test.sha256.content {
        context.warn(format!(
            "training and test images are the same: {} and {} have equal content",
            shown(&train.path),
            shown(&test.path)
        ));
    }
}

/// Four files that were read.
pub(super) struct Files {
    pub(super) train_images: ReadFile<IdxImages>,
    pub(super) train_labels: ReadFile<Vec<u8>>,
    pub(super) test_images: ReadFile<IdxImages>,
    pub(super) test_labels: ReadFile<Vec<u8>>,
}

/// Reads training images and labels, test images and labels, each from the first of its places that is intact. Labels are
/// below `classes`.
pub(super) fn read(
    context: &Context,
    places: &[Places; 4],
    classes: usize,
    layout: Layout,
) -> Result<Files, IngestError> {
    let [train_images, train_labels, test_images, test_labels] = places;
    let progress = |done: u64, places: &Places| {
        let name = places.best().map(file_name);
        context.progress(done, 4, "files", name.unwrap_or_default());
    };
    let images = |done, places: &Places| {
        let file = places.read(context, |content| idx::read_images(content, layout))?;
        progress(done, places);
        Ok::<_, IngestError>(file)
    };
    let labels = |done, places: &Places| {
        let file = places.read(context, |content| idx::read_labels(content, classes))?;
        progress(done, places);
        Ok::<_, IngestError>(file)
    };
    let files = Files {
        train_images: images(1, train_images)?,
        train_labels: labels(2, train_labels)?,
        test_images: images(3, test_images)?,
        test_labels: labels(4, test_labels)?,
    };
    check_fit(&[
        Pair::of(&files.train_images, &files.train_labels),
        Pair::of(&files.test_images, &files.test_labels),
    ])?;
    Ok(files)
}

impl Files {
    /// Path and digests of each, in the order training images, labels, test images, labels.
    fn sources(&self) -> [(&PathBuf, &Sha256s); 4] {
        let Self {
            train_images,
            train_labels,
            test_images,
            test_labels,
        } = self;
        [
            (&train_images.path, &train_images.sha256),
            (&train_labels.path, &train_labels.sha256),
            (&test_images.path, &test_images.sha256),
            (&test_labels.path, &test_labels.sha256),
        ]
    }

    /// The images with their labels.
    pub(super) fn images(self, classes: Vec<String>, source: SourceCheck) -> Images {
        let [channels, height, width] = self.train_images.value.shape;
        Images {
            header: ImageHeader {
                height,
                width,
                channels,
                maximum: u8::MAX,
                classes,
                transforms: Vec::new(),
                source,
            },
            train: idx::join(self.train_images.value, &self.train_labels.value),
            test: idx::join(self.test_images.value, &self.test_labels.value),
        }
    }
}

/// What is known of a file of images and of the file of their labels.
#[derive(Debug)]
pub(crate) struct Pair<'a> {
    pub(crate) images: &'a Path,
    pub(crate) labels: &'a Path,
    /// `[channels, height, width]`.
    pub(crate) shape: [usize; 3],
    /// Number of images.
    pub(crate) count: usize,
    pub(crate) label_count: usize,
}

impl<'a> Pair<'a> {
    fn of(images: &'a ReadFile<IdxImages>, labels: &'a ReadFile<Vec<u8>>) -> Self {
        Self {
            images: &images.path,
            labels: &labels.path,
            shape: images.value.shape,
            count: images.value.count,
            label_count: labels.value.len(),
        }
    }
}

/// Whether counts and shapes of the files of training and of test images agree.
pub(crate) fn check_fit(pairs: &[Pair<'_>]) -> Result<(), IngestError> {
    let exchanged = match pairs {
        [train, test] => (train.count, test.count) == (test.label_count, train.label_count),
        _ => false,
    };
    if let Some(pair) = pairs.iter().find(|pair| pair.count != pair.label_count) {
        let fix = match exchanged {
            true => "are the labels of training and test exchanged?",
            false => "give the files of one data set",
        };
        return Err(IngestError::Mismatch {
            first: pair.images.to_owned(),
            second: pair.labels.to_owned(),
            reason: format!(
                "{} images, but {} labels; {fix}",
                pair.count, pair.label_count
            ),
        });
    }
    match pairs {
        [train, test] => own::same_shape((train.images, train.shape), (test.images, test.shape)),
        _ => Ok(()),
    }
}
