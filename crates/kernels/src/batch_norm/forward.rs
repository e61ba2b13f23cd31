//! Moments, normalisation, ReLU and pooling, channel by channel.

use pulp::{Arch, Simd, WithSimd};

use super::moments::Moments;
use super::{Batch, Channel};
use crate::epilogue::{Epilogue, WINDOW, relu_max_pool};
use crate::lanes::Lanes;

/// The outputs `[features, images]`, and the moments of the values.
pub(crate) fn forward(batch: Batch<'_>) -> (Vec<f32>, Moments) {
    Arch::new().dispatch(Forward { batch })
}

struct Forward<'a> {
    batch: Batch<'a>,
}

impl WithSimd for Forward<'_> {
    type Output = (Vec<f32>, Moments);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
        let Self { batch } = self;
        let epilogue = batch.normalisation.epilogue;
        let pixels = batch.normalisation.pixels();
        let channels = batch.normalisation.input.channels;
        let length = pixels.len() / epilogue.side().pow(2) * batch.images;
        let mut outputs = Vec::with_capacity(channels * length);
        let mut moments = Moments::with_capacity(channels);
        for (channel, values) in batch.channels().enumerate() {
            let (mean, variance) = moments.add(values);
            let channel = batch.channel(channel, values, mean, variance);
            let start = outputs.len();
            outputs.resize(start + length, 0.0);
            let outputs = &mut outputs[start..];
            apply(simd, &channel, epilogue, &pixels, batch.images, outputs);
        }
        (outputs, moments)
    }
}

#[inline(always)]
fn apply<S: Simd>(
    simd: S,
    channel: &Channel<'_>,
    epilogue: Epilogue,
    pixels: &[usize],
    images: usize,
    outputs: &mut [f32],
) {
    if epilogue == Epilogue::ReluMaxPool {
        let (windows, _) = pixels.as_chunks::<WINDOW>();
        for (output, window) in windows.iter().enumerate() {
            for lanes in Lanes::groups(images, S::F32_LANES) {
                let values = channel.window(simd, lanes, window);
                lanes.store(simd, outputs, output, relu_max_pool(simd, values));
            }
        }
        return;
    }
    for &pixel in pixels {
        for lanes in Lanes::groups(images, S::F32_LANES) {
            let value = channel.pixel(simd, lanes, pixel);
            lanes.store(simd, outputs, pixel, epilogue.pixel(simd, value));
        }
    }
}
