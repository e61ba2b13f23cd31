//! The gradients of weight and bias from the input and the gradient of the results.

use pulp::Simd;

use super::correlate::{Position, TILE, contract};

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
        for (group, some) in taps.chunks(TILE).enumerate() {
            let sources = std::array::from_fn(|t| &band[some[t.min(some.len() - 1)]..][..reach]);
            let sums = contract(simd, gradients, sources, windows);
            for c in 0..TILE {
                for t in 0..TILE {
                    if c < outputs && t < some.len() {
                        let place = &mut weight[c * taps.len() + group * TILE + t];
                        *place += simd.reduce_sum_f32s(sums[c][t]);
                    }
                }
            }
        }
    }
}
