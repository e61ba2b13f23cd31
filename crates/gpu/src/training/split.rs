//! Images on the card, and how they do.

use std::ops::Range;

use crate::training::{Evaluation, Images, Kernels};
use crate::{Buffer, Card, GpuError, Stream};

/// Partial sums of losses.
const PARTS: usize = 1 << 9;

/// One split on the card.
#[derive(Debug)]
pub(crate) struct Split {
    /// Images as they are stored, one after another.
    pub(crate) pixels: Buffer<u8>,
    pub(crate) labels: Buffer<u16>,
    pub(crate) images: usize,
    /// One for each image, in the order in which they were seen.
    pub(crate) losses: Buffer<f32>,
    /// 1 where the largest logit is that of the label.
    pub(crate) correct: Buffer<u32>,
    parts: Buffer<f64>,
    /// Losses and correct answers of two ranges of images.
    sums: Buffer<f64>,
}

impl Split {
    /// Brings images of `stored` bytes and one of `classes` onto the card.
    pub(crate) fn new(
        card: &Card,
        images: Images<'_>,
        stored: usize,
        classes: usize,
    ) -> Result<Self, GpuError> {
        let Images { labels, pixels } = images;
        if let Some(label) = labels.iter().find(|&&label| usize::from(label) >= classes) {
            return Err(GpuError::Shape(format!("class {label} of {classes}")));
        }
        if pixels.len() != labels.len() * stored {
            return Err(GpuError::Shape(format!(
                "{} bytes of {} images with {stored} each",
                pixels.len(),
                labels.len()
            )));
        }
        Ok(Self {
            pixels: card.copy_of(pixels)?,
            labels: card.copy_of(labels)?,
            images: labels.len(),
            losses: card.zeros(labels.len())?,
            correct: card.zeros(labels.len())?,
            parts: card.zeros(2 * PARTS)?,
            sums: card.zeros(4)?,
        })
    }

    /// Puts the sums over two ranges of images into the queue.
    ///
    /// # Safety
    /// The split must exist until that has been done.
    pub(crate) unsafe fn enqueue_sums(
        &self,
        kernels: &Kernels,
        stream: &Stream,
        ranges: [Range<usize>; 2],
    ) -> Result<(), GpuError> {
        for (place, range) in ranges.into_iter().enumerate() {
            if range.start > range.end || range.end > self.images {
                let images = self.images;
                return Err(GpuError::Shape(format!("images {range:?} of {images}")));
            }
            let seen = (&self.losses, &self.correct, range.start);
            // SAFETY: the range lies within the images; the other lengths are those of `new`.
            unsafe {
                kernels.partial_sums(stream, seen, &self.parts, range.len(), PARTS)?;
                kernels.total_sums(stream, &self.parts, (&self.sums, 2 * place), PARTS)?;
            }
        }
        Ok(())
    }

    /// Sums of losses and of correct answers over two ranges of images.
    pub(crate) fn sums(&self) -> Result<[[f64; 2]; 2], GpuError> {
        let sums = self.sums.read()?;
        Ok([[sums[0], sums[1]], [sums[2], sums[3]]])
    }

    /// How all images did.
    pub(crate) fn evaluation(&self) -> Result<Evaluation, GpuError> {
        let [[loss, correct], _] = self.sums()?;
        let loss = loss / self.images as f64;
        Ok(Evaluation { loss, correct })
    }
}
