//! The two inner loops of a convolution, each with 16 sums in registers.
//!
//! Every step of either loop loads eight values (from the first-level cache, if the caller keeps its data small) for
//! sixteen multiplications, so that the multipliers, not the loads, are the limit.

use pulp::Simd;

/// Pixels and channels that are computed together.
pub(crate) const TILE: usize = 4;

/// Sums of [`TILE`] channels at [`TILE`] pixels, or of [`TILE`] channels and taps.
pub(crate) type Sums<S> = [[<S as Simd>::f32s; TILE]; TILE];

/// `sums[c][j] = start[c] + sum over t of weights[t][c] * source[positions[j] + taps[t]]`.
///
/// `reach` is larger than every tap.
#[inline(always)]
pub(crate) fn correlate<S: Simd>(
    simd: S,
    source: &[S::f32s],
    positions: [usize; TILE],
    reach: usize,
    taps: &[usize],
    weights: &[[f32; TILE]],
    start: [f32; TILE],
) -> Sums<S> {
    let windows = positions.map(|position| &source[position..][..reach]);
    let mut sums = start.map(|value| [simd.splat_f32s(value); TILE]);
    for (&tap, weight) in taps.iter().zip(weights) {
        let values = windows.map(|window| window[tap]);
        for c in 0..TILE {
            let weight = simd.splat_f32s(weight[c]);
            for j in 0..TILE {
                sums[c][j] = simd.mul_add_e_f32s(weight, values[j], sums[c][j]);
            }
        }
    }
    sums
}

/// `sums[c][t] = sum over p of gradients[c][p.gradient] * sources[t][p.source]`.
#[inline(always)]
pub(crate) fn contract<S: Simd>(
    simd: S,
    gradients: [&[S::f32s]; TILE],
    sources: [&[S::f32s]; TILE],
    positions: &[Position],
) -> Sums<S> {
    let mut sums = [[simd.splat_f32s(0.0); TILE]; TILE];
    for position in positions {
        let values = sources.map(|source| source[position.source]);
        for c in 0..TILE {
            let gradient = gradients[c][position.gradient];
            for t in 0..TILE {
                sums[c][t] = simd.mul_add_e_f32s(gradient, values[t], sums[c][t]);
            }
        }
    }
    sums
}

/// Where a window starts in the input, and where the gradient of its result lies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Position {
    pub(crate) source: usize,
    pub(crate) gradient: usize,
}
