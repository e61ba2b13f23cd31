//! Discrete Fourier transforms of 16 sequences side by side, so that every step is one on vectors.
//!
//! The self-sorting form of the fast transform (Stockham) with factors 2, 3, 4 and 5: as many passes over the sequences as the
//! length has factors.

use pulp::{Arch, Simd, WithSimd};

/// Sequences that are transformed together.
pub(super) const LANES: usize = 16;

/// One place of all sequences.
pub(super) type Lanes = [f32; LANES];

/// Complex numbers of 16 sequences.
#[derive(Debug, Clone)]
pub(super) struct Signals {
    pub(super) real: Vec<Lanes>,
    pub(super) imaginary: Vec<Lanes>,
}

impl Signals {
    pub(super) fn zeros(length: usize) -> Self {
        Self {
            real: vec![[0.0; LANES]; length],
            imaginary: vec![[0.0; LANES]; length],
        }
    }

    fn swap_parts(&mut self) {
        std::mem::swap(&mut self.real, &mut self.imaginary);
    }
}

/// Transforms of one length.
#[derive(Debug, Clone)]
pub(super) struct Fourier {
    length: usize,
    stages: Vec<Stage>,
}

/// One factor of the length.
#[derive(Debug, Clone)]
struct Stage {
    radix: usize,
    /// Butterflies that differ in their factors.
    groups: usize,
    /// Butterflies with the same factors.
    stride: usize,
    /// exp(-2 pi i p j / (radix groups)) for p in 0..groups and j in 1..radix.
    factors: Vec<[f32; 2]>,
}

impl Stage {
    fn new(radix: usize, length: usize, stride: usize) -> Self {
        let groups = length / radix;
        let factor = |p: usize, j: usize| {
            let angle = -std::f64::consts::TAU * (p * j) as f64 / length as f64;
            [angle.cos() as f32, angle.sin() as f32]
        };
        Self {
            radix,
            groups,
            stride,
            factors: (0..groups)
                .flat_map(|p| (1..radix).map(move |j| factor(p, j)))
                .collect(),
        }
    }
}

impl Fourier {
    /// The smallest length that is a multiple of 16 without prime factors above 5, and at least `length`.
    pub(super) fn length_from(length: usize) -> usize {
        let mut length = length.max(1).next_multiple_of(16);
        while factors(length).is_none() {
            length += 16;
        }
        length
    }

    /// # Panics
    /// Panics if the length has a prime factor above 5.
    pub(super) fn new(length: usize) -> Self {
        let radices = factors(length).expect("a length without prime factors above 5");
        let (mut left, mut stride) = (length, 1);
        let stages = radices.into_iter().map(|radix| {
            let stage = Stage::new(radix, left, stride);
            left /= radix;
            stride *= radix;
            stage
        });
        Self {
            length,
            stages: stages.collect(),
        }
    }

    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Replaces x by X_k = sum_j x_j exp(-2 pi i j k / length). `scratch` has the same length.
    pub(super) fn forward(&self, signals: &mut Signals, scratch: &mut Signals) {
        Arch::new().dispatch(Passes {
            fourier: self,
            signals,
            scratch,
        });
    }

    /// Replaces X by x_j = sum_k X_k exp(2 pi i j k / length): `length` times the inverse.
    pub(super) fn backward(&self, signals: &mut Signals, scratch: &mut Signals) {
        signals.swap_parts();
        self.forward(signals, scratch);
        signals.swap_parts();
    }
}

/// The factors 5, 3, 4 and 2 of a length; nothing if there are others.
fn factors(mut length: usize) -> Option<Vec<usize>> {
    let mut found = Vec::new();
    for radix in [5, 3, 4, 2] {
        while length.is_multiple_of(radix) {
            found.push(radix);
            length /= radix;
        }
    }
    (length == 1).then_some(found)
}

struct Passes<'a> {
    fourier: &'a Fourier,
    signals: &'a mut Signals,
    scratch: &'a mut Signals,
}

