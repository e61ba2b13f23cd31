//! Images in batches: measured in parallel, results taken in the order of the images.
//!
//! Memory: one batch of at most 500 images for each thread, with what is computed from it, whatever the size of the data set.

use eigenscope_artifact::{ImageReader, Split, SplitName};
use eigenscope_models::{Architecture, check_images};
use eigenscope_stage::{Context, TaskError};
use rayon::prelude::*;

use crate::error::DecomposeError;

/// Most images of a batch. They are part of what fixes the bits of a sum over images.
const BATCH_IMAGES: usize = 500;

/// Most values of the inputs of a batch: 8 MiB. First layers make up to 32 times as many.
const BATCH_VALUES: usize = 1 << 21;

/// The number of images in a batch, for inputs of `width` values.
pub(crate) fn batch_images(width: usize) -> usize {
    (BATCH_VALUES / width.max(1)).clamp(1, BATCH_IMAGES)
}

/// Neighbouring images of a split.
pub(crate) struct Batch {
    /// Inputs as a network sees them, `[images, channels, height, width]`.
    pub(crate) inputs: Vec<f32>,
    pub(crate) labels: Vec<u16>,
}

/// Calls `measure` with every batch of `split` and `take` with the results, a few at a time, in the order of the images.
///
/// As many batches are measured at a time as the current rayon pool has threads, and as many results are alive. The
/// results and their order do not depend on that number; how many `take` is given at once does.
///
/// # Errors
/// Returns an error if the file is damaged or the split has no images, and the first error of `measure` or `take`.
pub(crate) fn for_each_batch<S: Send>(
    images: &ImageReader,
    split: SplitName,
    measure: impl Fn(Batch) -> Result<S, DecomposeError> + Sync,
    mut take: impl FnMut(Vec<S>) -> Result<(), DecomposeError>,
) -> Result<(), DecomposeError> {
    let pixels = images.pixels();
    let measure = |stored: Split| {
        measure(Batch {
            inputs: pixels.apply_all(&stored.pixels),
            labels: stored.labels,
        })
    };
    let mut batches = images.pieces(split, batch_images(pixels.output_len()))?;
    let mut empty = true;
    loop {
        let group = batches.by_ref().take(rayon::current_num_threads());
        let group: Vec<Split> = group.collect::<Result<_, _>>()?;
        if group.is_empty() {
            break;
        }
        empty = false;
        let results: Vec<_> = group.into_par_iter().map(&measure).collect();
        take(results.into_iter().collect::<Result<_, _>>()?)?;
    }
    match empty {
        true => Err(no_images(images, split)),
        false => Ok(()),
    }
}

/// Calls `visit` with the label and the input of every image of `split`, in order.
///
/// # Errors
/// Returns an error if the file is damaged or the split has no images.
pub(crate) fn for_each_image(
    images: &ImageReader,
    split: SplitName,
    mut visit: impl FnMut(u16, &[f32]),
) -> Result<(), DecomposeError> {
    let pixels = images.pixels();
    let mut empty = true;
    for piece in images.pieces(split, batch_images(pixels.output_len()))? {
        let Split {
            labels,
            pixels: stored,
            ..
        } = piece?;
        let inputs = pixels.apply_all(&stored);
        for (label, input) in labels.iter().zip(inputs.chunks_exact(pixels.output_len())) {
            empty = false;
            visit(*label, input);
        }
    }
    match empty {
        true => Err(no_images(images, split)),
        false => Ok(()),
    }
}

fn no_images(images: &ImageReader, split: SplitName) -> DecomposeError {
    let path = images.path().display();
    DecomposeError::Empty(format!("there are no {} images in {path}", split.name()))
}

/// Opens the images that a task reads as `data`, for models each given with its role.
///
/// # Errors
/// Returns an error if the file cannot be read or a model does not take its images ([`check_images`]).
pub(crate) fn open_images(
    context: &Context,
    models: &[(&str, &Architecture)],
) -> Result<ImageReader, TaskError> {
    let data = context.input("data")?;
    let images = ImageReader::open(&data.path)?;
    for (role, architecture) in models {
        let model = &context.input(role)?.task;
        check_images(architecture, model, &images, &data.task)?;
    }
    Ok(images)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_images_come_in_small_batches() {
        assert_eq!(batch_images(28 * 28), BATCH_IMAGES);
        assert_eq!(batch_images(3 * 32 * 32), BATCH_IMAGES);
        assert_eq!(batch_images(221 * 221), 42);
        assert_eq!(batch_images(usize::MAX), 1);
        assert_eq!(batch_images(0), BATCH_IMAGES);
    }
}
