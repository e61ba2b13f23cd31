//! Batch normalisation of images in training, with ReLU and pooling in the same pass.
//!
//! Per channel, over all pixels of all images (Ioffe and Szegedy 2015; PyTorch's `BatchNorm2d`):
//!
//! ```text
//! y = weight (x - mean) / deviation + bias        deviation = sqrt(variance + epsilon)
//! ```
//!
//! with the biased variance. The images are a matrix `[features, images]`, so a channel is contiguous.

mod backward;
mod forward;
mod moments;

use pulp::Simd;

pub(crate) use backward::backward;
pub(crate) use forward::forward;
pub(crate) use moments::Moments;

use crate::epilogue::{Epilogue, WINDOW};
use crate::geometry::ImageShape;
use crate::lanes::Lanes;

/// What is normalised, and what follows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Normalisation {
    pub(crate) input: ImageShape,
    pub(crate) epsilon: f64,
    pub(crate) epilogue: Epilogue,
}

impl Normalisation {
    /// Shape of one output.
    pub(crate) const fn output(self) -> ImageShape {
        ImageShape {
            channels: self.input.channels,
            height: self.input.height / self.epilogue.side(),
            width: self.input.width / self.epilogue.side(),
        }
    }

    /// Pixels of one channel that become something, those of one pooling window after another.
    fn pixels(self) -> Vec<usize> {
        let (output, side) = (self.output(), self.epilogue.side());
        let used = self
            .epilogue
            .pixels(output.height * side, output.width * side);
        used.map(|(row, column)| row * self.input.width + column)
            .collect()
    }
}

/// What is normalised, and by what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Batch<'a> {
    pub(crate) normalisation: Normalisation,
    /// Images.
    pub(crate) images: usize,
    /// `[features, images]`.
    pub(crate) values: &'a [f32],
    /// One value for each channel.
    pub(crate) weight: &'a [f32],
    /// One value for each channel.
    pub(crate) bias: &'a [f32],
}

impl<'a> Batch<'a> {
    /// The values of every channel, `[pixels, images]`. What is done to a channel is done in one go, while its values lie in the
    /// second-level cache.
    fn channels(&self) -> std::slice::ChunksExact<'a, f32> {
        let channels = self.normalisation.input.channels;
        self.values.chunks_exact(self.values.len() / channels)
    }

    /// The map of channel number `channel`, with these values and moments.
    fn channel(&self, channel: usize, values: &'a [f32], mean: f32, variance: f32) -> Channel<'a> {
        let deviation = (f64::from(variance) + self.normalisation.epsilon).sqrt();
        Channel {
            values,
            mean,
            deviation,
            scale: (f64::from(self.weight[channel]) / deviation) as f32,
            bias: self.bias[channel],
        }
    }
}

/// One channel and its map.
struct Channel<'a> {
    /// `[pixels, images]`.
    values: &'a [f32],
    mean: f32,
    deviation: f64,
    /// weight / deviation
    scale: f32,
    bias: f32,
}

impl Channel<'_> {
    /// The normalised values of a pixel.
    #[inline(always)]
    fn pixel<S: Simd>(&self, simd: S, lanes: Lanes, pixel: usize) -> S::f32s {
        let value = lanes.load(simd, self.values, pixel);
        let centred = simd.sub_f32s(value, simd.splat_f32s(self.mean));
        let (scale, bias) = (simd.splat_f32s(self.scale), simd.splat_f32s(self.bias));
        simd.mul_add_e_f32s(centred, scale, bias)
    }

    /// The normalised values of the pixels of a pooling window.
    #[inline(always)]
    fn window<S: Simd>(
        &self,
        simd: S,
        lanes: Lanes,
        window: &[usize; WINDOW],
    ) -> [S::f32s; WINDOW] {
        let mut values = [simd.splat_f32s(0.0); WINDOW];
        for (value, &pixel) in values.iter_mut().zip(window) {
            *value = self.pixel(simd, lanes, pixel);
        }
        values
    }
}
