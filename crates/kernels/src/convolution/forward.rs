//! Convolution, bias, ReLU and pooling in one pass over the images.

use pulp::{Arch, Simd, WithSimd};
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::band::Bands;
use super::correlate::{Position, TILE, Tiles, in_tiles};
use super::filter::Filter;
use super::products;
use super::scratch::Scratch;
use crate::epilogue::{Epilogue, WINDOW, chosen, relu_max_pool};
use crate::geometry::Convolution;
use crate::lanes::Lanes;

/// What comes out of a convolution.
pub(crate) struct Outputs {
    /// `[features, images]`.
    pub(crate) values: Vec<f32>,
    /// Where there is pooling, and a backward pass needs it: the pixel of every window that has its gradient, as
    /// [`chosen`] numbers them, `[features, images]`.
    pub(crate) chosen: Option<Vec<f32>>,
}

/// The outputs of `inputs` `[features, images]`, and with `keep` what a backward pass needs beside them.
///
/// `weight` is `[outputs, channels / groups, kernel, kernel]`, `bias` one value for each output. Memory beside the outputs: one
/// band of input, half a megabyte unless a single row of windows needs more, and a copy of the weight.
pub(crate) fn forward(
    convolution: Convolution,
    images: usize,
    inputs: &[f32],
    weight: &[f32],
    bias: &[f32],
    keep: bool,
) -> Outputs {
    let groups = convolution.groups;
    let part = convolution.output().len() * images;
    let mut outputs = vec![0.0; part * groups];
    let keep = keep && convolution.epilogue == Epilogue::ReluMaxPool;
    let mut chosen = keep.then(|| vec![0.0; part * groups]);
    if images == 0 {
        return Outputs {
            values: outputs,
            chosen,
        };
    }
    let step = share(convolution.outputs);
    let (windows, window) = (part / convolution.outputs, weight.len() / bias.len());
    let mut choices = chosen.as_mut().map(|chosen| chosen.chunks_exact_mut(part));
    let groups = outputs
        .chunks_exact_mut(part)
        .zip(inputs.chunks_exact(inputs.len() / groups))
        .zip(weight.chunks_exact(weight.len() / groups))
        .zip(bias.chunks_exact(bias.len() / groups));
    let mut parts = Vec::new();
    for (((outputs, inputs), weight), bias) in groups {
        let chosen = choices.as_mut().and_then(Iterator::next);
        let mut chosen = chosen.map(|chosen| chosen.chunks_mut(step * windows));
        let shares = outputs
            .chunks_mut(step * windows)
            .zip(weight.chunks(step * window))
            .zip(bias.chunks(step));
        parts.extend(shares.map(|((outputs, weight), bias)| Forward {
            convolution: Convolution {
                outputs: bias.len(),
                ..convolution
            },
            images,
            inputs,
            weight,
            bias,
            outputs,
            chosen: chosen.as_mut().and_then(Iterator::next),
        }));
    }
    let by_products = products::suits(&convolution, images);
    parts.into_par_iter().for_each(|part| match by_products {
        true => products::forward(part),
        false => Arch::new().dispatch(part),
    });
    Outputs {
        values: outputs,
        chosen,
    }
}

/// So many of `all` outputs or channels are computed at a time, so that each thread has some.
pub(super) fn share(all: usize) -> usize {
    all.div_ceil(rayon::current_num_threads())
        .next_multiple_of(TILE)
}

/// Some outputs of one group; they and the chosen pixels are overwritten.
pub(crate) struct Forward<'a> {
    pub(crate) convolution: Convolution,
    pub(crate) images: usize,
    pub(crate) inputs: &'a [f32],
    pub(crate) weight: &'a [f32],
    pub(crate) bias: &'a [f32],
    pub(crate) outputs: &'a mut [f32],
    pub(crate) chosen: Option<&'a mut [f32]>,
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let Self { convolution, .. } = self;
        let bands = Bands::new(convolution, S::F32_LANES, self.images, 0);
        let filter = Filter::new(&bands, self.weight, self.bias);
        let positions = bands.positions(|_, _| 0);
        let mut band = Scratch::new::<S>(bands.len());
        let band = band.vectors::<S>();
        for rows in bands.iter() {
            let windows = &positions[..rows.len() * convolution.columns()];
            for lanes in Lanes::groups(self.images, S::F32_LANES) {
                bands.load(simd, self.inputs, lanes, &rows, band);
                let mut results = Results {
                    simd,
                    filter: &filter,
                    band,
                    windows,
                    convolution,
                    lanes,
                    first: rows.start * convolution.columns(),
                    outputs: self.outputs,
                    chosen: self.chosen.as_deref_mut(),
                };
                match convolution.epilogue {
                    Epilogue::ReluMaxPool => results.pooled(),
                    Epilogue::Linear | Epilogue::Relu => in_tiles::<S>(windows.len(), &mut results),
                }
            }
        }
    }
}

/// The results of one band of some images, and where they go.
struct Results<'a, S: Simd> {
    simd: S,
    filter: &'a Filter,
    band: &'a [S::f32s],
    windows: &'a [Position],
    convolution: Convolution,
    lanes: Lanes,
    /// The first window of the band.
    first: usize,
    outputs: &'a mut [f32],
    chosen: Option<&'a mut [f32]>,
}

impl<S: Simd> Results<'_, S> {
    /// Windows of one output.
    fn of_output(&self) -> usize {
        self.convolution.rows() * self.convolution.columns()
    }

    /// Computes, pools and stores one pooling window after another.
    #[inline(always)]
    fn pooled(&mut self) {
        let (simd, of_output) = (self.simd, self.of_output());
        let (pooling, _) = self.windows.as_chunks::<WINDOW>();
        for (number, windows) in pooling.iter().enumerate() {
            let sources = windows.map(|window| window.source);
            self.filter.apply(
                simd,
                self.band,
                sources,
                #[inline(always)]
                |output, sums| {
                    for (output, sums) in (output..self.convolution.outputs).zip(sums) {
                        let feature = (output * of_output + self.first) / WINDOW + number;
                        let value = relu_max_pool(simd, sums);
                        self.lanes.store(simd, self.outputs, feature, value);
                        if let Some(all) = &mut self.chosen {
                            self.lanes.store(simd, all, feature, chosen(simd, sums));
                        }
                    }
                },
            );
        }
    }
}

impl<S: Simd> Tiles for Results<'_, S> {
    #[inline(always)]
    fn tile<const N: usize>(&mut self, first: usize) {
        let (simd, of_output) = (self.simd, self.of_output());
        let windows = &self.windows[first..][..N];
        let sources: [usize; N] = std::array::from_fn(|j| windows[j].source);
        self.filter.apply(
            simd,
            self.band,
            sources,
            #[inline(always)]
            |output, sums| {
                for (c, sums) in sums.iter().enumerate() {
                    if output + c >= self.convolution.outputs {
                        continue;
                    }
                    let feature = (output + c) * of_output + self.first + first;
                    for (j, &sum) in sums.iter().enumerate() {
                        let value = self.convolution.epilogue.pixel(simd, sum);
                        self.lanes.store(simd, self.outputs, feature + j, value);
                    }
                }
            },
        );
    }
}
