//! The gradients of weight and bias from the input and the gradient of the results.

use pulp::Simd;

use super::correlate::{Position, TILE, Tiles, contract, in_tiles};

/// Adds the sums of `results`, laid out in planes, over `windows` and images to the gradient of the bias.
#[inline(always)]
pub(crate) fn add_bias_gradient<S: Simd>(
    simd: S,
    results: &[S::f32s],
    windows: &[Position],
    bias: &mut [f32],
) {
    let plane = results.len() / bias.len();
    for (value, results) in bias.iter_mut().zip(results.chunks_exact(plane)) {
        let sum = windows.iter().fold(simd.splat_f32s(0.0), |sum, window| {
            simd.add_f32s(sum, results[window.gradient])
        });
        *value += simd.reduce_sum_f32s(sum);
    }
}

/// Adds the sums of input values times `results` over `windows` and images to the gradient of the weight
/// `[outputs, taps]`.
#[inline(always)]
pub(crate) fn add_weight_gradient<S: Simd>(
    simd: S,
    results: &[S::f32s],
    band: &[S::f32s],
    taps: &[usize],
    windows: &[Position],
    weight: &mut [f32],
) {
    let plane = results.len() / (weight.len() / taps.len());
    let reach = windows.last().map_or(0, |window| window.source + 1);
    for (block, weight) in weight.chunks_mut(TILE * taps.len()).enumerate() {
        let outputs = weight.len() / taps.len();
        let gradients = std::array::from_fn(|c| {
            let channel = block * TILE + c.min(outputs - 1);
            &results[channel * plane..][..plane]
        });
        let mut block = Block {
            simd,
            gradients,
            band,
            reach,
            taps,
            windows,
            weight,
        };
        in_tiles::<S>(taps.len(), &mut block);
    }
}

/// The weights of [`TILE`] outputs or, at the end, fewer.
struct Block<'a, S: Simd> {
    simd: S,
    gradients: [&'a [S::f32s]; TILE],
    band: &'a [S::f32s],
    /// Larger than the place of any window.
    reach: usize,
    taps: &'a [usize],
    windows: &'a [Position],
    /// `[outputs, taps]`.
    weight: &'a mut [f32],
}

impl<S: Simd> Tiles for Block<'_, S> {
    #[inline(always)]
    fn tile<const N: usize>(&mut self, first: usize) {
        let taps = &self.taps[first..][..N];
        let sources: [_; N] = std::array::from_fn(|t| &self.band[taps[t]..][..self.reach]);
        let sums = contract(self.simd, self.gradients, sources, self.windows);
        let outputs = self.weight.chunks_exact_mut(self.taps.len());
        for (weight, sums) in outputs.zip(sums) {
            for (place, sum) in weight[first..][..N].iter_mut().zip(sums) {
                *place += self.simd.reduce_sum_f32s(sum);
            }
        }
    }
}
