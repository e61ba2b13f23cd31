//! One pass over a split of a data set: pieces measured in parallel, results taken in the order of the images.

use eigenscope_artifact::{ImageReader, Split, SplitName};
use rayon::prelude::*;

use crate::activations::piece_images;
use crate::error::DecomposeError;

/// Neighbouring images of a split.
pub(crate) struct Piece {
    /// Inputs as a network sees them, `[images, channels, height, width]`.
    pub(crate) inputs: Vec<f32>,
    /// Class of each image.
    pub(crate) labels: Vec<u16>,
}

/// Measures pieces ([`piece_images`]) of `split` and hands the results to `take`, a few at a time, first
/// images first.
///
/// As many pieces are measured at a time as the current rayon pool has threads, and as many results are alive. The
/// results and their order do not depend on that number; how many `take` is given at once does.
///
/// # Errors
/// Returns an error if the file is damaged or the split has no images, and the first error of `measure` or `take`.
pub(crate) fn pass<S: Send>(
    images: &ImageReader,
    split: SplitName,
    measure: impl Fn(Piece) -> Result<S, DecomposeError> + Sync,
    mut take: impl FnMut(Vec<S>) -> Result<(), DecomposeError>,
) -> Result<(), DecomposeError> {
    let pixels = images.pixels();
    let measure = |stored: Split| {
        measure(Piece {
            inputs: pixels.apply_all(&stored.pixels),
            labels: stored.labels,
        })
    };
    let mut pieces = images.pieces(split, piece_images(pixels.output_len()))?;
    let mut empty = true;
    loop {
        let group = pieces.by_ref().take(rayon::current_num_threads());
        let group: Vec<Split> = group.collect::<Result<_, _>>()?;
        if group.is_empty() {
            break;
        }
        empty = false;
        let results: Vec<_> = group.into_par_iter().map(&measure).collect();
        take(results.into_iter().collect::<Result<_, _>>()?)?;
    }
    if empty {
        return Err(DecomposeError::Empty(format!(
            "there are no {} images in {}",
            split.name(),
            images.path().display()
        )));
    }
    Ok(())
}
