//! EMNIST: four IDX files for each of its data sets.

use std::path::Path;

use eigenscope_stage::{Context, TaskError};

use super::{find, idx_files, write};
use crate::arrays;
use crate::download::Policy;
use crate::error::IngestError;
use crate::idx::Layout;
use crate::parameters::{EmnistParameters, WithCommon};
use crate::published::{Checksum, PublishedFile, PublishedIdx};

/// Folders of the data directory that may hold the files: by hand, torchvision, the unpacked archive of the authors.
const FOLDERS: [&str; 4] = ["emnist", "EMNIST/raw", "emnist/gzip", "gzip"];
/// Where the authors say how to get the archive.
const ORIGIN: &str = "https://www.nist.gov/itl/products-and-services/emnist-dataset";

/// Names of the files of one of its data sets.
fn names(parameters: &EmnistParameters) -> [String; 4] {
    let split = parameters.split.name();
    let names = [
        "train-images-idx3",
        "train-labels-idx1",
        "test-images-idx3",
        "test-labels-idx1",
    ];
    names.map(|name| format!("emnist-{split}-{name}-ubyte"))
}

fn set(names: &[String; 4]) -> PublishedIdx<'_> {
    PublishedIdx {
        name: "emnist",
        folders: &FOLDERS,
        files: [0, 1, 2, 3].map(|position| PublishedFile {
            name: names[position].as_str(),
            bytes: 0,
            checksum: Checksum::Unknown,
        }),
        classes: &[],
        mirrors: &[],
        origin: ORIGIN,
    }
}

/// Why a run would not find the files.
pub(crate) fn lacking_emnist(
    data_dir: &Path,
    parameters: &EmnistParameters,
) -> Option<IngestError> {
    find::lacking(data_dir, &set(&names(parameters)))
}

/// One of the data sets of EMNIST, upright, with labels from 0.
///
/// # Errors
/// Returns an error if files are missing, damaged or inconsistent, if the data do not allow the parameters, or if the artifact cannot
/// be written.
pub fn emnist(context: &Context) -> Result<(), TaskError> {
    let WithCommon::<EmnistParameters> {
        own: parameters,
        common,
    } = context.parameters()?;
    let classes = parameters.split.classes();
    let names = names(&parameters);
    let set = set(&names);
    let mut places = find::idx_files(&context.task().data_dir, &set, &[])?;
    find::download_missing(context, &set, &mut places, &Policy::default())?;
    // The published labels of `letters` begin at 1.
    let mut files = idx_files::read(context, &places, classes.len() + 1, Layout::ChannelsFirst)?;
    for images in [&mut files.train_images.value, &mut files.test_images.value] {
        arrays::transpose(&mut images.pixels, &mut images.shape);
    }
    let labels = [&files.train_labels, &files.test_labels];
    let all = || labels.iter().flat_map(|file| &file.value);
    let first = u8::from(all().all(|label| *label > 0));
    for file in labels {
        let outside = |label: &u8| usize::from(label - first) >= classes.len();
        if let Some(image) = file.value.iter().position(outside) {
            let reason = format!(
                "label of image {image}: expected {first} to {}, found {}; the file is damaged or belongs to another data set",
                classes.len() - 1 + usize::from(first),
                file.value[image]
            );
            return Err(IngestError::Labels {
                path: file.path.clone(),
                reason,
            }
            .into());
        }
    }
    for file in [&mut files.train_labels, &mut files.test_labels] {
        for label in &mut file.value {
            *label -= first;
        }
    }
    let images = files.images(classes, eigenscope_artifact::SourceCheck::Unpublished);
    write(context, &common, images)
}
