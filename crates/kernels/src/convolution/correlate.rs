//! The two inner loops of a convolution, with all their sums in registers.
//!
//! A step of either loop loads [`TILE`] values and as many again as there are neighbours, from the first-level cache if the caller keeps
//! its data small, and multiplies each with each. So the multipliers, not the loads, are the limit.

use pulp::Simd;

/// Channels that are computed together.
pub(crate) const TILE: usize = 4;

/// Sums of [`TILE`] channels at `N` neighbouring pixels or taps.
pub(crate) type Sums<S, const N: usize> = [[<S as Simd>::f32s; N]; TILE];

/// Work on neighbouring pixels or taps, some of them at a time.
pub(crate) trait Tiles {
    /// Does the work of `N` neighbours from `first` on. Implementations are inlined into vector code.
    fn tile<const N: usize>(&mut self, first: usize);
}

/// Does the work of `count` neighbours in tiles of nearly equal size, as large as the registers allow: no tile computes what nobody
/// needs.
#[inline(always)]
pub(crate) fn in_tiles<S: Simd>(count: usize, work: &mut impl Tiles) {
    // With their values and one of a channel, 5 neighbours need 26 registers, 3 need 16; 6 are not faster.
    let most = if S::REGISTER_COUNT >= 32 { 5 } else { 3 };
    in_tiles_of(most, count, work);
}

/// As [`in_tiles`], in tiles of at most `most` neighbours.
#[inline(always)]
fn in_tiles_of(most: usize, count: usize, work: &mut impl Tiles) {
    let mut first = 0;
    for left in (1..=count.div_ceil(most)).rev() {
        let size = (count - first).div_ceil(left);
        match size {
            1 => work.tile::<1>(first),
            2 => work.tile::<2>(first),
            3 => work.tile::<3>(first),
            4 => work.tile::<4>(first),
            5 => work.tile::<5>(first),
            _ => unreachable!("tiles have at most five neighbours"),
        }
        first += size;
    }
}

/// `sums[c][j] = start[c] + sum over t of weights[t][c] * source[positions[j] + taps[t]]`.
///
/// `reach` is larger than every tap.
#[inline(always)]
pub(crate) fn correlate<S: Simd, const N: usize>(
    simd: S,
    source: &[S::f32s],
    positions: [usize; N],
    reach: usize,
    taps: &[usize],
    weights: &[[f32; TILE]],
    start: [f32; TILE],
) -> Sums<S, N> {
    let mut windows: [&[S::f32s]; N] = [&[]; N];
    for j in 0..N {
        windows[j] = &source[positions[j]..][..reach];
    }
    let mut sums = [[simd.splat_f32s(0.0); N]; TILE];
    for c in 0..TILE {
        sums[c] = [simd.splat_f32s(start[c]); N];
    }
    for (&tap, weight) in taps.iter().zip(weights) {
        let mut values = [simd.splat_f32s(0.0); N];
        for j in 0..N {
            values[j] = windows[j][tap];
        }
        for c in 0..TILE {
            let weight = simd.splat_f32s(weight[c]);
            for j in 0..N {
                sums[c][j] = simd.mul_add_e_f32s(weight, values[j], sums[c][j]);
            }
        }
    }
    sums
}

/// `sums[c][t] = sum over p of gradients[c][p.gradient] * sources[t][p.source]`.
#[inline(always)]
pub(crate) fn contract<S: Simd, const N: usize>(
    simd: S,
    gradients: [&[S::f32s]; TILE],
    sources: [&[S::f32s]; N],
    positions: &[Position],
) -> Sums<S, N> {
    let mut sums = [[simd.splat_f32s(0.0); N]; TILE];
    for position in positions {
        let values = sources.map(|source| source[position.source]);
        for c in 0..TILE {
            let gradient = gradients[c][position.gradient];
            for t in 0..N {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_are_nearly_equal_and_leave_nothing_out() {
        struct Sizes(Vec<usize>);
        impl Tiles for Sizes {
            fn tile<const N: usize>(&mut self, first: usize) {
                assert_eq!(first, self.0.iter().sum::<usize>());
                self.0.push(N);
            }
        }
        let sizes = |most, count| {
            let mut sizes = Sizes(Vec::new());
            in_tiles_of(most, count, &mut sizes);
            sizes.0
        };
        assert_eq!(sizes(3, 0), [0; 0]);
        assert_eq!(sizes(3, 1), [1]);
        assert_eq!(sizes(3, 4), [2, 2]);
        assert_eq!(sizes(3, 7), [3, 2, 2]);
        assert_eq!(sizes(5, 7), [4, 3]);
        assert_eq!(sizes(5, 25), [5; 5]);
        for count in 0..100 {
            for most in [3, 5] {
                assert_eq!(sizes(most, count).iter().sum::<usize>(), count);
            }
        }
    }
}
