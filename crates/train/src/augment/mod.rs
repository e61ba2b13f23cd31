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
        let mut inputs = vec![0.0; rows.len() * self.shape.len()];
        self.start(seed, index).next(data, rows, &mut inputs);
        inputs
    }

    /// The augmentations of batch number `index`, whose rows are taken one after another.
    pub(crate) fn start(&self, seed: Seed, index: u64) -> BatchAugmenter<'_> {
        let begin = |(purpose, step): &(String, Augmentation)| match *step {
            Augmentation::Noise { std } => Drawing::Noise {
                stream: NormalStream::new(seed, purpose, index),
                std: std as f32,
            },
            Augmentation::Blur { sigma } if sigma > 0.0 => {
                Drawing::Blur(Blur::new(sigma, self.shape))
            }
            Augmentation::Blur { .. } => Drawing::Nothing,
            Augmentation::SaltAndPepper { amount } => {
                let bits = BitLanes::new(seed, purpose, index);
                Drawing::SaltAndPepper(SaltAndPepper::new(amount, bits, &self.extremes))
            }
            Augmentation::Rotation { .. }
            | Augmentation::Translation { .. }
            | Augmentation::Flip => Drawing::Image {
                step: *step,
                stream: seed.stream(purpose, index),
            },
        };
        BatchAugmenter {
            steps: self.steps.iter().map(begin).collect(),
            shape: self.shape,
        }
    }
}

/// The augmentations of one batch.
pub(crate) struct BatchAugmenter<'a> {
    steps: Vec<Drawing<'a>>,
    shape: InputShape,
}

/// An augmentation with what it draws from.
enum Drawing<'a> {
    Noise {
        stream: NormalStream,
        std: f32,
    },
    Blur(Blur),
    SaltAndPepper(SaltAndPepper<'a>),
    /// A change that draws numbers for an image as a whole.
    Image {
        step: Augmentation,
        stream: Stream,
    },
    Nothing,
}

impl BatchAugmenter<'_> {
    /// Writes the next rows of the batch, `rows` of `data`, to `inputs` `[rows.len(), width]`.
    ///
    /// # Panics
    /// Panics if a row is out of bounds.
    pub(crate) fn next(&mut self, data: &DataSet, rows: &[u32], inputs: &mut [f32]) {
        let rest = match self.steps.split_first_mut() {
            // Noise is added as the rows are copied.
            Some((Drawing::Noise { stream, std }, rest)) => {
                data.noisy(rows, stream, *std, inputs);
                rest
            }
            _ => {
                data.gather(rows, inputs);
                self.steps.as_mut_slice()
            }
        };
        for step in rest {
            step.apply(inputs, self.shape);
        }
    }
}

impl Drawing<'_> {
    fn apply(&mut self, inputs: &mut [f32], shape: InputShape) {
        let InputShape { height, width, .. } = shape;
        match self {
            Drawing::Noise { stream, std } => stream.add(inputs, shape.len(), *std),
            Drawing::Blur(blur) => blur.apply(inputs),
            Drawing::SaltAndPepper(change) => change.apply(inputs, shape),
            Drawing::Nothing => {}
            Drawing::Image { step, stream } => match *step {
                Augmentation::Rotation { degrees } => place(inputs, shape, || {
                    Placement::rotation(degrees * symmetric(stream))
                }),
                Augmentation::Translation { fraction } => place(inputs, shape, || {
                    let mut shift = |side: usize| fraction * side as f64 * symmetric(stream);
                    let down = shift(height);
                    Placement::translation(down, shift(width))
                }),
                _ => {
                    for image in inputs.chunks_exact_mut(shape.len()) {
                        if symmetric(stream) < 0.0 {
                            image.chunks_exact_mut(width).for_each(<[f32]>::reverse);
                        }
                    }
                }
            },
        }
    }
}

/// Samples every image at the place that `next` gives it.
fn place(inputs: &mut [f32], shape: InputShape, mut next: impl FnMut() -> Placement) {
    let mut sampler = Sampler::new(shape);
    for image in inputs.chunks_exact_mut(shape.len()) {
        sampler.apply(next(), image);
    }
}

/// Uniform in -1..1.
fn symmetric(stream: &mut Stream) -> f64 {
    2.0 * stream.uniform() - 1.0
}

#[cfg(test)]
mod tests;
