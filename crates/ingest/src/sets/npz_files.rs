//! Arrays of NumPy, as Keras ships MNIST.

use std::path::Path;

use eigenscope_artifact::{ImageHeader, Images, Split};
use eigenscope_checkpoint::DType;
use eigenscope_checkpoint::npz::{ArrayInfo, Npz};
use eigenscope_stage::{Context, TaskError};

use super::own::{self, Files, MAXIMUM_BYTES, Part};
use super::owned;
use super::reading::{Sha256s, compare};
use crate::array_names;
use crate::arrays::{self, Dimensions, Range};
use crate::content::sha256_of;
use crate::error::{IngestError, shown};
use crate::labels::Labelling;
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
    let (mut train, mut test) = (Vec::new(), Vec::new());
    for path in &files.train {
        let file = open(context, path)?;
        let arrays = SplitArrays::new(&file, path, &parameters);
        train.push(arrays.part()?);
        let mut used = vec![arrays];
        if one_file {
            let (has_test, warning) = arrays.has_test()?;
            context.warn_all(warning);
            if has_test {
                test.push(arrays.test().part()?);
                used.push(arrays.test());
            }
        }
        context.warn_all(SplitArrays::unused(&used));
    }
    for path in &files.test {
        let file = open(context, path)?;
        let arrays = SplitArrays::new(&file, path, &parameters).test_alone();
        test.push(arrays.part()?);
        context.warn_all(SplitArrays::unused(&[arrays]));
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

/// The arrays of a file by the names that the parameters give them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SplitArrays<'a> {
    file: &'a Npz,
    path: &'a Path,
    parameters: &'a NpzParameters,
    /// Names of the arrays of images and of labels.
    names: [&'a str; 2],
}

impl<'a> SplitArrays<'a> {
    /// The arrays of training images.
    pub(crate) fn new(file: &'a Npz, path: &'a Path, parameters: &'a NpzParameters) -> Self {
        let names = [parameters.train_images.as_str(), &parameters.train_labels];
        Self {
            file,
            path,
            parameters,
            names,
        }
    }

    /// The arrays of test images.
    pub(crate) fn test(self) -> Self {
        let parameters = self.parameters;
        let names = [parameters.test_images.as_str(), &parameters.test_labels];
        Self { names, ..self }
    }

    /// The arrays of a file of test images alone, which may be called as those of training.
    pub(crate) fn test_alone(self) -> Self {
        let test = self.test();
        match test.names.iter().all(|name| test.has(name)) {
            true => test,
            false => self,
        }
    }

    fn has(self, name: &str) -> bool {
        self.file.arrays().iter().any(|array| array.name == name)
    }

    /// Whether a file of training images has test images, too, and a warning. Half of them is a mistake: training images would stand in
    /// for them.
    pub(crate) fn has_test(self) -> Result<(bool, Option<String>), IngestError> {
        let [images, labels] = self.test().names;
        match [images, labels].map(|name| self.has(name)) {
            [true, false] => Err(self.refused(
                images,
                format!(
                    "there are test images, but no labels `{labels}`: set `test_labels` to the name of their array, or `test_images = \"\"` to split the training images"
                ),
            )),
            [false, true] => {
                let warning = format!(
                    "{}: there are test labels `{labels}`, but no images `{images}`: a part of the training images is for testing",
                    shown(self.path)
                );
                Ok((false, Some(warning)))
            }
            [is_there, _] => Ok((is_there, None)),
        }
    }

    /// A note on arrays of a file other than these, which are all that are used of it; `None` if there are no others.
    pub(crate) fn unused(used: &[Self]) -> Option<String> {
        let first = used.first()?;
        let arrays = first.file.arrays();
        let is_used = |name: &str| used.iter().any(|split| split.names.contains(&name));
        let others: Vec<&ArrayInfo> = arrays
            .iter()
            .filter(|array| !is_used(&array.name))
            .collect();
        if others.is_empty() {
            return None;
        }
        let others = array_names::listed(&others);
        let chosen = array_names::choose(arrays).and_then(|chosen| chosen.test);
        let how = match chosen {
            Some([images, labels]) if !is_used(images) && !is_used(labels) => format!(
                "; to test on them, set `test_images = \"{}\"` and `test_labels = \"{}\"`",
                shown(images),
                shown(labels)
            ),
            _ => String::new(),
        };
        let path = shown(first.path);
        Some(format!("{path}: arrays that are not used: {others}{how}"))
    }

    /// A note if the last of these are validation images, which are for testing.
    pub(crate) fn validation(used: &[Self]) -> Option<String> {
        let [_, test] = used else {
            return None;
        };
        let [images, _] = test.names;
        array_names::is_validation(images).then(|| {
            format!(
                "{}: the test images are `{}`",
                shown(test.path),
                shown(images)
            )
        })
    }

    pub(crate) fn refused(self, name: &str, reason: String) -> IngestError {
        IngestError::Array {
            path: self.path.to_owned(),
            name: name.to_owned(),
            reason,
        }
    }

    /// The array of the images, whatever it holds.
    pub(crate) fn image_array(self) -> Result<&'a ArrayInfo, IngestError> {
        let [images, labels] = self.names;
        match self.file.arrays() {
            [only] if only.name != images => Err(self.refused(
                &only.name,
                format!(
                    "this is the only array: images and labels are read from one file, such as `numpy.savez(\"images.npz\", {images}=images, {labels}=labels)` writes",
                ),
            )),
            _ => Ok(self.file.array(images)?),
        }
    }

    /// The array of the images as images.
    pub(crate) fn images(self) -> Result<(&'a ArrayInfo, Dimensions), IngestError> {
        let [images, _] = self.names;
        let array = self.image_array()?;
        let shape = self.parameters.shape()?;
        let dimensions = Dimensions::of(&array.shape, self.parameters.layout, shape);
        let dimensions = dimensions.map_err(|reason| self.refused(images, reason))?;
        if let Some(shape) = shape
            && shape != dimensions.shape
        {
            let found = &array.shape;
            let reason = format!(
                "the array `{}` has a shape of its own, {found:?}: leave `shape` out, which is for images in rows",
                shown(images)
            );
            return Err(IngestError::parameter("shape", reason));
        }
        if array.count() > MAXIMUM_BYTES {
            let reason = format!("{} values, at most {MAXIMUM_BYTES} are read", array.count());
            return Err(self.refused(images, reason));
        }
        Ok((array, dimensions))
    }

    /// The values of an array as they are.
    pub(crate) fn values(self, array: &ArrayInfo) -> Result<Vec<f64>, IngestError> {
        Ok(self.file.read_doubles(array)?)
    }

    /// The values of the images as pixels, in the order of the file.
    fn pixels(self, array: &ArrayInfo, dimensions: &Dimensions) -> Result<Vec<u8>, IngestError> {
        let range = Range::given(&self.parameters.range)?;
        let pixels = pixels(self.file, array, dimensions, range)?;
        pixels.map_err(|reason| self.refused(&array.name, reason))
    }

    /// The array of the labels.
    pub(crate) fn label_array(self) -> Result<&'a ArrayInfo, IngestError> {
        let [_, labels] = self.names;
        Ok(self.file.array(labels)?)
    }

    /// The labels of so many images.
    pub(crate) fn labels(self, array: &ArrayInfo, images: usize) -> Result<Vec<i64>, IngestError> {
        let refused = |reason: String| self.refused(&array.name, reason);
        if array.count() > images as u64 * (1 << 16) {
            return Err(refused(format!(
                "labels of {:?} for {images} images",
                array.shape
            )));
        }
        let labels = arrays::labels(&self.values(array)?, &array.shape);
        let labels = labels.map_err(refused)?;
        if labels.len() != images {
            return Err(refused(format!(
                "{} labels, but `{}` has {images} images",
                labels.len(),
                self.names[0]
            )));
        }
        Ok(labels)
    }

    fn part(self) -> Result<Part, IngestError> {
        let (array, dimensions) = self.images()?;
        let mut pixels = self.pixels(array, &dimensions)?;
        let shape = dimensions.arrange(&mut pixels, self.parameters.transpose);
        let labels = self.labels(self.label_array()?, dimensions.images)?;
        Ok(Part {
            path: self.path.to_owned(),
            shape,
            pixels,
            labels,
        })
    }
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
            arrays::pixels(
                bytes.iter().map(|&value| f64::from(value)),
                range,
                values,
                0,
            )
        }
        (DType::I8 | DType::U16 | DType::I16 | DType::F16 | DType::BF16 | DType::F32, _) => {
            let numbers = file.read(array)?;
            arrays::pixels(
                numbers.iter().map(|&value| f64::from(value)),
                range,
                values,
                0,
            )
        }
        // f32 rounds integers beyond 2^24, which may put them outside of a range.
        _ => {
            let numbers = file.read_doubles(array)?;
            arrays::pixels(numbers.iter().copied(), range, values, 0)
        }
    })
}
