//! Gaussian noise, fast enough not to show beside the matrix products.
//!
//! The bits of a [`BitLanes`] feed the Box-Muller transform, whose logarithm, sine and cosine are polynomials. The loops are
//! written so that the compiler turns the lanes into vector instructions; [`pulp`] picks the widest the machine has. The
//! numbers are the same on every machine; without fused multiply-add they are slow.

use eigenscope_stage::Seed;
use pulp::{Arch, Simd, WithSimd};

use crate::bit_lanes::{BitLanes, LANES};

/// Normals made at a time.
const BLOCK: usize = 2 * LANES;

/// A stream of normal deviates for one (purpose, index) of a seed.
#[derive(Debug, Clone)]
pub struct NormalStream {
    bits: BitLanes,
}

impl NormalStream {
    /// The stream for (`purpose`, `index`).
    pub fn new(seed: Seed, purpose: &str, index: u64) -> Self {
        Self {
            bits: BitLanes::new(seed, purpose, index),
        }
    }

    /// The states of the sixteen generators: their first words, then their second ones, and so on.
    pub fn state_words(&self) -> [u32; 4 * LANES] {
        self.bits.state_words()
    }

    /// Adds noise of standard deviation `std` to all `values`, rows of `width`: the noise of [`NormalStream::gather`].
    pub fn add(&mut self, values: &mut [f32], width: usize, std: f32) {
        Arch::new().dispatch(Add {
            stream: self,
            values,
            width,
            std,
        });
    }

    /// Copies row `rows[i]` of `source` (`width` values a row) to row `i` of `out`, adding noise of
    /// standard deviation `std` to every value.
    ///
    /// # Panics
    /// Panics if a row lies outside `source`.
    pub fn gather(
        &mut self,
        source: &[f32],
        width: usize,
        rows: &[u32],
        std: f32,
        out: &mut [f32],
    ) {
        Arch::new().dispatch(Gather {
            stream: self,
            source,
            width,
            rows,
            std,
            out,
        });
    }

    /// A block of normals with standard deviation `std`.
    #[inline(always)]
    fn block(&mut self, std: f32) -> [f32; BLOCK] {
        let (radius_bits, angle_bits) = (self.bits.words(), self.bits.words());
        let mut out = [0.0; BLOCK];
        for lane in 0..LANES {
            let radius = (-2.0 * ln(unit(radius_bits[lane]))).max(0.0).sqrt() * std;
            let (sine, cosine) = sin_cos(angle_bits[lane]);
            out[lane] = radius * cosine;
            out[LANES + lane] = radius * sine;
        }
        out
    }
}

/// Uniform in (0, 1]: 31 bits, shifted by half a step so that 0 cannot occur (largest deviate 6.6).
#[inline(always)]
fn unit(bits: u32) -> f32 {
    const STEP: f32 = 1.0 / 2_147_483_648.0;
    ((bits >> 1) as i32 as f32) * STEP + 0.5 * STEP
}

/// Natural logarithm: the exponent is split off, the rest is Cephes' polynomial for ln(1 + m) with
/// m in [sqrt(1/2) - 1, sqrt(2) - 1); relative error below 2e-7.
#[inline(always)]
fn ln(x: f32) -> f32 {
    const SQRT_HALF_BITS: i32 = 0x3f35_04f3;
    let bits = x.to_bits() as i32;
    let exponent = (bits - SQRT_HALF_BITS) >> 23;
    let m = f32::from_bits((bits - (exponent << 23)) as u32) - 1.0;
    let polynomial = 7.037_683_6e-2f32
        .mul_add(m, -1.151_461e-1)
        .mul_add(m, 1.167_699_9e-1)
        .mul_add(m, -1.242_014_1e-1)
        .mul_add(m, 1.424_932_3e-1)
        .mul_add(m, -1.666_805_7e-1)
        .mul_add(m, 2.000_071_5e-1)
        .mul_add(m, -2.499_999_4e-1)
        .mul_add(m, 3.333_333e-1);
    let square = m * m;
    (polynomial * square).mul_add(m, (-0.5 * square) + m)
        + (exponent as f32) * std::f32::consts::LN_2
}

/// Sine and cosine of a uniform angle: 29 bits choose an angle in [-pi/4, pi/4), three bits the octant
/// (swap and two signs). Cephes' polynomials; absolute error below 1e-7.
#[inline(always)]
fn sin_cos(bits: u32) -> (f32, f32) {
    const SCALE: f32 = std::f32::consts::FRAC_PI_4 / 268_435_456.0;
    let angle = ((bits as i32) >> 3) as f32 * SCALE;
    let square = angle * angle;
    let sine = (-1.951_529_6e-4f32)
        .mul_add(square, 8.332_161e-3)
        .mul_add(square, -1.666_665_5e-1)
        .mul_add(square * angle, angle);
    let cosine = 2.443_315_7e-5f32
        .mul_add(square, -1.388_731_6e-3)
        .mul_add(square, 4.166_664_6e-2)
        .mul_add(square * square, (-0.5f32).mul_add(square, 1.0));
    let swap = 0u32.wrapping_sub(bits & 1);
    let (sine, cosine) = (sine.to_bits(), cosine.to_bits());
    let difference = (sine ^ cosine) & swap;
    (
        f32::from_bits((sine ^ difference) ^ ((bits & 4) << 29)),
        f32::from_bits((cosine ^ difference) ^ ((bits & 2) << 30)),
    )
}

