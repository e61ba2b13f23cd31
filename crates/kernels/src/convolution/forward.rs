//! Convolution, bias, ReLU and pooling in one pass over the images.

use pulp::{Arch, Simd, WithSimd};

use super::band::Bands;
use super::correlate::{Sums, TILE};
use super::filter::Filter;
use super::products;
use super::scratch::Scratch;
use crate::epilogue::{Epilogue, WINDOW, relu_max_pool};
use crate::geometry::Convolution;
use crate::lanes::Lanes;

/// The outputs `[features, images]` of `inputs` `[features, images]`.
///
/// `weight` is `[outputs, channels / groups, kernel, kernel]`, `bias` one value for each output. Memory beside the outputs: one
/// band of input, half a megabyte unless a single row of windows needs more, and a copy of the weight.
pub(crate) fn forward(
    convolution: Convolution,
    images: usize,
    inputs: &[f32],
    weight: &[f32],
    bias: &[f32],
) -> Vec<f32> {
    let groups = convolution.groups;
    let mut outputs = vec![0.0; convolution.output().len() * groups * images];
    if images == 0 {
        return outputs;
    }
    let parts = outputs
        .chunks_exact_mut(convolution.output().len() * images)
        .zip(inputs.chunks_exact(inputs.len() / groups))
        .zip(weight.chunks_exact(weight.len() / groups))
        .zip(bias.chunks_exact(bias.len() / groups));
    let by_products = products::suits(&convolution, images);
    for (((outputs, inputs), weight), bias) in parts {
        if by_products {
            products::forward(&convolution, images, inputs, weight, bias, outputs);
            continue;
        }
        Arch::new().dispatch(Forward {
            convolution,
            images,
            inputs,
            weight,
            bias,
            outputs,
        });
    }
    outputs
}

/// One group.
struct Forward<'a> {
    convolution: Convolution,
    images: usize,
    inputs: &'a [f32],
    weight: &'a [f32],
    bias: &'a [f32],
    outputs: &'a mut [f32],
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { convolution, .. } = self;
        let bands = Bands::new(convolution, S::F32_LANES, 0);
        let filter = Filter::new(&bands, self.weight, self.bias);
        let positions = bands.positions(|_, _| 0);
        let mut band = Scratch::new::<S>(bands.len());
        let band = band.vectors::<S>();
        for rows in bands.iter() {
            let windows = &positions[..rows.len() * convolution.columns()];
            for lanes in Lanes::groups(self.images, S::F32_LANES) {
                bands.load(simd, self.inputs, lanes, &rows, band);
                let mut results = Results {
                    convolution,
                    lanes,
                    first: rows.start * convolution.columns(),
                    windows: windows.len(),
                    outputs: self.outputs,
                };
                filter.apply(
                    simd,
                    band,
                    windows,
                    #[inline(always)]
                    |tile, block, sums| results.store(simd, tile, block, sums),
                );
            }
        }
    }
}

/// Where the results of one band go.
struct Results<'a> {
    convolution: Convolution,
    lanes: Lanes,
    /// The first window of the band.
    first: usize,
    windows: usize,
    outputs: &'a mut [f32],
}

impl Results<'_> {
    #[inline(always)]
    fn store<S: Simd>(&mut self, simd: S, tile: usize, block: usize, sums: Sums<S>) {
        let Convolution {
            epilogue, outputs, ..
        } = self.convolution;
        let windows = self.convolution.rows() * self.convolution.columns();
        for (c, sums) in sums.iter().enumerate() {
            let channel = block * TILE + c;
            if channel >= outputs {
                continue;
            }
            let first = channel * windows + self.first;
            if epilogue == Epilogue::ReluMaxPool {
                let value = relu_max_pool(simd, *sums);
                let feature = first / WINDOW + tile;
                self.lanes.store(simd, self.outputs, feature, value);
                continue;
            }
            for (j, &sum) in sums.iter().enumerate() {
                let window = tile * TILE + j;
                if window < self.windows {
                    let value = epilogue.pixel(simd, sum);
                    self.lanes.store(simd, self.outputs, first + window, value);
                }
            }
        }
    }
}
