//! Gradients of a batch normalisation.

use pulp::{Arch, Simd, WithSimd};

use super::moments::{Moments, sum};
use super::{Batch, Channel};
use crate::epilogue::{Epilogue, WINDOW, relu_max_pool_gradient};
use crate::lanes::Lanes;

/// Gradients in the shapes of what they belong to.
pub(crate) struct Gradients {
    pub(crate) values: Vec<f32>,
    pub(crate) weight: Vec<f32>,
    pub(crate) bias: Vec<f32>,
}

/// The gradients from that of the outputs `[features, images]`. With g the gradient of y, n = (x - mean) / deviation,
/// and means over the channel:
///
/// ```text
/// bias: sum(g)    weight: sum(g n)    x: weight / deviation (g - mean(g) - n mean(g n))
/// ```
pub(crate) fn backward(batch: Batch<'_>, moments: &Moments, gradient: &[f32]) -> Gradients {
    Arch::new().dispatch(Backward {
        batch,
        moments,
        gradient,
    })
}

struct Backward<'a> {
    batch: Batch<'a>,
    moments: &'a Moments,
    gradient: &'a [f32],
}

impl WithSimd for Backward<'_> {
    type Output = Gradients;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Gradients {
        let Self {
            batch,
            moments,
            gradient,
        } = self;
        let epilogue = batch.normalisation.epilogue;
        let pixels = batch.normalisation.pixels();
        let channels = batch.normalisation.input.channels;
        let mut found = Gradients {
            values: Vec::with_capacity(batch.values.len()),
            weight: Vec::with_capacity(channels),
            bias: Vec::with_capacity(channels),
        };
        let gradients = gradient.chunks_exact(gradient.len() / channels);
        for (channel, (values, gradient)) in batch.channels().zip(gradients).enumerate() {
            let (mean, variance) = (moments.mean[channel], moments.variance[channel]);
            let channel = batch.channel(channel, values, mean, variance);
            let start = found.values.len();
            found.values.resize(start + values.len(), 0.0);
            let of_channel = &mut found.values[start..];
            let matrices = (gradient, &mut *of_channel);
            undo_finish(simd, &channel, epilogue, &pixels, batch.images, matrices);
            let (weight, bias) = undo_normalisation(&channel, of_channel);
            found.weight.push(weight);
            found.bias.push(bias);
        }
        found
    }
}

/// Turns the gradient of y into that of x, and returns those of weight and bias.
#[inline(always)]
fn undo_normalisation(channel: &Channel<'_>, gradient: &mut [f32]) -> (f32, f32) {
    let Channel {
        values,
        mean,
        deviation,
        scale,
        ..
    } = *channel;
    let length = values.len() as f64;
    let bias = sum(gradient, values, |g, _| g);
    let weight = sum(gradient, values, |g, x| g * (x - mean)) / deviation;
    let shift = (bias / length) as f32;
    let slope = (weight / length / deviation) as f32;
    for (g, x) in gradient.iter_mut().zip(values) {
        *g = scale * (*g - shift - (x - mean) * slope);
    }
    (weight as f32, bias as f32)
}

/// The gradient of y from that of what became of it; dropped pixels are left as they are.
#[inline(always)]
fn undo_finish<S: Simd>(
    simd: S,
    channel: &Channel<'_>,
    epilogue: Epilogue,
    pixels: &[usize],
    images: usize,
    (gradient, values): (&[f32], &mut [f32]),
) {
    if epilogue == Epilogue::ReluMaxPool {
        let (windows, _) = pixels.as_chunks::<WINDOW>();
        for (output, window) in windows.iter().enumerate() {
            for lanes in Lanes::groups(images, S::F32_LANES) {
                let results = channel.window(simd, lanes, window);
                let gradient = lanes.load(simd, gradient, output);
                let shares = relu_max_pool_gradient(simd, results, gradient);
                for (&pixel, share) in window.iter().zip(shares) {
                    lanes.store(simd, values, pixel, share);
                }
            }
        }
        return;
    }
    for &pixel in pixels {
        for lanes in Lanes::groups(images, S::F32_LANES) {
            let result = channel.pixel(simd, lanes, pixel);
            let gradient = lanes.load(simd, gradient, pixel);
            let gradient = epilogue.pixel_gradient(simd, result, gradient);
            lanes.store(simd, values, pixel, gradient);
        }
    }
}
