//! Inputs of a network, made on the card of images as they are stored.

use crate::module::Argument::{self, Real, Whole};
use crate::module::{NULL, at};
use crate::training::{COUNTED, Draws, GENERATORS, Split};
use crate::{Buffer, Card, GpuError, Kernel, Module, Stream};

/// The text of the kernels.
pub(super) const SOURCE: &str = include_str!("inputs.cu");

/// Most resizes of an image. Each reads four values for one that it makes, and makes the kernels four times as long.
pub const RESIZES: usize = 2;

/// A transform of an image `[channels, height, width]`.
#[derive(Debug, Clone, PartialEq)]
pub enum Transform {
    /// Subtracts a mean and divides by a standard deviation, each of them one for every channel.
    Normalise { mean: Vec<f32>, std: Vec<f32> },
    /// Makes 0.2989 R + 0.587 G + 0.114 B of three channels.
    Grey,
    /// Interpolates between the four pixels nearest to the centre of a new one, without antialiasing.
    Resize { height: usize, width: usize },
}

/// What makes inputs of images as they are stored: a list of transforms.
#[derive(Debug, Clone, PartialEq)]
pub struct Preparation {
    /// Channels, height and width of a stored image.
    stored: [usize; 3],
    /// Those of an input.
    made: [usize; 3],
    /// The transforms as the kernels name them.
    text: String,
    /// Means and standard deviations of all transforms.
    numbers: Vec<f32>,
}

impl Preparation {
    /// The `transforms`, in this order, of images with these channels, height and width.
    ///
    /// # Errors
    /// Returns [`GpuError::Shape`] for a transform that does not fit, and for more than [`RESIZES`] of them.
    pub fn new(stored: [usize; 3], transforms: &[Transform]) -> Result<Self, GpuError> {
        let (mut made, mut numbers) = (stored, Vec::new());
        let mut text = "Stored".to_owned();
        let mut resizes = 0;
        countable(stored)?;
        for transform in transforms {
            let [channels, height, width] = made;
            let pixels = height * width;
            match transform {
                Transform::Normalise { mean, std }
                    if (mean.len(), std.len()) == (channels, channels) =>
                {
                    let first = numbers.len();
                    text = format!("Normalised<{text}, {channels}, {pixels}, {first}>");
                    numbers.extend(mean.iter().chain(std));
                }
                Transform::Grey if channels == 3 => {
                    text = format!("Grey<{text}, {pixels}>");
                    made[0] = 1;
                }
                Transform::Resize {
                    height: rows,
                    width: columns,
                } if resizes < RESIZES => {
                    text = format!("Resized<{text}, {height}, {width}, {rows}, {columns}>");
                    made = [channels, *rows, *columns];
                    resizes += 1;
                }
                _ => {
                    return Err(GpuError::Shape(format!(
                        "after {resizes} resizes a card does not transform images of {made:?} by {transform:?}"
                    )));
                }
            }
            countable(made)?;
        }
        Ok(Self {
            stored,
            made,
            text,
            numbers,
        })
    }

    /// Bytes of a stored image.
    pub fn stored(&self) -> usize {
        self.stored.iter().product()
    }

    /// Values of an input.
    pub fn width(&self) -> usize {
        self.made.iter().product()
    }

    /// What stands before the text of the kernels.
    pub(super) fn definition(&self) -> String {
        format!("#define INPUT {}\n", self.text)
    }
}

/// Refuses images without a value, and those whose values kernels cannot count in 32 bits.
fn countable(shape: [usize; 3]) -> Result<(), GpuError> {
    let values = shape
        .iter()
        .try_fold(1usize, |values, &side| values.checked_mul(side));
    match values {
        Some(1..=COUNTED) => Ok(()),
        _ => Err(GpuError::Shape(format!("images of {shape:?} values"))),
    }
}

/// In which order the inputs of a batch lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// `[images, width]`.
    Images,
    /// `[width, images]`.
    Features,
}

