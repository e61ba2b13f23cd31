//! From files to artifact, one function a source: find or download the files, read them, compare them
//! with the published ones, apply the row transforms, write.
//!
//! Memory: the pixels once (55 MB for MNIST, 185 MB for CIFAR-10), and the compressed table, which is
//! kept until it is complete (12 MB and 181 MB). Measured peaks: 120 MB and 470 MB.

mod cifar_files;
mod csv_files;
mod emnist_files;
mod find;
mod idx_files;
mod npz_files;
mod online;
mod own;
mod parquet_files;
mod places;
mod reading;

use eigenscope_artifact::{IMAGES, ImageHeader, ImageWriter, Images, SplitName};
use eigenscope_stage::{Context, TaskError};

use crate::error::IngestError;
use crate::parameters::Parameters;
use crate::published::DIGIT_NAMES;
use crate::{coverage, digits, rows};
pub use cifar_files::{lacking_cifar, published_cifar};
pub(crate) use csv_files::dimensions as csv_dimensions;
pub use csv_files::user_csv;
pub use emnist_files::emnist;
pub(crate) use emnist_files::lacking_emnist;
pub(crate) use idx_files::{Pair, check_fit};
pub use idx_files::{lacking_idx, published_idx, user_idx};
pub(crate) use npz_files::SplitArrays;
pub use npz_files::user_npz;
pub(crate) use own::{lacking_own, same_shape};
pub use parquet_files::user_parquet;

/// The embedded digits.
///
/// # Errors
/// Returns an error if the data do not allow the parameters or the artifact cannot be written.
pub fn embedded_digits(context: &Context) -> Result<(), TaskError> {
    let parameters: Parameters = context.parameters()?;
    let (train, test, sha256) = digits::read(digits::FILE)?;
    let header = ImageHeader {
        height: digits::SIDE,
        width: digits::SIDE,
        channels: 1,
        maximum: digits::MAXIMUM,
        classes: owned(DIGIT_NAMES),
        transforms: Vec::new(),
        source: digits::CHECKSUM.check(&sha256, ""),
    };
    write(
        context,
        &parameters,
        Images {
            header,
            train,
            test,
        },
    )
}

/// Applies the transforms and writes the artifact.
fn write(context: &Context, parameters: &Parameters, images: Images) -> Result<(), TaskError> {
    write_split(context, parameters, images, false)
}

/// As [`write()`]; `is_split`: a part of the training images became the test images.
fn write_split(
    context: &Context,
    parameters: &Parameters,
    mut images: Images,
    is_split: bool,
) -> Result<(), TaskError> {
    images.header.transforms = parameters.transforms.clone();
    images
        .header
        .pixels()
        .map_err(|reason| IngestError::parameter("transforms", reason))?;
    rows::apply(
        &mut images,
        &parameters.similarity_label,
        &parameters.classes,
        parameters.subset()?,
        context.seed(),
    )?;
    let is_whole = parameters.keeps_all_rows();
    context.warn_all(coverage::warnings(&images, is_split, is_whole));
    let Images {
        header,
        train,
        test,
    } = images;
    let path = context.output(IMAGES)?;
    let mut writer =
        ImageWriter::create(path, header, context.provenance()).map_err(IngestError::from)?;
    let total = (train.len() + test.len()) as u64;
    for (name, split) in [(SplitName::Train, train), (SplitName::Test, test)] {
        writer.write(name, &split).map_err(IngestError::from)?;
        tracing::info!(split = name.name(), images = split.len(), "written");
    }
    writer.finish().map_err(IngestError::from)?;
    context.progress(total, total, "images", "");
    Ok(())
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}
