//! Arrays of NumPy, as Keras ships MNIST.

use std::path::Path;

use eigenscope_artifact::{ImageHeader, Images, Split};
use eigenscope_checkpoint::DType;
use eigenscope_checkpoint::npz::{ArrayInfo, Npz};
use eigenscope_stage::{Context, TaskError};

use super::own::{self, Files, Labelling, MAXIMUM_BYTES, Part};
use super::owned;
use super::reading::{Sha256s, compare};
use crate::arrays::{self, Dimensions, Range};
use crate::content::sha256_of;
use crate::error::{IngestError, shown};
use crate::parameters::{NpzParameters, WithCommon};
use crate::published::{PublishedIdx, combine};

/// The user's own arrays.
///
/// # Errors
/// Returns an error if files or arrays are missing, damaged, of other types or shapes, or do not fit together, if the data do not
/// allow the parameters, or if the artifact cannot be written.
pub fn user_npz(context: &Context) -> Result<(), TaskError> {
    let WithCommon::<NpzParameters> {
        own: parameters,
        common,
    } = context.parameters()?;
    let files = Files::find(context, &parameters.stated()?, parameters.files()?)?;
    let one_file = files.test.is_empty();
    let (train_names, test_names) = (
        [parameters.train_images.as_str(), &parameters.train_labels],
        [parameters.test_images.as_str(), &parameters.test_labels],
    );
    let (mut train, mut test) = (Vec::new(), Vec::new());
    for path in &files.train {
        let file = open(context, path)?;
        train.push(part(&file, path, train_names, &parameters)?);
        if one_file && has_test(context, &file, path, test_names)? {
            test.push(part(&file, path, test_names, &parameters)?);
        }
    }
    for path in &files.test {
        let file = open(context, path)?;
        // A file of test images alone may call its arrays as those of training.
        let names = if has(&file, test_names) {
            test_names
        } else {
            train_names
        };
        test.push(part(&file, path, names, &parameters)?);
    }
    let (Some(train), test) = (Part::joined(train)?, Part::joined(test)?) else {
        return Ok(());
    };
    own::warn_if_dark(context, &parameters.range, &train, test.as_ref());
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

fn open(context: &Context, path: &Path) -> Result<Npz, IngestError> {
    own::report(context, path)?;
    Ok(Npz::open(path)?)
}

fn has(file: &Npz, names: [&str; 2]) -> bool {
    names.iter().all(|name| has_array(file, name))
}

fn has_array(file: &Npz, name: &str) -> bool {
    file.arrays().iter().any(|array| array.name == name)
}

/// Whether a file of training images has test images, too. Half of them is a mistake: training images would stand in for them.
fn has_test(
    context: &Context,
    file: &Npz,
    path: &Path,
    names: [&str; 2],
) -> Result<bool, IngestError> {
    let [images, labels] = names;
    match names.map(|name| has_array(file, name)) {
        [true, false] => Err(IngestError::Array {
            path: path.to_owned(),
            name: images.to_owned(),
            reason: format!(
                "there are test images, but no labels `{labels}`: set `test_labels` to the name of their array, or `test_images = \"\"` to split the training images"
            ),
        }),
        [false, true] => {
            context.warn(format!(
                "{}: there are test labels `{labels}`, but no images `{images}`: a part of the training images is for testing",
                shown(path)
            ));
            Ok(false)
        }
        [is_there, _] => Ok(is_there),
    }
}

/// The images and labels called `names`.
fn part(
    file: &Npz,
    path: &Path,
    names: [&str; 2],
    parameters: &NpzParameters,
) -> Result<Part, IngestError> {
    let [images, labels] = names;
    let refused = |name: &str, reason: String| IngestError::Array {
        path: path.to_owned(),
        name: name.to_owned(),
        reason,
    };
    let array = file.array(images)?;
    let dimensions = Dimensions::of(&array.shape, parameters.layout, parameters.shape()?);
    let dimensions = dimensions.map_err(|reason| refused(images, reason))?;
    if array.count() > MAXIMUM_BYTES {
        let reason = format!("{} values, at most {MAXIMUM_BYTES} are read", array.count());
        return Err(refused(images, reason));
    }
    let mut pixels = pixels(file, array, &dimensions, Range::given(&parameters.range)?)?
        .map_err(|reason| refused(images, reason))?;
    let shape = dimensions.arrange(&mut pixels, parameters.transpose);
    let array = file.array(labels)?;
    if array.count() > dimensions.images as u64 * (1 << 16) {
        let reason = format!(
            "labels of {:?} for {} images",
            array.shape, dimensions.images
        );
        return Err(refused(labels, reason));
    }
    let numbers = arrays::labels(&file.read_doubles(array)?, &array.shape);
    let numbers = numbers.map_err(|reason| refused(labels, reason))?;
    if numbers.len() != dimensions.images {
        let reason = format!(
            "{} labels, but `{images}` has {} images",
            numbers.len(),
            dimensions.images
        );
        return Err(refused(labels, reason));
    }
    Ok(Part {
        path: path.to_owned(),
        shape,
        pixels,
        labels: numbers,
    })
}

/// A published data set as Keras keeps it, compared with the published files. The caller has reported the file.
pub(super) fn keras_images(
    context: &Context,
    set: &PublishedIdx<'_>,
    path: &Path,
) -> Result<Images, IngestError> {
    let file = Npz::open(path)?;
    let mut checks = Vec::new();
    let mut array = |position: usize, name: &str, rank: usize| {
        let array = file.array(name)?;
        if array.shape.len() != rank || array.dtype != DType::U8 {
            return Err(IngestError::Array {
                path: path.to_owned(),
                name: name.to_owned(),
                reason: format!(
                    "expected {rank} dimensions of uint8, found {:?} of {}",
                    array.shape,
                    array.dtype.name()
                ),
            });
        }
        let values = file.read_bytes(array)?;
        // The header of the published file, which its digest covers.
        let mut header = vec![0, 0, 8, rank as u8];
        for &size in &array.shape {
            header.extend(u32::try_from(size).unwrap_or(u32::MAX).to_be_bytes());
        }
        let sha256 = sha256_of([&header, &values]);
        let sha256 = Sha256s {
            content: sha256.clone(),
            raw: sha256,
        };
        checks.push(compare(
            context,
            path,
            set.files[position].checksum,
            &sha256,
        ));
        Ok((array.shape.clone(), values))
    };
    let (shape, pixels) = array(0, "x_train", 3)?;
    let (_, labels) = array(1, "y_train", 1)?;
    let (test_shape, test_pixels) = array(2, "x_test", 3)?;
    let (_, test_labels) = array(3, "y_test", 1)?;
    let refused = |reason: String| IngestError::Labels {
        path: path.to_owned(),
        reason,
    };
    if shape[1..] != test_shape[1..] || shape.contains(&0) || test_shape.contains(&0) {
        return Err(refused(format!("images of {shape:?} and {test_shape:?}")));
    }
    let split = |images: usize, labels: Vec<u8>, pixels| {
        let classes = set.classes.len();
        if labels.len() != images {
            return Err(refused(format!(
                "{images} images, but {} labels",
                labels.len()
            )));
        }
        match labels
            .iter()
            .position(|label| usize::from(*label) >= classes)
        {
            Some(image) => Err(refused(format!(
                "label of image {image}: expected 0 to {}, found {}",
                classes - 1,
                labels[image]
            ))),
            None => Ok(Split {
                // At most 2^32 values in memory.
                indices: (0..images as u32).collect(),
                labels: labels.into_iter().map(u16::from).collect(),
                pixels,
            }),
        }
    };
    Ok(Images {
        header: ImageHeader {
            height: shape[1],
            width: shape[2],
            channels: 1,
            maximum: u8::MAX,
            classes: owned(set.classes),
            transforms: Vec::new(),
            source: combine(checks),
        },
        train: split(shape[0], labels, pixels)?,
        test: split(test_shape[0], test_labels, test_pixels)?,
    })
}

/// The values of an array as pixels.
fn pixels(
    file: &Npz,
    array: &ArrayInfo,
    dimensions: &Dimensions,
    range: Option<Range>,
) -> Result<Result<Vec<u8>, String>, IngestError> {
    let values = dimensions.values();
    Ok(match (array.dtype, range) {
        (DType::U8 | DType::Bool, None) => Ok(file.read_bytes(array)?),
        (DType::U8, Some(_)) => {
            let bytes = file.read_bytes(array)?;
            arrays::pixels(bytes.iter().map(|&value| f64::from(value)), range, values)
        }
        // Numbers of 64 bits are only rounded beyond 2^24, far from any range of pixels.
        (DType::F64, _) => {
            let numbers = file.read_doubles(array)?;
            arrays::pixels(numbers.iter().copied(), range, values)
        }
        _ => {
            let numbers = file.read(array)?;
            arrays::pixels(numbers.iter().map(|&value| f64::from(value)), range, values)
        }
    })
}