/// The kernels that make inputs.
#[derive(Debug)]
pub(super) struct Inputs {
    gather: Kernel,
    gather_noisy: Kernel,
    arrange: Kernel,
    numbers: Buffer<f32>,
    stored: usize,
    width: usize,
    order: Order,
}

impl Inputs {
    pub(super) fn new(
        card: &Card,
        module: &Module,
        preparation: &Preparation,
        order: Order,
    ) -> Result<Self, GpuError> {
        Ok(Self {
            gather: module.kernel("gather")?,
            gather_noisy: module.kernel("gather_noisy")?,
            arrange: module.kernel("arrange")?,
            numbers: card.copy_of(&preparation.numbers)?,
            stored: preparation.stored(),
            width: preparation.width(),
            order,
        })
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    fn by_feature(&self) -> u32 {
        u32::from(self.order == Order::Features)
    }

    /// What both kernels that gather inputs are given first.
    fn arguments(
        &self,
        pixels: Argument,
        order: Argument,
        out: &Buffer<f32>,
        images: usize,
    ) -> Vec<Argument> {
        vec![
            pixels,
            order,
            at(&self.numbers, 0),
            at(out, 0),
            Whole(images as u32),
            Whole(self.width as u32),
            Whole(self.stored as u32),
            Whole(self.by_feature()),
        ]
    }

    /// Puts the inputs of `images` images of a split into the queue, those from number `start` on.
    ///
    /// # Safety
    /// The buffers must exist until that has been done; the split must have so many images, and `out` room for their inputs.
    pub(super) unsafe fn enqueue(
        &self,
        stream: &Stream,
        split: &Split,
        start: usize,
        images: usize,
        out: &Buffer<f32>,
    ) -> Result<(), GpuError> {
        let pixels = at(&split.pixels, start * self.stored);
        let arguments = self.arguments(pixels, NULL, out, images);
        // SAFETY: these are the types of the kernel's arguments. A preparation reads no byte beyond an image, as `Preparation::new`
        // follows the shapes, all of which can be counted, and has the numbers that it names; the caller answers for the other buffers.
        unsafe { self.gather.launch(stream, images * self.width, &arguments) }
    }

    /// Puts the inputs of a step into the queue, with noise if there is some.
    ///
    /// # Safety
    /// The buffers must exist until that has been done; the draws must be of this split, and `out` have room for a batch.
    pub(super) unsafe fn enqueue_drawn(
        &self,
        stream: &Stream,
        split: &Split,
        draws: &Draws,
        step: usize,
        out: &Buffer<f32>,
    ) -> Result<(), GpuError> {
        let shape = draws.shape();
        let images = shape.rows(step);
        let order = at(draws.order(), step * shape.batch);
        let mut arguments = self.arguments(at(&split.pixels, 0), order, out, images);
        // SAFETY: as in `enqueue`; `Draws::write` checked that the order names images that are there, and draws have states and jumps
        // for all rows of every step.
        unsafe {
            match draws.noise(step) {
                None => self.gather.launch(stream, images * self.width, &arguments),
                Some(noise) => {
                    arguments.extend(noise);
                    arguments.push(Real(shape.noise_std));
                    self.gather_noisy
                        .launch(stream, images * GENERATORS, &arguments)
                }
            }
        }
    }

    /// Puts the inputs of `images` images into the queue, those in `made` from number `start` on.
    ///
    /// # Safety
    /// The buffers must exist until that has been done, and have so many inputs and room for them.
    pub(super) unsafe fn enqueue_made(
        &self,
        stream: &Stream,
        made: &Buffer<f32>,
        start: usize,
        images: usize,
        out: &Buffer<f32>,
    ) -> Result<(), GpuError> {
        let arguments = [
            at(made, start * self.width),
            at(out, 0),
            Whole(images as u32),
            Whole(self.width as u32),
            Whole(self.by_feature()),
        ];
        // SAFETY: these are the types of the kernel's arguments; the caller answers for the buffers.
        unsafe { self.arrange.launch(stream, images * self.width, &arguments) }
    }
}