impl WithSimd for Passes<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for stage in &self.fourier.stages {
            match stage.radix {
                2 => pass::<2>(stage, self.signals, self.scratch),
                3 => pass::<3>(stage, self.signals, self.scratch),
                4 => pass::<4>(stage, self.signals, self.scratch),
                _ => pass::<5>(stage, self.signals, self.scratch),
            }
            std::mem::swap(self.signals, self.scratch);
        }
    }
}

/// Transforms of length `RADIX` over the whole length, sorted on the way from `source` to `target`.
#[inline(always)]
fn pass<const RADIX: usize>(stage: &Stage, source: &Signals, target: &mut Signals) {
    let Stage { groups, stride, .. } = *stage;
    let mut reals = target.real.chunks_exact_mut(RADIX * stride);
    let mut imaginaries = target.imaginary.chunks_exact_mut(RADIX * stride);
    let factors = stage.factors.chunks_exact(RADIX - 1);
    for (group, factors) in factors.enumerate() {
        let (Some(reals), Some(imaginaries)) = (reals.next(), imaginaries.next()) else {
            return;
        };
        for at in 0..stride {
            let place = |j: usize| at + stride * (group + groups * j);
            let real: [&Lanes; RADIX] = std::array::from_fn(|j| &source.real[place(j)]);
            let imaginary: [&Lanes; RADIX] = std::array::from_fn(|j| &source.imaginary[place(j)]);
            let mut sums = [[[0.0; LANES]; 2]; RADIX];
            for lane in 0..LANES {
                let values = std::array::from_fn(|j| [real[j][lane], imaginary[j][lane]]);
                let found = transform::<RADIX>(values);
                sums[0][0][lane] = found[0][0];
                sums[0][1][lane] = found[0][1];
                for j in 1..RADIX {
                    let product = times(found[j], factors[j - 1]);
                    sums[j][0][lane] = product[0];
                    sums[j][1][lane] = product[1];
                }
            }
            for (j, [real, imaginary]) in sums.into_iter().enumerate() {
                reals[at + stride * j] = real;
                imaginaries[at + stride * j] = imaginary;
            }
        }
    }
}

/// The transform of 2 to 5 complex numbers.
#[inline(always)]
fn transform<const RADIX: usize>(x: [[f32; 2]; RADIX]) -> [[f32; 2]; RADIX] {
    let mut found = [[0.0; 2]; RADIX];
    match RADIX {
        2 => {
            found[0] = plus(x[0], x[1]);
            found[1] = minus(x[0], x[1]);
        }
        3 => {
            let (sum, turned) = (plus(x[1], x[2]), right(minus(x[1], x[2])));
            let middle = plus(x[0], scaled(sum, -0.5));
            let side = scaled(turned, SIN_THIRD);
            found[0] = plus(x[0], sum);
            found[1] = plus(middle, side);
            found[2] = minus(middle, side);
        }
        4 => {
            let (even, odd) = (plus(x[0], x[2]), plus(x[1], x[3]));
            let (difference, turned) = (minus(x[0], x[2]), right(minus(x[1], x[3])));
            found[0] = plus(even, odd);
            found[1] = plus(difference, turned);
            found[2] = minus(even, odd);
            found[3] = minus(difference, turned);
        }
        _ => {
            let (outer, inner) = (plus(x[1], x[4]), plus(x[2], x[3]));
            let (outer_turned, inner_turned) = (right(minus(x[1], x[4])), right(minus(x[2], x[3])));
            let [c1, c2] = COS_FIFTH;
            let [s1, s2] = SIN_FIFTH;
            let first = plus(x[0], plus(scaled(outer, c1), scaled(inner, c2)));
            let second = plus(x[0], plus(scaled(outer, c2), scaled(inner, c1)));
            let first_side = plus(scaled(outer_turned, s1), scaled(inner_turned, s2));
            let second_side = minus(scaled(outer_turned, s2), scaled(inner_turned, s1));
            found[0] = plus(x[0], plus(outer, inner));
            found[1] = plus(first, first_side);
            found[2] = plus(second, second_side);
            found[3] = minus(second, second_side);
            found[4] = minus(first, first_side);
        }
    }
    found
}

