//! The images of one split, held as they are stored: a quarter or less of the memory of the inputs that a network
//! sees, which are made for a few images at a time.

use std::ops::Range;

use eigenscope_artifact::{ImageReader, Pixels, SplitName};

use crate::error::MetricError;

/// Images read from the file at a time.
const PIECE: usize = 1000;

/// Images with their labels; at least one.
pub(crate) struct SplitImages {
    pub(crate) labels: Vec<u16>,
    /// `[images, stored values of one]`.
    stored: Vec<u8>,
    pixels: Pixels,
}

impl SplitImages {
    /// Reads a split of the data set that `task` made.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read or the split has no image.
    pub(crate) fn read(
        reader: &ImageReader,
        split: SplitName,
        task: &str,
    ) -> Result<Self, MetricError> {
        let (mut labels, mut stored) = (Vec::new(), Vec::new());
        for piece in reader.pieces(split, PIECE)? {
            let piece = piece?;
            labels.extend(piece.labels);
            stored.extend(piece.pixels);
        }
        if labels.is_empty() {
            return Err(MetricError::TooFew(format!(
                "{task} has no {} images",
                split.name()
            )));
        }
        Ok(Self {
            labels,
            stored,
            pixels: reader.pixels().clone(),
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.labels.len()
    }

    /// Flattened inputs of some images, row-major.
    pub(crate) fn inputs(&self, images: Range<usize>) -> Vec<f32> {
        let width = self.stored.len() / self.len();
        self.pixels
            .apply_all(&self.stored[images.start * width..images.end * width])
    }
}
