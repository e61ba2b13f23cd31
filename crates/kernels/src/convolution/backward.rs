//! Gradients of weight, bias and input in one pass over the images, from the saved input.
//!
//! Band by band: the gradient of the convolution's results, undoing pooling and ReLU; from it the gradients of weight and
//! bias; and, if anyone wants it, of the input. Several threads share out the outputs for the former and the channels of the input
//! for the latter; every value is summed in the same order.

use std::borrow::Cow;

use pulp::{Arch, Simd, WithSimd};
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::band::Bands;
use super::forward::share;
use super::grid::Grid;
use super::input_gradient::InputGradient;
use super::output_gradient::OutputGradient;
use super::products;
use super::scratch::Scratch;
use super::weight_gradient::{add_bias_gradient, add_weight_gradient};
use crate::geometry::{Convolution, ImageShape};
use crate::lanes::Lanes;

/// What a convolution was computed from, and the gradient of what came out.
#[derive(Clone)]
pub(crate) struct Saved<'a> {
    pub(crate) convolution: Convolution,
    /// Images.
    pub(crate) images: usize,
    /// `[features, images]`.
    pub(crate) inputs: &'a [f32],
    /// `[outputs, channels / groups, kernel, kernel]`.
    pub(crate) weight: Cow<'a, [f32]>,
    /// `[features, images]`; needed if ReLU alone follows.
    pub(crate) outputs: Option<&'a [f32]>,
    /// Which pixel of a window has the gradient, `[features, images]`; needed if pooling follows.
    pub(crate) chosen: Option<&'a [f32]>,
    /// `[features, images]`.
    pub(crate) gradient: &'a [f32],
}

/// Gradients in the shapes of what they belong to.
pub(crate) struct Gradients {
    pub(crate) weight: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    pub(crate) inputs: Option<Vec<f32>>,
}

/// The gradients; of the input only if `wants_inputs`.
pub(crate) fn backward(saved: &Saved<'_>, wants_inputs: bool) -> Gradients {
    let Convolution {
        groups, outputs, ..
    } = saved.convolution;
    let mut gradients = Gradients {
        weight: vec![0.0; saved.weight.len()],
        bias: vec![0.0; outputs * groups],
        inputs: wants_inputs.then(|| vec![0.0; saved.inputs.len()]),
    };
    if saved.images == 0 {
        return gradients;
    }
    let width = saved.inputs.len() / groups;
    let inputs = gradients.inputs.as_mut();
    let mut inputs = inputs.map(|inputs| inputs.chunks_exact_mut(width));
    let weights = gradients
        .weight
        .chunks_exact_mut(saved.weight.len() / groups);
    let sums = weights.zip(gradients.bias.chunks_exact_mut(outputs));
    let mut parts = Vec::new();
    for (group, sums) in sums.enumerate() {
        let inputs = inputs.as_mut().and_then(Iterator::next);
        saved.group(group).share_out(sums, inputs, &mut parts);
    }
    let by_products = products::suits(&saved.convolution, saved.images);
    parts.into_par_iter().for_each(|part| match by_products {
        true => products::backward(part),
        false => Arch::new().dispatch(part),
    });
    gradients
}

impl<'a> Saved<'a> {
    /// One group as a convolution of its own.
    fn group(&'a self, group: usize) -> Saved<'a> {
        let groups = self.convolution.groups;
        let part = |values: &'a [f32]| {
            let length = values.len() / groups;
            &values[group * length..][..length]
        };
        Saved {
            inputs: part(self.inputs),
            weight: Cow::Borrowed(part(&self.weight)),
            outputs: self.outputs.map(part),
            chosen: self.chosen.map(part),
            gradient: part(self.gradient),
            ..*self
        }
    }

