//! Masks of dropout.

use eigenscope_stage::Seed;
use pulp::{Arch, Simd, WithSimd};

use crate::bit_lanes::{BitLanes, LANES};

/// The masks of one training step.
#[derive(Debug, Clone)]
pub struct DropoutStream {
    bits: BitLanes,
}

impl DropoutStream {
    /// The masks of step number `step` of a training.
    pub fn new(seed: Seed, step: u64) -> Self {
        Self {
            bits: BitLanes::new(seed, "dropout", step),
        }
    }

    /// The states of the sixteen generators: their first words, then their second ones, and so on.
    pub fn state_words(&self) -> [u32; 4 * LANES] {
        self.bits.state_words()
    }

    /// The next mask, of `values` factors: each is 0 with the probability `rate`, else `1 / (1 - rate)`.
    pub fn mask(&mut self, values: usize, rate: f64) -> Vec<f32> {
        let mut mask = vec![0.0; values];
        Arch::new().dispatch(Mask {
            bits: &mut self.bits,
            threshold: (rate * f64::from(1u32 << 31)).round() as u32,
            kept: (1.0 / (1.0 - rate)) as f32,
            mask: &mut mask,
        });
        mask
    }
}

struct Mask<'a> {
    bits: &'a mut BitLanes,
    /// A value is dropped if 31 random bits are a smaller number.
    threshold: u32,
    kept: f32,
    mask: &'a mut [f32],
}

impl WithSimd for Mask<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for factors in self.mask.chunks_mut(LANES) {
            for (factor, bits) in factors.iter_mut().zip(self.bits.words()) {
                *factor = if bits >> 1 < self.threshold {
                    0.0
                } else {
                    self.kept
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_dropped_and_the_mean_is_kept() {
        let mut stream = DropoutStream::new(Seed(4), 9);
        let mask = stream.mask(100_001, 0.25);
        let kept = mask.iter().filter(|&&factor| factor == 4.0 / 3.0).count();
        let dropped = mask.iter().filter(|&&factor| factor == 0.0).count();
        assert_eq!(kept + dropped, mask.len());
        // Binomial: mean 75,001, standard deviation 137; five of them allowed.
        assert!(kept.abs_diff(75_001) < 685, "{kept}");
        assert_ne!(stream.mask(100, 0.5), stream.mask(100, 0.5));
        assert_eq!(stream.mask(10, 0.0), [1.0; 10]);
        assert_eq!(mask, DropoutStream::new(Seed(4), 9).mask(100_001, 0.25));
    }
}
