//! ReLU and pooling as passes of their own, where a convolution is computed by products.

use pulp::{Arch, Simd, WithSimd};

use crate::epilogue::{WINDOW, chosen, gradient_of_chosen, relu_max_pool};
use crate::geometry::Convolution;
use crate::lanes::Lanes;

/// The features of every pooling window of one group, those of a channel after those of the one before.
fn windows(convolution: &Convolution) -> impl Iterator<Item = [usize; WINDOW]> {
    let (rows, columns) = (convolution.rows(), convolution.columns());
    let pixels = convolution.epilogue.pixels(rows, columns);
    let pixels: Vec<usize> = pixels.map(|(row, column)| row * columns + column).collect();
    let windows = pixels.as_chunks::<WINDOW>().0.to_vec();
    (0..convolution.outputs).flat_map(move |channel| {
        let first = channel * rows * columns;
        let windows = windows.clone().into_iter();
        windows.map(move |window| window.map(|pixel| first + pixel))
    })
}

/// Overwrites `outputs` with the largest of the `results` in every window, and `chosen` with where it lies.
pub(crate) fn pool(
    convolution: &Convolution,
    images: usize,
    results: &[f32],
    outputs: &mut [f32],
    chosen: Option<&mut [f32]>,
) {
    Arch::new().dispatch(Pool {
        convolution,
        images,
        results,
        outputs,
        chosen,
    });
}

struct Pool<'a> {
    convolution: &'a Convolution,
    images: usize,
    results: &'a [f32],
    outputs: &'a mut [f32],
    chosen: Option<&'a mut [f32]>,
}

impl WithSimd for Pool<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        for (output, window) in windows(self.convolution).enumerate() {
            for lanes in Lanes::groups(self.images, S::F32_LANES) {
                let mut values = [simd.splat_f32s(0.0); WINDOW];
                for (value, &feature) in values.iter_mut().zip(&window) {
                    *value = lanes.load(simd, self.results, feature);
                }
                lanes.store(simd, self.outputs, output, relu_max_pool(simd, values));
                if let Some(all) = &mut self.chosen {
                    lanes.store(simd, all, output, chosen(simd, values));
                }
            }
        }
    }
}

/// The gradient of the results from that of what [`pool`] made of them, and where it found that.
pub(crate) fn unpool(
    convolution: &Convolution,
    images: usize,
    gradient: &[f32],
    chosen: &[f32],
) -> Vec<f32> {
    let mut results = vec![0.0; gradient.len() * WINDOW];
    Arch::new().dispatch(Unpool {
        convolution,
        images,
        gradient,
        chosen,
        results: &mut results,
    });
    results
}

struct Unpool<'a> {
    convolution: &'a Convolution,
    images: usize,
    gradient: &'a [f32],
    chosen: &'a [f32],
    results: &'a mut [f32],
}

impl WithSimd for Unpool<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for (output, window) in windows(self.convolution).enumerate() {
            for lanes in Lanes::groups(self.images, S::F32_LANES) {
                let gradient = lanes.load(simd, self.gradient, output);
                let chosen = lanes.load(simd, self.chosen, output);
                let shares = gradient_of_chosen(simd, chosen, gradient);
                for (&feature, share) in window.iter().zip(shares) {
                    lanes.store(simd, self.results, feature, share);
                }
            }
        }
    }
}