    /// One group, divided among the threads.
    fn share_out(
        self,
        (weight, bias): (&'a mut [f32], &'a mut [f32]),
        inputs: Option<&'a mut [f32]>,
        parts: &mut Vec<Part<'a>>,
    ) {
        let whole = self.convolution;
        if rayon::current_num_threads() == 1 {
            parts.push(Part {
                saved: self,
                whole,
                sums: Some((weight, bias)),
                inputs,
            });
            return;
        }
        let step = share(whole.outputs);
        let window = weight.len() / whole.outputs;
        let sums = weight.chunks_mut(step * window).zip(bias.chunks_mut(step));
        parts.extend(sums.enumerate().map(|(number, sums)| Part {
            saved: self.some_outputs(number * step, sums.1.len()),
            whole,
            sums: Some(sums),
            inputs: None,
        }));
        let channels = whole.input.channels;
        let step = share(channels);
        let plane = self.inputs.len() / channels;
        let inputs = inputs.into_iter();
        let inputs = inputs.flat_map(|inputs| inputs.chunks_mut(step * plane));
        parts.extend(inputs.enumerate().map(|(number, inputs)| Part {
            saved: self.some_channels(number * step, inputs.len() / plane),
            whole,
            sums: None,
            inputs: Some(inputs),
        }));
    }

    /// `count` outputs from `first` on, for the gradients of their weight and bias.
    fn some_outputs(&self, first: usize, count: usize) -> Saved<'a> {
        let part = |values: &'a [f32]| {
            let length = values.len() / self.convolution.outputs;
            &values[first * length..][..count * length]
        };
        Saved {
            convolution: Convolution {
                outputs: count,
                ..self.convolution
            },
            weight: Cow::Borrowed(&[]),
            outputs: self.outputs.map(part),
            chosen: self.chosen.map(part),
            gradient: part(self.gradient),
            ..*self
        }
    }

    /// `count` channels of the input from `first` on, for their gradient.
    fn some_channels(&self, first: usize, count: usize) -> Saved<'a> {
        let Convolution { input, kernel, .. } = self.convolution;
        let plane = self.inputs.len() / input.channels;
        let window = kernel * kernel;
        let weights = self.weight.chunks_exact(input.channels * window);
        let weights = weights.flat_map(|weight| &weight[first * window..][..count * window]);
        Saved {
            convolution: Convolution {
                input: ImageShape {
                    channels: count,
                    ..input
                },
                ..self.convolution
            },
            inputs: &self.inputs[first * plane..][..count * plane],
            weight: weights.copied().collect(),
            ..*self
        }
    }
}

/// What one thread computes of one group.
pub(crate) struct Part<'a> {
    pub(crate) saved: Saved<'a>,
    /// The convolution of the group, from which the bands follow.
    whole: Convolution,
    /// Gradients of weight and bias, both 0.
    pub(crate) sums: Option<(&'a mut [f32], &'a mut [f32])>,
    /// Gradient of the input, 0.
    pub(crate) inputs: Option<&'a mut [f32]>,
}

