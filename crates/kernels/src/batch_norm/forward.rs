//! Normalisation, ReLU and pooling in one pass.

use pulp::{Arch, Simd, WithSimd};

use super::{Batch, Channel};
use crate::epilogue::{Epilogue, WINDOW, relu_max_pool};
use crate::lanes::Lanes;

/// The outputs `[features, images]`.
pub(crate) fn forward(batch: Batch<'_>) -> Vec<f32> {
    let mut outputs = vec![0.0; batch.normalisation.output().len() * batch.images];
    Arch::new().dispatch(Forward {
        batch,
        outputs: &mut outputs,
    });
    outputs
}

struct Forward<'a> {
    batch: Batch<'a>,
    outputs: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { batch, outputs } = self;
        let epilogue = batch.normalisation.epilogue;
        let pixels = batch.normalisation.pixels();
        let outputs =
            outputs.chunks_exact_mut(pixels.len() / epilogue.side().pow(2) * batch.images);
        for (channel, outputs) in batch.channels().zip(outputs) {
            for lanes in Lanes::groups(batch.images, S::F32_LANES) {
                apply(simd, &channel, epilogue, &pixels, lanes, outputs);
            }
        }
    }
}

#[inline(always)]
fn apply<S: Simd>(
    simd: S,
    channel: &Channel<'_>,
    epilogue: Epilogue,
    pixels: &[usize],
    lanes: Lanes,
    outputs: &mut [f32],
) {
    if epilogue == Epilogue::ReluMaxPool {
        let (windows, _) = pixels.as_chunks::<WINDOW>();
        for (output, window) in windows.iter().enumerate() {
            let values = window.map(|pixel| channel.pixel(simd, lanes, pixel));
            lanes.store(simd, outputs, output, relu_max_pool(simd, values));
        }
        return;
    }
    for &pixel in pixels {
        let value = channel.pixel(simd, lanes, pixel);
        lanes.store(simd, outputs, pixel, epilogue.pixel(simd, value));
    }
}
