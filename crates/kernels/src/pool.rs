//! Pooling by windows: the largest or the mean value of every window of an image.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use crate::geometry::ImageShape;
use crate::lanes::Lanes;

/// The windows of pooling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolGeometry {
    /// Shape of one input.
    pub input: ImageShape,
    /// Side of a window.
    pub kernel: usize,
    /// Pixels from one window to the next, in both directions.
    pub stride: usize,
    /// Pixels added on each side, at most half the kernel.
    pub padding: usize,
}

/// Pooling by windows, each of which has a pixel of the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pool {
    geometry: PoolGeometry,
    /// The mean, with zeros for the padding, not the largest value.
    average: bool,
}

impl Pool {
    /// # Panics
    /// Panics if a window is larger than the padded image, or may lie in the padding.
    pub(crate) fn new(geometry: PoolGeometry, average: bool) -> Self {
        let PoolGeometry {
            input,
            kernel,
            stride,
            padding,
        } = geometry;
        assert!(kernel > 0 && stride > 0, "kernel and stride are positive");
        assert!(
            padding <= kernel / 2,
            "a padding of at most half the kernel"
        );
        let side = input.height.min(input.width);
        assert!(
            side > 0 && kernel <= side + 2 * padding,
            "a {kernel} x {kernel} window in {} x {}",
            input.height,
            input.width
        );
        Self { geometry, average }
    }

    /// Shape of one output.
    pub(crate) fn output(self) -> ImageShape {
        let PoolGeometry {
            input,
            kernel,
            stride,
            padding,
        } = self.geometry;
        let windows = |side: usize| (side + 2 * padding - kernel) / stride + 1;
        ImageShape {
            channels: input.channels,
            height: windows(input.height),
            width: windows(input.width),
        }
    }

    /// The pixels of the image that window `window` has in a direction of `side` pixels.
    fn pixels(self, window: usize, side: usize) -> Range<usize> {
        let PoolGeometry {
            kernel,
            stride,
            padding,
            ..
        } = self.geometry;
        let start = window * stride;
        start.saturating_sub(padding)..(start + kernel - padding).min(side)
    }

    /// For every output, the features of its window, row by row.
    fn windows(self) -> impl Iterator<Item = impl Iterator<Item = usize> + Clone> {
        let ImageShape {
            channels,
            height,
            width,
        } = self.geometry.input;
        let output = self.output();
        let places = output.height * output.width;
        (0..channels * places).map(move |index| {
            let (channel, place) = (index / places, index % places);
            let rows = self.pixels(place / output.width, height);
            let columns = self.pixels(place % output.width, width);
            rows.flat_map(move |row| {
                let start = (channel * height + row) * width;
                columns.clone().map(move |column| start + column)
            })
        })
    }

    /// What a value contributes to a mean.
    fn share(self) -> f32 {
        let kernel = self.geometry.kernel as f64;
        (1.0 / (kernel * kernel)) as f32
    }
}

/// The outputs `[features, images]` of `inputs` `[features, images]`.
pub(crate) fn forward(pool: Pool, images: usize, inputs: &[f32]) -> Vec<f32> {
    let mut outputs = vec![0.0; pool.output().len() * images];
    Arch::new().dispatch(Forward {
        pool,
        images,
        inputs,
        outputs: &mut outputs,
    });
    outputs
}

struct Forward<'a> {
    pool: Pool,
    images: usize,
    inputs: &'a [f32],
    outputs: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let share = simd.splat_f32s(self.pool.share());
        for (output, window) in self.pool.windows().enumerate() {
            for lanes in Lanes::groups(self.images, S::F32_LANES) {
                let values = window
                    .clone()
                    .map(|feature| lanes.load(simd, self.inputs, feature));
                let value = if self.pool.average {
                    let sum =
                        values.fold(simd.splat_f32s(0.0), |sum, value| simd.add_f32s(sum, value));
                    simd.mul_f32s(sum, share)
                } else {
                    largest(simd, values)
                };
                lanes.store(simd, self.outputs, output, value);
            }
        }
    }
}

/// The largest of some values; undefined ones win.
#[inline(always)]
fn largest<S: Simd>(simd: S, values: impl Iterator<Item = S::f32s>) -> S::f32s {
    values.fold(simd.splat_f32s(f32::NEG_INFINITY), |largest, value| {
        let smaller = simd.less_than_or_equal_f32s(value, largest);
        simd.select_f32s(smaller, largest, value)
    })
}

/// The gradient of `inputs` `[features, images]` from that of the outputs. Of equal largest values the first has it.
pub(crate) fn backward(pool: Pool, images: usize, inputs: &[f32], gradient: &[f32]) -> Vec<f32> {
    let mut gradients = vec![0.0; inputs.len()];
    Arch::new().dispatch(Backward {
        pool,
        images,
        inputs,
        gradient,
        gradients: &mut gradients,
    });
    gradients
}

struct Backward<'a> {
    pool: Pool,
    images: usize,
    inputs: &'a [f32],
    gradient: &'a [f32],
    gradients: &'a mut [f32],
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let zero = simd.splat_f32s(0.0);
        let share = simd.splat_f32s(self.pool.share());
        for (output, window) in self.pool.windows().enumerate() {
            for lanes in Lanes::groups(self.images, S::F32_LANES) {
                let gradient = lanes.load(simd, self.gradient, output);
                if self.pool.average {
                    let part = simd.mul_f32s(gradient, share);
                    window
                        .clone()
                        .for_each(|feature| lanes.add(simd, self.gradients, feature, part));
                    continue;
                }
                let values = window
                    .clone()
                    .map(|feature| lanes.load(simd, self.inputs, feature));
                let largest = largest(simd, values);
                let mut left = gradient;
                for feature in window.clone() {
                    let value = lanes.load(simd, self.inputs, feature);
                    let chosen = simd.equal_f32s(value, largest);
                    let part = simd.select_f32s(chosen, left, zero);
                    lanes.add(simd, self.gradients, feature, part);
                    left = simd.select_f32s(chosen, zero, left);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(average: bool) -> Pool {
        let input = ImageShape {
            channels: 1,
            height: 3,
            width: 4,
        };
        let geometry = PoolGeometry {
            input,
            kernel: 3,
            stride: 2,
            padding: 1,
        };
        Pool::new(geometry, average)
    }

    #[test]
    fn windows_at_the_edges_by_hand() {
        let image = [
            1.0, 2.0, 3.0, 4.0, //
            5.0, 6.0, 7.0, 8.0, //
            9.0, 10.0, 11.0, 11.0,
        ];
        assert_eq!(forward(pool(false), 1, &image), [6.0, 8.0, 10.0, 11.0]);
        let means = [14.0, 30.0, 30.0, 53.0].map(|sum: f32| sum * (1.0 / 9.0));
        assert_eq!(forward(pool(true), 1, &image), means);
        let gradient = backward(pool(false), 1, &image, &[1.0, 2.0, 4.0, 8.0]);
        let mut expected = [0.0; 12];
        // The first of the two 11s is chosen.
        for (place, value) in [(5, 1.0), (7, 2.0), (9, 4.0), (10, 8.0)] {
            expected[place] = value;
        }
        assert_eq!(gradient, expected);
    }
}