/// sin(2 pi / 3).
const SIN_THIRD: f32 = 0.866_025_4;
/// cos(2 pi / 5) and cos(4 pi / 5).
const COS_FIFTH: [f32; 2] = [0.309_017, -0.809_017];
/// sin(2 pi / 5) and sin(4 pi / 5).
const SIN_FIFTH: [f32; 2] = [0.951_056_5, 0.587_785_24];

#[inline(always)]
fn plus(a: [f32; 2], b: [f32; 2]) -> [f32; 2] {
    [a[0] + b[0], a[1] + b[1]]
}

#[inline(always)]
fn minus(a: [f32; 2], b: [f32; 2]) -> [f32; 2] {
    [a[0] - b[0], a[1] - b[1]]
}

#[inline(always)]
fn scaled(a: [f32; 2], by: f32) -> [f32; 2] {
    [a[0] * by, a[1] * by]
}

/// -i a.
#[inline(always)]
fn right(a: [f32; 2]) -> [f32; 2] {
    [a[1], -a[0]]
}

#[inline(always)]
pub(super) fn times(a: [f32; 2], b: [f32; 2]) -> [f32; 2] {
    [a[0] * b[0] - a[1] * b[1], a[0] * b[1] + a[1] * b[0]]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(place: usize, lane: usize, part: usize) -> f64 {
        ((7919 * (LANES * place + lane) + 104_729 * part) % 2003) as f64 / 2003.0 - 0.5
    }

    fn signals(length: usize) -> Signals {
        let lanes = |part| {
            let lanes = |place| std::array::from_fn(|lane| value(place, lane, part) as f32);
            (0..length).map(lanes).collect()
        };
        Signals {
            real: lanes(0),
            imaginary: lanes(1),
        }
    }

    #[test]
    fn transforms_are_the_sums_that_define_them() {
        for length in [1, 2, 3, 4, 5, 16, 30, 48, 80, 240] {
            let mut found = signals(length);
            let fourier = Fourier::new(length);
            fourier.forward(&mut found, &mut Signals::zeros(length));
            for lane in [0, 7, 15] {
                for k in 0..length {
                    let (mut real, mut imaginary) = (0.0, 0.0);
                    for j in 0..length {
                        let angle =
                            -std::f64::consts::TAU * (j * k % length) as f64 / length as f64;
                        let (sin, cos) = angle.sin_cos();
                        let (x, y) = (value(j, lane, 0), value(j, lane, 1));
                        real += x * cos - y * sin;
                        imaginary += x * sin + y * cos;
                    }
                    let close = |found: f32, sum: f64| (f64::from(found) - sum).abs() < 2e-5;
                    assert!(close(found.real[k][lane], real), "{length} {k}");
                    assert!(close(found.imaginary[k][lane], imaginary), "{length} {k}");
                }
            }
        }
    }

    #[test]
    fn there_and_back_is_the_length_times_the_signal() {
        let (mut found, mut scratch) = (signals(1280), Signals::zeros(1280));
        let fourier = Fourier::new(1280);
        fourier.forward(&mut found, &mut scratch);
        fourier.backward(&mut found, &mut scratch);
        let pairs = found.real.iter().zip(signals(1280).real);
        for (found, expected) in pairs {
            for (found, expected) in found.iter().zip(expected) {
                assert!((found / 1280.0 - expected).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn lengths_are_multiples_of_16_with_small_factors() {
        let lengths = [0, 16, 17, 97, 129, 1236].map(Fourier::length_from);
        assert_eq!(lengths, [16, 16, 32, 128, 144, 1280]);
    }
}
