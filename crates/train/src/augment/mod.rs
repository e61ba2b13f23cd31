//! Random changes of training inputs: noise, rotation, translation, blur, salt and pepper, flips.
//!
//! They act on images `[channels, height, width]` after the pixel transforms. What is drawn depends on the seed, the kind of
//! change and the number of the batch only: adding a blur to a list leaves its rotations as they were.

mod blur;
mod parameter;
mod salt_and_pepper;
mod sampling;

pub(crate) use parameter::augment;

use eigenscope_artifact::InputShape;
use eigenscope_models::ModelError;
use eigenscope_stage::{Seed, Stream};
use serde::Deserialize;

use self::blur::{BLUR_RADIUS, Blur};
use self::salt_and_pepper::SaltAndPepper;
use self::sampling::{Placement, Sampler};
use crate::bit_lanes::BitLanes;
use crate::data_set::DataSet;
use crate::noise::NormalStream;

/// One change of every image of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Augmentation {
    /// Gaussian noise of this standard deviation on every value, not clipped.
    Noise { std: f64 },
    /// A rotation about the centre by an angle uniform in ±`degrees`.
    Rotation { degrees: f64 },
    /// A shift, down and to the right, each uniform in ±`fraction` of the side. It need not be a whole number of pixels.
    Translation { fraction: f64 },
    /// A Gaussian blur with windows of 5 x 5 pixels and this standard deviation in pixels; none for 0.
    Blur { sigma: f64 },
    /// This part of all pixels, each chosen by itself, becomes black or white in every channel.
    SaltAndPepper { amount: f64 },
    /// Left and right exchanged in half of the images.
    Flip,
}

impl Augmentation {
    /// What it draws its random numbers for.
    fn purpose(self) -> &'static str {
        match self {
            Augmentation::Noise { .. } => "noise",
            Augmentation::Rotation { .. } => "rotation",
            Augmentation::Translation { .. } => "translation",
            Augmentation::Blur { .. } => "blur",
            Augmentation::SaltAndPepper { .. } => "salt-and-pepper",
            Augmentation::Flip => "flip",
        }
    }
}

/// A list of augmentations for images of one data set.
#[derive(Debug, Clone)]
pub struct Augmenter {
    /// Each with what it draws for: those of one kind that come after the first have a number.
    steps: Vec<(String, Augmentation)>,
    shape: InputShape,
    /// Values of every channel of a black and of a white image.
    extremes: [Vec<f32>; 2],
}

impl Augmenter {
    /// The augmentations `steps`, in this order, for images of `data`.
    ///
    /// # Errors
    /// Returns [`ModelError::TooSmall`] if the images have no room for a blur.
    pub fn new(steps: &[Augmentation], data: &DataSet) -> Result<Self, ModelError> {
        let shape = data.shape();
        let blurs =
            |step: &Augmentation| matches!(step, Augmentation::Blur { sigma } if *sigma > 0.0);
        // Beyond its edges an image is mirrored, without the edge itself.
        if shape.height.min(shape.width) <= BLUR_RADIUS && steps.iter().any(blurs) {
            return Err(ModelError::TooSmall {
                layer: "the blur of the training images".to_owned(),
                kernel: BLUR_RADIUS + 1,
                height: shape.height,
                width: shape.width,
            });
        }
        let purpose = |(position, step): (usize, &Augmentation)| {
            let purpose = step.purpose();
            let before = steps[..position].iter();
            match before.filter(|other| other.purpose() == purpose).count() {
                0 => purpose.to_owned(),
                number => format!("{purpose}/{number}"),
            }
        };
        let purposes = steps.iter().enumerate().map(purpose);
        Ok(Self {
            steps: purposes.zip(steps.iter().copied()).collect(),
            shape,
            extremes: data.extremes(),
        })
    }

    /// The inputs `rows` of `data` as they are trained on in batch number `index`, `[rows.len(), width]`.
    ///
    /// # Panics
    /// Panics if a row is out of bounds.
    pub fn batch(&self, data: &DataSet, rows: &[u32], seed: Seed, index: u64) -> Vec<f32> {
        let (mut inputs, rest) = match self.steps.split_first() {
            // Noise is added as the rows are copied.
            Some(((purpose, Augmentation::Noise { std }), rest)) => {
                let mut noise = NormalStream::new(seed, purpose, index);
                (data.noisy(rows, &mut noise, *std as f32), rest)
            }
            _ => (data.gather(rows), self.steps.as_slice()),
        };
        for (purpose, step) in rest {
            self.apply(*step, &mut inputs, seed, purpose, index);
        }
        inputs
    }

    fn apply(&self, step: Augmentation, inputs: &mut [f32], seed: Seed, purpose: &str, index: u64) {
        let InputShape { height, width, .. } = self.shape;
        let mut stream = seed.stream(purpose, index);
        match step {
            Augmentation::Noise { std } => {
                let mut noise = NormalStream::new(seed, purpose, index);
                noise.add(inputs, self.shape.len(), std as f32);
            }
            Augmentation::Rotation { degrees } => {
                self.place(inputs, || {
                    Placement::rotation(degrees * symmetric(&mut stream))
                });
            }
            Augmentation::Translation { fraction } => self.place(inputs, || {
                let mut shift = |side: usize| fraction * side as f64 * symmetric(&mut stream);
                let down = shift(height);
                Placement::translation(down, shift(width))
            }),
            Augmentation::Blur { sigma } if sigma > 0.0 => {
                Blur::new(sigma, self.shape).apply(inputs);
            }
            Augmentation::Blur { .. } => {}
            Augmentation::SaltAndPepper { amount } => {
                let bits = BitLanes::new(seed, purpose, index);
                SaltAndPepper::new(amount, bits, &self.extremes).apply(inputs, self.shape);
            }
            Augmentation::Flip => {
                for image in inputs.chunks_exact_mut(self.shape.len()) {
                    if symmetric(&mut stream) < 0.0 {
                        image.chunks_exact_mut(width).for_each(<[f32]>::reverse);
                    }
                }
            }
        }
    }

    /// Samples every image at the place that `next` gives it.
    fn place(&self, inputs: &mut [f32], mut next: impl FnMut() -> Placement) {
        let mut sampler = Sampler::new(self.shape);
        for image in inputs.chunks_exact_mut(self.shape.len()) {
            sampler.apply(next(), image);
        }
    }
}

/// Uniform in -1..1.
fn symmetric(stream: &mut Stream) -> f64 {
    2.0 * stream.uniform() - 1.0
}

#[cfg(test)]
mod tests;
