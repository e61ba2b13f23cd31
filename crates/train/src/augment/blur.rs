//! Gaussian blur.

use eigenscope_artifact::InputShape;
use pulp::{Arch, Simd, WithSimd};

/// Pixels of a window beside its middle, on each side.
pub(super) const BLUR_RADIUS: usize = 2;
const TAPS: usize = 2 * BLUR_RADIUS + 1;

/// A Gaussian blur, as `torchvision.transforms.functional.gaussian_blur` with `kernel_size = 5`.
///
/// The weights of the pixels at distance k are exp(-k^2 / 2 sigma^2), divided by their sum, along rows and then along columns.
/// Beyond its edges an image is mirrored, without the edge itself.
pub(super) struct Blur {
    weights: [f32; TAPS],
    shape: InputShape,
}

impl Blur {
    /// A blur of images with sides above [`BLUR_RADIUS`]; `sigma` is positive.
    pub(super) fn new(sigma: f64, shape: InputShape) -> Self {
        let distances: [f64; TAPS] = std::array::from_fn(|tap| tap as f64 - BLUR_RADIUS as f64);
        let weights = distances.map(|distance| (-0.5 * (distance / sigma).powi(2)).exp());
        let sum: f64 = weights.iter().sum();
        Self {
            weights: weights.map(|weight| (weight / sum) as f32),
            shape,
        }
    }

    /// Blurs images `[channels, height, width]`, one after another.
    pub(super) fn apply(&self, images: &mut [f32]) {
        Arch::new().dispatch(Planes { blur: self, images });
    }
}

struct Planes<'a> {
    blur: &'a Blur,
    images: &'a mut [f32],
}

impl WithSimd for Planes<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let InputShape { height, width, .. } = self.blur.shape;
        let weights = self.blur.weights;
        let mut row = vec![0.0; width + 2 * BLUR_RADIUS];
        let mut across = vec![0.0; height * width];
        for plane in self.images.chunks_exact_mut(height * width) {
            let rows = plane.chunks_exact(width);
            for (source, out) in rows.zip(across.chunks_exact_mut(width)) {
                row[BLUR_RADIUS..][..width].copy_from_slice(source);
                for distance in 1..=BLUR_RADIUS {
                    row[BLUR_RADIUS - distance] = source[distance];
                    row[BLUR_RADIUS + width - 1 + distance] = source[width - 1 - distance];
                }
                let taps: [&[f32]; TAPS] = std::array::from_fn(|tap| &row[tap..][..width]);
                weighted(weights, taps, out);
            }
            for (y, out) in plane.chunks_exact_mut(width).enumerate() {
                let taps = std::array::from_fn(|tap| {
                    &across[mirrored(y + tap, height) * width..][..width]
                });
                weighted(weights, taps, out);
            }
        }
    }
}

/// The row of an image that stands at `row - BLUR_RADIUS`.
fn mirrored(row: usize, height: usize) -> usize {
    let row = row.abs_diff(BLUR_RADIUS);
    row.min(2 * (height - 1) - row)
}

/// The sum of the rows, each with its weight.
#[inline(always)]
fn weighted(weights: [f32; TAPS], taps: [&[f32]; TAPS], out: &mut [f32]) {
    let [first, second, third, fourth, fifth] = taps;
    let rows = first.iter().zip(second).zip(third).zip(fourth).zip(fifth);
    for (out, ((((a, b), c), d), e)) in out.iter_mut().zip(rows) {
        let outer = weights[0] * (a + e);
        let inner = weights[1] * (b + d);
        *out = outer + inner + weights[2] * c;
    }
}