impl WithSimd for Part<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self {
            saved,
            whole,
            mut sums,
            mut inputs,
        } = self;
        let convolution = saved.convolution;
        let beside = whole.outputs * Grid::pitch(&whole);
        let rows = Bands::new(whole, S::F32_LANES, saved.images, beside).rows;
        let bands = Bands::with_rows(convolution, rows);
        let grid = Grid::new(&convolution, bands.rows);
        let positions = bands.positions(|row, column| grid.index(row, column));
        let taps = bands.taps();
        let transposed = inputs.is_some();
        let transposed = transposed.then(|| InputGradient::new(&convolution, &grid, &saved.weight));
        let mut band = Scratch::new::<S>(bands.len());
        let band = band.vectors::<S>();
        let mut results = Scratch::new::<S>(grid.plane * convolution.outputs);
        let results = results.vectors::<S>();
        for rows in bands.iter() {
            let windows = &positions[..rows.len() * convolution.columns()];
            for lanes in Lanes::groups(saved.images, S::F32_LANES) {
                OutputGradient {
                    saved: &saved,
                    lanes,
                    first: rows.start * convolution.columns(),
                    windows,
                }
                .compute(simd, &grid, results);
                if let Some((weight, bias)) = &mut sums {
                    bands.load(simd, saved.inputs, lanes, &rows, band);
                    add_bias_gradient(simd, results, windows, bias);
                    add_weight_gradient(simd, results, band, &taps, windows, weight);
                }
                if let (Some(transposed), Some(inputs)) = (&transposed, &mut inputs) {
                    transposed.add(simd, results, &rows, lanes, inputs);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convolution::forward::forward;
    use crate::epilogue::Epilogue;
    use crate::geometry::{Geometry, ImageShape};

    /// Multiples of 1/8, so that sums of products are exact in any order.
    fn numbers(seed: usize, length: usize) -> Vec<f32> {
        let number = |i: usize| ((i * 7919 + seed * 104_729) % 17) as f32 / 8.0 - 1.0;
        (0..length).map(number).collect()
    }

    #[test]
    fn the_width_of_the_vectors_does_not_matter() {
        let input = ImageShape {
            channels: 3,
            height: 9,
            width: 12,
        };
        let geometry = Geometry::new(input, 2);
        let convolution = Convolution::new(geometry, [5, 3, 3, 3], Epilogue::ReluMaxPool);
        let images = 21;
        let (inputs, weight) = (numbers(1, input.len() * images), numbers(2, 5 * 27));
        let bias = numbers(3, 5);
        let outputs = forward(convolution, images, &inputs, &weight, &bias, true);
        let saved = Saved {
            convolution,
            images,
            inputs: &inputs,
            weight: Cow::Borrowed(&weight),
            outputs: None,
            chosen: outputs.chosen.as_deref(),
            gradient: &numbers(4, outputs.values.len()),
        };
        let widest = backward(&saved, true);
        let (mut one_weight, mut one_bias) = (vec![0.0; weight.len()], vec![0.0; bias.len()]);
        let mut one_inputs = vec![0.0; inputs.len()];
        Arch::Scalar.dispatch(Part {
            whole: convolution,
            saved,
            sums: Some((&mut one_weight, &mut one_bias)),
            inputs: Some(&mut one_inputs),
        });
        assert_eq!(widest.weight, one_weight);
        assert_eq!(widest.bias, one_bias);
        assert_eq!(widest.inputs, Some(one_inputs));
    }

    #[test]
    fn the_number_of_threads_changes_no_bit() {
        let input = |channels, side| ImageShape {
            channels,
            height: side,
            width: side,
        };
        let geometry = Geometry::new(input(3, 13), 2);
        let padded = Geometry {
            padding: 1,
            groups: 2,
            ..Geometry::new(input(10, 12), 1)
        };
        // By products.
        let wide = Geometry {
            padding: 1,
            ..Geometry::new(input(70, 4), 1)
        };
        for (geometry, outputs, epilogue) in [
            (geometry, 5, Epilogue::ReluMaxPool),
            (geometry, 22, Epilogue::Relu),
            (padded, 36, Epilogue::Linear),
            (wide, 90, Epilogue::Relu),
            (wide, 64, Epilogue::ReluMaxPool),
        ] {
            let channels = geometry.input.channels / geometry.groups;
            let convolution = Convolution::new(geometry, [outputs, channels, 3, 3], epilogue);
            let images = 37;
            let uneven = |seed, length| -> Vec<f32> {
                let values = numbers(seed, length).into_iter();
                values
                    .map(|value| value * 0.1 + value * value * 0.37)
                    .collect()
            };
            let inputs = uneven(1, geometry.input.len() * images);
            let weight = uneven(2, outputs * channels * 9);
            let bias = uneven(3, outputs);
            let on = |threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                pool.expect("threads").install(|| {
                    let made = forward(convolution, images, &inputs, &weight, &bias, true);
                    let saved = Saved {
                        convolution,
                        images,
                        inputs: &inputs,
                        weight: Cow::Borrowed(&weight),
                        outputs: Some(&made.values),
                        chosen: made.chosen.as_deref(),
                        gradient: &uneven(4, made.values.len()),
                    };
                    let found = backward(&saved, true);
                    let chosen = made.chosen.unwrap_or_default();
                    (made.values, chosen, found.weight, found.bias, found.inputs)
                })
            };
            let one = on(1);
            assert!(on(2) == one && on(3) == one, "{convolution:?}");
        }
    }
}