struct Gather<'a> {
    stream: &'a mut NormalStream,
    source: &'a [f32],
    width: usize,
    rows: &'a [u32],
    std: f32,
    out: &'a mut [f32],
}

impl WithSimd for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (out, &row) in self.out.chunks_exact_mut(self.width).zip(self.rows) {
            let source = &self.source[row as usize * self.width..][..self.width];
            let (out_blocks, out_rest) = out.as_chunks_mut::<BLOCK>();
            let (source_blocks, source_rest) = source.as_chunks::<BLOCK>();
            for (out, source) in out_blocks.iter_mut().zip(source_blocks) {
                let noise = self.stream.block(self.std);
                for k in 0..BLOCK {
                    out[k] = source[k] + noise[k];
                }
            }
            if !out_rest.is_empty() {
                let noise = self.stream.block(self.std);
                for ((out, source), noise) in out_rest.iter_mut().zip(source_rest).zip(noise) {
                    *out = source + noise;
                }
            }
        }
    }
}

struct Add<'a> {
    stream: &'a mut NormalStream,
    values: &'a mut [f32],
    width: usize,
    std: f32,
}

impl WithSimd for Add<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for row in self.values.chunks_exact_mut(self.width) {
            let (blocks, rest) = row.as_chunks_mut::<BLOCK>();
            for values in blocks {
                let noise = self.stream.block(self.std);
                for (value, noise) in values.iter_mut().zip(noise) {
                    *value += noise;
                }
            }
            if !rest.is_empty() {
                let noise = self.stream.block(self.std);
                for (value, noise) in rest.iter_mut().zip(noise) {
                    *value += noise;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(count: usize, std: f32) -> Vec<f32> {
        let mut out = vec![0.0; count];
        NormalStream::new(Seed(11), "test", 0).gather(
            &vec![0.0; count],
            count,
            &[0],
            std,
            &mut out,
        );
        out
    }

    #[test]
    fn the_logarithm_and_the_circle_are_accurate() {
        let mut stream = Seed(5).stream("test", 0);
        for _ in 0..100_000 {
            let bits = stream.next_u64() as u32;
            let x = unit(bits);
            assert!(x > 0.0);
            let exact = f64::from(x).ln();
            assert!(
                (f64::from(ln(x)) - exact).abs() <= 3e-7 * exact.abs().max(0.1),
                "ln {x}"
            );
            let (sine, cosine) = sin_cos(bits);
            assert!(
                (sine * sine + cosine * cosine - 1.0).abs() < 4e-7,
                "{sine} {cosine}"
            );
        }
    }

    #[test]
    fn moments_and_tails_are_normal() {
        let n = 1_000_000;
        let values: Vec<f64> = draws(n, 1.0).into_iter().map(f64::from).collect();
        let moment =
            |power: i32| values.iter().map(|value| value.powi(power)).sum::<f64>() / n as f64;
        // Standard errors: 1e-3, 1.4e-3, 3.9e-3, 9.8e-3; five of them allowed.
        assert!(moment(1).abs() < 5e-3, "mean {}", moment(1));
        assert!((moment(2) - 1.0).abs() < 7e-3, "variance {}", moment(2));
        assert!(moment(3).abs() < 2e-2, "skewness {}", moment(3));
        assert!((moment(4) - 3.0).abs() < 5e-2, "kurtosis {}", moment(4));
        // P(|x| > 3) = 0.0026998.
        let tail = values.iter().filter(|value| value.abs() > 3.0).count() as f64 / n as f64;
        assert!((tail - 0.0027).abs() < 2.6e-4, "tail {tail}");
    }

    #[test]
    fn the_two_halves_of_a_pair_are_uncorrelated() {
        let values = draws(640_000, 1.0);
        let (blocks, _) = values.as_chunks::<BLOCK>();
        let sum: f32 = blocks
            .iter()
            .flat_map(|block| (0..LANES).map(|k| block[k] * block[LANES + k]))
            .sum();
        assert!((sum / 320_000.0).abs() < 5.0 / 320_000f32.sqrt());
    }

    #[test]
    fn gather_adds_scaled_noise_to_the_right_rows() {
        let source: Vec<f32> = (0..3 * 70).map(|value| value as f32).collect();
        let mut out = vec![0.0; 2 * 70];
        NormalStream::new(Seed(1), "noise", 0).gather(&source, 70, &[2, 0], 0.0, &mut out);
        assert_eq!(out[..70], source[140..]);
        assert_eq!(out[70..], source[..70]);
        let noisy = |add: bool| {
            let mut stream = NormalStream::new(Seed(1), "noise", 3);
            let mut values = source.clone();
            match add {
                true => stream.add(&mut values, 70, 0.5),
                false => stream.gather(&source, 70, &[0, 1, 2], 0.5, &mut values),
            }
            values
        };
        assert_eq!(noisy(true), noisy(false));
        let (small, large) = (draws(1000, 0.25), draws(1000, 0.5));
        assert!(
            small
                .iter()
                .zip(&large)
                .all(|(a, b)| (2.0 * a - b).abs() < 1e-5)
        );
    }
}
