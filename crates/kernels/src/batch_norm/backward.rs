//! Gradients of a batch normalisation.

use pulp::{Arch, Simd, WithSimd};

use super::moments::sum;
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
pub(crate) fn backward(batch: Batch<'_>, gradient: &[f32]) -> Gradients {
    let mut values = vec![0.0; batch.values.len()];
    Arch::new().dispatch(UndoFinish {
        batch,
        gradient,
        values: &mut values,
    });
    let length = values.len() / batch.normalisation.input.channels;
    let channels = batch.channels().zip(values.chunks_exact_mut(length));
    let (weight, bias) = channels
        .map(|(channel, gradient)| undo_normalisation(&channel, gradient))
        .unzip();
    Gradients {
        values,
        weight,
        bias,
    }
}

/// Turns the gradient of y into that of x, and returns those of weight and bias.
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

/// The gradient of y from that of what became of it; 0 for dropped pixels.
struct UndoFinish<'a> {
    batch: Batch<'a>,
    gradient: &'a [f32],
    values: &'a mut [f32],
}

impl WithSimd for UndoFinish<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            batch,
            gradient,
            values,
        } = self;
        let epilogue = batch.normalisation.epilogue;
        let pixels = batch.normalisation.pixels();
        let channels = batch.normalisation.input.channels;
        let gradients = gradient.chunks_exact(gradient.len() / channels);
        let values = values.chunks_exact_mut(batch.values.len() / channels);
        for ((channel, gradient), values) in batch.channels().zip(gradients).zip(values) {
            for lanes in Lanes::groups(batch.images, S::F32_LANES) {
                undo(simd, &channel, epilogue, &pixels, lanes, (gradient, values));
            }
        }
    }
}

#[inline(always)]
fn undo<S: Simd>(
    simd: S,
    channel: &Channel<'_>,
    epilogue: Epilogue,
    pixels: &[usize],
    lanes: Lanes,
    (gradient, values): (&[f32], &mut [f32]),
) {
    if epilogue == Epilogue::ReluMaxPool {
        let (windows, _) = pixels.as_chunks::<WINDOW>();
        for (output, window) in windows.iter().enumerate() {
            let results = window.map(|pixel| channel.pixel(simd, lanes, pixel));
            let gradient = lanes.load(simd, gradient, output);
            let shares = relu_max_pool_gradient(simd, results, gradient);
            for (&pixel, share) in window.iter().zip(shares) {
                lanes.store(simd, values, pixel, share);
            }
        }
        return;
    }
    for &pixel in pixels {
        let result = channel.pixel(simd, lanes, pixel);
        let gradient = lanes.load(simd, gradient, pixel);
        let gradient = epilogue.pixel_gradient(simd, result, gradient);
        lanes.store(simd, values, pixel, gradient);
    }
}
