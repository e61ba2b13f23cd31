//! What an epoch draws, on the card.

use crate::module::{Argument, at};
use crate::training::jumps::{jumps, noise_steps};
use crate::training::kernels::CHUNK;
use crate::training::{EpochPlan, GENERATORS, Kernels, States};
use crate::{Buffer, Card, GpuError, Stream};

/// Sizes of the epochs of a training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct EpochShape {
    /// Images that an epoch sees.
    pub(crate) images: usize,
    /// Images a step; the last one may have fewer.
    pub(crate) batch: usize,
    /// Values of an image.
    pub(crate) width: usize,
    /// Standard deviation of the noise on training inputs; none for 0.
    pub(crate) noise_std: f32,
    /// Values of a batch that have a mask of dropout, those of each mask filled up to whole words of all generators.
    pub(crate) masked: usize,
}

impl EpochShape {
    pub(crate) fn steps(&self) -> usize {
        self.images.div_ceil(self.batch)
    }

    /// Images of a step.
    pub(crate) fn rows(&self, step: usize) -> usize {
        self.batch.min(self.images - step * self.batch)
    }

    /// Chunks of random words for a step with masks of so many values.
    fn chunks(masked: usize) -> usize {
        masked.div_ceil(CHUNK * GENERATORS)
    }
}

/// An [`EpochPlan`] on the card.
#[derive(Debug)]
pub(crate) struct Draws {
    shape: EpochShape,
    /// Images of the split that is drawn from.
    images: usize,
    order: Buffer<u32>,
    schedule: Buffer<f32>,
    noise: Buffer<u32>,
    noise_jumps: Buffer<u32>,
    dropout: Buffer<u32>,
    dropout_jumps: Buffer<u32>,
    /// Random words of the masks of a step.
    words: Buffer<u32>,
}

impl Draws {
    pub(crate) fn new(card: &Card, shape: EpochShape, images: usize) -> Result<Self, GpuError> {
        let steps = shape.steps();
        let states = |are_drawn: bool| {
            let length = if are_drawn {
                steps * size_of::<States>() / size_of::<u32>()
            } else {
                0
            };
            card.zeros::<u32>(length)
        };
        let has_noise = shape.noise_std > 0.0;
        let chunks = EpochShape::chunks(shape.masked);
        Ok(Self {
            shape,
            images,
            order: card.zeros(shape.images)?,
            schedule: card.zeros(3 * steps)?,
            noise: states(has_noise)?,
            noise_jumps: match has_noise {
                true => card.copy_of(&jumps(noise_steps(shape.width), shape.batch))?,
                false => card.zeros(0)?,
            },
            dropout: states(chunks > 0)?,
            dropout_jumps: card.copy_of(&jumps(CHUNK, chunks))?,
            words: card.zeros(chunks * CHUNK * GENERATORS)?,
        })
    }

    /// Brings the draws of an epoch onto the card.
    pub(crate) fn write(&mut self, plan: &EpochPlan) -> Result<(), GpuError> {
        let steps = self.shape.steps();
        let states = |buffer: &Buffer<u32>| if buffer.len() == 0 { 0 } else { steps };
        let expected = (
            self.order.len(),
            steps,
            states(&self.noise),
            states(&self.dropout),
        );
        let found = (
            plan.order.len(),
            plan.schedule.len(),
            plan.noise.len(),
            plan.dropout.len(),
        );
        if found != expected {
            return Err(GpuError::Shape(format!(
                "an epoch of {found:?} images, steps and states of generators, expected {expected:?}"
            )));
        }
        let images = self.images;
        if let Some(image) = plan.order.iter().find(|&&image| image as usize >= images) {
            return Err(GpuError::Shape(format!("image {image} of {images}")));
        }
        self.order.write(&plan.order)?;
        self.schedule.write(plan.schedule.as_flattened())?;
        self.noise.write(plan.noise.as_flattened())?;
        self.dropout.write(plan.dropout.as_flattened())
    }

    pub(super) fn shape(&self) -> &EpochShape {
        &self.shape
    }

    /// Images in the order of the epoch.
    pub(super) fn order(&self) -> &Buffer<u32> {
        &self.order
    }

    /// What the optimiser needs for a step.
    pub(super) fn schedule(&self, step: usize) -> (&Buffer<f32>, usize) {
        (&self.schedule, 3 * step)
    }

    /// Random words of the masks of a step.
    pub(crate) fn words(&self) -> &Buffer<u32> {
        &self.words
    }

    /// States of the generators of noise before a step, and jumps from row to row; `None` without noise.
    pub(super) fn noise(&self, step: usize) -> Option<[Argument; 2]> {
        (self.noise.len() > 0).then(|| {
            [
                at(&self.noise, step * 4 * GENERATORS),
                at(&self.noise_jumps, 0),
            ]
        })
    }

    /// Puts the random words of a step into the queue.
    ///
    /// # Safety
    /// The draws must exist until that has been done.
    pub(super) unsafe fn enqueue_words(
        &self,
        kernels: &Kernels,
        stream: &Stream,
        step: usize,
    ) -> Result<(), GpuError> {
        let chunks = EpochShape::chunks(self.shape.masked);
        let starts = (&self.dropout, step * 4 * GENERATORS);
        // SAFETY: `new` made room for so many words, jumps and states.
        unsafe { kernels.random_words(stream, starts, &self.dropout_jumps, &self.words, chunks) }
    }
}
