//! Pixels that become black or white.

use eigenscope_artifact::InputShape;
use pulp::{Arch, Simd, WithSimd};

use crate::bit_lanes::{BitLanes, LANES};

/// Salt and pepper for a stream of images.
pub(super) struct SaltAndPepper<'a> {
    /// A pixel changes if 31 of its bits are a smaller number; the other bit is its colour.
    threshold: u32,
    bits: BitLanes,
    /// Black and white, one value for each channel.
    extremes: &'a [Vec<f32>; 2],
}

impl<'a> SaltAndPepper<'a> {
    /// Changes of the part `amount`, at most 1, of all pixels.
    pub(super) fn new(amount: f64, bits: BitLanes, extremes: &'a [Vec<f32>; 2]) -> Self {
        Self {
            threshold: (amount * f64::from(1u32 << 31)).round() as u32,
            bits,
            extremes,
        }
    }

    /// Changes images of one shape, one after another.
    pub(super) fn apply(&mut self, images: &mut [f32], shape: InputShape) {
        Arch::new().dispatch(Images {
            change: self,
            images,
            shape,
        });
    }
}

struct Images<'a, 'b> {
    change: &'a mut SaltAndPepper<'b>,
    images: &'a mut [f32],
    shape: InputShape,
}

impl WithSimd for Images<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self {
            change,
            images,
            shape,
        } = self;
        let plane = shape.height * shape.width;
        let [black, white] = change.extremes;
        for image in images.chunks_exact_mut(shape.len()) {
            for start in (0..plane).step_by(LANES) {
                let bits = change.bits.words();
                let pixels = start..plane.min(start + LANES);
                let planes = image.chunks_exact_mut(plane);
                for (values, (&black, &white)) in planes.zip(black.iter().zip(white)) {
                    for (value, bits) in values[pixels.clone()].iter_mut().zip(bits) {
                        let colour = if bits & 1 == 0 { black } else { white };
                        *value = if bits >> 1 < change.threshold {
                            colour
                        } else {
                            *value
                        };
                    }
                }
            }
        }
    }
}
