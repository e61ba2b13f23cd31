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

use crate::epilogue::Epilogue;
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

/// What was normalised, and by what.
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
    /// Of `values`.
    pub(crate) moments: &'a Moments,
}

impl<'a> Batch<'a> {
    fn channels(&self) -> impl Iterator<Item = Channel<'a>> {
        let channels = self.normalisation.input.channels;
        let values = self.values.chunks_exact(self.values.len() / channels);
        let Self {
            weight,
            bias,
            moments,
            normalisation,
            ..
        } = *self;
        values.enumerate().map(move |(channel, values)| {
            let variance = f64::from(moments.variance[channel]);
            let deviation = (variance + normalisation.epsilon).sqrt();
            Channel {
                values,
                mean: moments.mean[channel],
                deviation,
                scale: (f64::from(weight[channel]) / deviation) as f32,
                bias: bias[channel],
            }
        })
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
}
