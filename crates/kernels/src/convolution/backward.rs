//! Gradients of weight, bias and input in one pass over the images, from the saved input.
//!
//! Band by band: the gradient of the convolution's results, undoing pooling and ReLU; from it the gradients of weight and
//! bias; and, if anyone wants it, of the input.

use pulp::{Arch, Simd, WithSimd};

use super::band::Bands;
use super::grid::Grid;
use super::input_gradient::InputGradient;
use super::output_gradient::OutputGradient;
use super::products;
use super::scratch::Scratch;
use super::weight_gradient::{add_bias_gradient, add_weight_gradient};
use crate::geometry::Convolution;
use crate::lanes::Lanes;

/// What a convolution was computed from, and the gradient of what came out.
pub(crate) struct Saved<'a> {
    pub(crate) convolution: Convolution,
    /// Images.
    pub(crate) images: usize,
    /// `[features, images]`.
    pub(crate) inputs: &'a [f32],
    /// `[outputs, channels / groups, kernel, kernel]`.
    pub(crate) weight: &'a [f32],
    /// `[features, images]`; needed if ReLU alone follows.
    pub(crate) outputs: Option<&'a [f32]>,
    /// Which pixel of a window has the gradient, `[features, images]`; needed if pooling follows.
    pub(crate) chosen: Option<&'a [f32]>,
    /// `[features, images]`.
    pub(crate) gradient: &'a [f32],
}

/// Gradients in the shapes of what they belong to.
#[derive(Default)]
pub(crate) struct Gradients {
    pub(crate) weight: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    pub(crate) inputs: Option<Vec<f32>>,
}

/// The gradients; of the input only if `wants_inputs`.
pub(crate) fn backward(saved: &Saved<'_>, wants_inputs: bool) -> Gradients {
    let mut all = Gradients::default();
    for group in 0..saved.convolution.groups {
        let saved = saved.group(group);
        if products::suits(&saved.convolution, saved.images) {
            all.append(products::backward(&saved, wants_inputs));
            continue;
        }
        let mut gradients = Gradients {
            weight: vec![0.0; saved.weight.len()],
            bias: vec![0.0; saved.convolution.outputs],
            inputs: wants_inputs.then(|| vec![0.0; saved.inputs.len()]),
        };
        Arch::new().dispatch(Backward {
            saved: &saved,
            gradients: &mut gradients,
        });
        all.append(gradients);
    }
    all
}

impl Saved<'_> {
    /// One group as a convolution of its own.
    fn group(&self, group: usize) -> Saved<'_> {
        let groups = self.convolution.groups;
        let part = |values| part(values, groups, group);
        Saved {
            inputs: part(self.inputs),
            weight: part(self.weight),
            outputs: self.outputs.map(part),
            chosen: self.chosen.map(part),
            gradient: part(self.gradient),
            ..*self
        }
    }
}

/// One of `groups` equal parts.
fn part(values: &[f32], groups: usize, group: usize) -> &[f32] {
    let length = values.len() / groups;
    &values[group * length..][..length]
}

impl Gradients {
    /// Appends those of the next group.
    fn append(&mut self, group: Gradients) {
        if self.weight.is_empty() {
            *self = group;
            return;
        }
        self.weight.extend(group.weight);
        self.bias.extend(group.bias);
        if let (Some(all), Some(group)) = (&mut self.inputs, group.inputs) {
            all.extend(group);
        }
    }
}

/// One group.
struct Backward<'a> {
    saved: &'a Saved<'a>,
    gradients: &'a mut Gradients,
}

impl WithSimd for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { saved, gradients } = self;
        let convolution = saved.convolution;
        let beside = convolution.outputs * Grid::pitch(&convolution);
        let bands = Bands::new(convolution, S::F32_LANES, saved.images, beside);
        let grid = Grid::new(&convolution, bands.rows);
        let positions = bands.positions(|row, column| grid.index(row, column));
        let taps = bands.taps();
        let transposed = InputGradient::new(&convolution, &grid, saved.weight);
        let mut band = Scratch::new::<S>(bands.len());
        let band = band.vectors::<S>();
        let mut results = Scratch::new::<S>(grid.plane * convolution.outputs);
        let results = results.vectors::<S>();
        for rows in bands.iter() {
            let windows = &positions[..rows.len() * convolution.columns()];
            for lanes in Lanes::groups(saved.images, S::F32_LANES) {
                bands.load(simd, saved.inputs, lanes, &rows, band);
                OutputGradient {
                    saved,
                    lanes,
                    first: rows.start * convolution.columns(),
                    windows,
                }
                .compute(simd, &grid, results);
                add_bias_gradient(simd, results, windows, &mut gradients.bias);
                let weight = &mut gradients.weight;
                add_weight_gradient(simd, results, band, &taps, windows, weight);
                if let Some(inputs) = &mut gradients.inputs {
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
            weight: &weight,
            outputs: None,
            chosen: outputs.chosen.as_deref(),
            gradient: &numbers(4, outputs.values.len()),
        };
        let widest = backward(&saved, true);
        let mut one_lane = Gradients {
            weight: vec![0.0; weight.len()],
            bias: vec![0.0; bias.len()],
            inputs: Some(vec![0.0; inputs.len()]),
        };
        Arch::Scalar.dispatch(Backward {
            saved: &saved,
            gradients: &mut one_lane,
        });
        assert_eq!(widest.weight, one_lane.weight);
        assert_eq!(widest.bias, one_lane.bias);
        assert_eq!(widest.inputs, one_lane.inputs);
    }
}
