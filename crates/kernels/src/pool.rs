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
    taken: Taken,
}

/// What is taken of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// The largest value; those of the padding do not count.
    Largest,
    /// The mean, with zeros for the padding, or else of the values in the image.
    Mean { counts_padding: bool },
}

impl Pool {
    /// # Panics
    /// Panics if a window is larger than the padded image, or may lie in the padding.
    pub(crate) fn new(geometry: PoolGeometry, taken: Taken) -> Self {
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
        Self { geometry, taken }
    }

    /// Shape of one input.
    pub(crate) fn input(self) -> ImageShape {
        self.geometry.input
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

    /// What a value contributes to the mean of a window with so many pixels of the image; `None` if the largest is taken.
    fn share(self, pixels: usize) -> Option<f32> {
        let kernel = self.geometry.kernel;
        match self.taken {
            Taken::Largest => None,
            Taken::Mean {
                counts_padding: true,
            } => Some((1.0 / (kernel * kernel) as f64) as f32),
            Taken::Mean {
                counts_padding: false,
            } => Some((1.0 / pixels as f64) as f32),
        }
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
        for (output, window) in self.pool.windows().enumerate() {
            let share = self.pool.share(window.clone().count());
            for lanes in Lanes::groups(self.images, S::F32_LANES) {
                let values = window
                    .clone()
                    .map(|feature| lanes.load(simd, self.inputs, feature));
                let value = match share {
                    Some(share) => {
                        let zero = simd.splat_f32s(0.0);
                        let sum = values.fold(zero, |sum, value| simd.add_f32s(sum, value));
                        simd.mul_f32s(sum, simd.splat_f32s(share))
                    }
                    None => largest(simd, values),
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
        for (output, window) in self.pool.windows().enumerate() {
            let share = self.pool.share(window.clone().count());
            for lanes in Lanes::groups(self.images, S::F32_LANES) {
                let gradient = lanes.load(simd, self.gradient, output);
                if let Some(share) = share {
                    let part = simd.mul_f32s(gradient, simd.splat_f32s(share));
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

    fn pool(taken: Taken) -> Pool {
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
        Pool::new(geometry, taken)
    }

    #[test]
    fn windows_at_the_edges_by_hand() {
        let image = [
            1.0, 2.0, 3.0, 4.0, //
            5.0, 6.0, 7.0, 8.0, //
            9.0, 10.0, 11.0, 11.0,
        ];
        let largest = pool(Taken::Largest);
        let mean = |counts_padding| pool(Taken::Mean { counts_padding });
        assert_eq!(forward(largest, 1, &image), [6.0, 8.0, 10.0, 11.0]);
        let sums = [14.0, 30.0, 30.0, 53.0_f32];
        let means = sums.map(|sum| sum * (1.0 / 9.0));
        assert_eq!(forward(mean(true), 1, &image), means);
        // The first and third windows have two columns of the image, the others three; each has two rows.
        let pixels = [4.0, 6.0, 4.0, 6.0_f32];
        let inside: Vec<f32> = sums
            .iter()
            .zip(pixels)
            .map(|(sum, n)| sum * (1.0 / n))
            .collect();
        assert_eq!(forward(mean(false), 1, &image), inside);
        let gradient = backward(mean(false), 1, &image, &[4.0, 0.0, 0.0, 6.0]);
        let ones = [0, 1, 4, 5].into_iter().chain([5, 6, 7, 9, 10, 11]);
        let mut expected = [0.0; 12];
        ones.for_each(|place| expected[place] += 1.0);
        assert_eq!(gradient, expected);
        let gradient = backward(largest, 1, &image, &[1.0, 2.0, 4.0, 8.0]);
        let mut expected = [0.0; 12];
        // The first of the two 11s is chosen.
        for (place, value) in [(5, 1.0), (7, 2.0), (9, 4.0), (10, 8.0)] {
            expected[place] = value;
        }
        assert_eq!(gradient, expected);
    }
}
