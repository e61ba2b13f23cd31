//! Convolutions of many channels as matrix products: one for each pixel of the window and each row of outputs.
//!
//! In a matrix `[features, images]` the images of neighbouring pixels of a row are neighbours, so with a stride of 1 the inputs
//! that one pixel of the window contributes to a row of outputs are a block of the matrix, which a product reads where it lies.
//! Pixels of the padding take part in none: of small images they are the most (of one pixel in a 3 x 3 window, 8 of 9).

use std::borrow::Cow;

use faer::{Accum, MatMut, MatRef};

use super::backward::{Part, Saved};
use super::forward::Forward;
use super::pooled::{pool, unpool};
use crate::epilogue::{Epilogue, WINDOW};
use crate::geometry::{Convolution, ImageShape};
use crate::product::by_faer;

/// Fewest channels and outputs, and fewest images, for which products are faster than sums over windows.
const FEWEST_CHANNELS: usize = 64;
const FEWEST_IMAGES: usize = 16;

/// Whether a group of this convolution is computed by products: it has many channels, and no more pixels than channels. Larger
/// images have little padding, and their sums are written and read once for each pixel of the window; there, and without
/// padding, sums over windows are at least as fast.
pub(crate) fn suits(convolution: &Convolution, images: usize) -> bool {
    let ImageShape {
        channels,
        height,
        width,
    } = convolution.source();
    (convolution.padding > 0 || convolution.kernel == 1)
        && channels.min(convolution.outputs) >= FEWEST_CHANNELS
        && height * width <= channels
        && images >= FEWEST_IMAGES
}

/// Neighbouring places of the output, and those of the input that one pixel of the window reads for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    output: usize,
    input: usize,
    places: usize,
}

/// The runs of the pixel of the window at `row` and `column`.
fn runs(convolution: &Convolution, row: usize, column: usize) -> Vec<Run> {
    let Convolution {
        stride,
        padding,
        dilation,
        ..
    } = *convolution;
    let source = convolution.source();
    let (rows, columns) = (convolution.rows(), convolution.columns());
    let input = |window: usize, pixel: usize, side: usize| {
        let place = (window * stride + pixel * dilation).checked_sub(padding);
        place.filter(|place| *place < side)
    };
    let mut runs: Vec<Run> = Vec::new();
    for y in 0..rows {
        let Some(from_y) = input(y, row, source.height) else {
            continue;
        };
        for x in 0..columns {
            let Some(from_x) = input(x, column, source.width) else {
                continue;
            };
            let (output, input) = (y * columns + x, from_y * source.width + from_x);
            match runs.last_mut() {
                Some(run)
                    if run.output + run.places == output && run.input + run.places == input =>
                {
                    run.places += 1;
                }
                _ => runs.push(Run {
                    output,
                    input,
                    places: 1,
                }),
            }
        }
    }
    runs
}

/// Sizes of the matrices of one group.
#[derive(Clone, Copy)]
struct Sizes {
    channels: usize,
    outputs: usize,
    /// Pixels of a window.
    window: usize,
    images: usize,
}

impl Sizes {
    fn new(convolution: &Convolution, images: usize) -> Self {
        Self {
            channels: convolution.input.channels,
            outputs: convolution.outputs,
            window: convolution.kernel * convolution.kernel,
            images,
        }
    }

    /// The weight of one pixel of the window, `[outputs, channels]`.
    fn of_pixel(&self, weight: &[f32], pixel: usize) -> Vec<f32> {
        let window = self.window;
        weight.iter().skip(pixel).step_by(window).copied().collect()
    }
}

/// A matrix of the places of some channels, `[channels, places * images]`.
fn places(values: &[f32], channels: usize) -> MatRef<'_, f32> {
    MatRef::from_row_major_slice(values, channels, values.len() / channels)
}

/// One group, or some outputs of it.
pub(crate) fn forward(group: Forward<'_>) {
    let Forward {
        convolution,
        images,
        inputs,
        weight,
        bias,
        outputs,
        chosen,
    } = group;
    let multiply =
        |results: &mut [f32]| multiply(&convolution, images, inputs, weight, bias, results);
    match convolution.epilogue {
        Epilogue::ReluMaxPool => {
            let mut results = vec![0.0; outputs.len() * WINDOW];
            multiply(&mut results);
            pool(&convolution, images, &results, outputs, chosen);
        }
        Epilogue::Relu => {
            multiply(outputs);
            for value in outputs {
                *value = if *value < 0.0 { 0.0 } else { *value };
            }
        }
        Epilogue::Linear => multiply(outputs),
    }
}

/// The results before ReLU and pooling, which are overwritten.
fn multiply(
    convolution: &Convolution,
    images: usize,
    inputs: &[f32],
    weight: &[f32],
    bias: &[f32],
    outputs: &mut [f32],
) {
    let sizes = Sizes::new(convolution, images);
    let columns = outputs.len() / sizes.outputs;
    for (outputs, bias) in outputs.chunks_exact_mut(columns).zip(bias) {
        outputs.fill(*bias);
    }
    let inputs = places(inputs, sizes.channels);
    let mut matrix = MatMut::from_row_major_slice_mut(&mut *outputs, sizes.outputs, columns);
    for pixel in 0..sizes.window {
        let (row, column) = (pixel / convolution.kernel, pixel % convolution.kernel);
        let runs = runs(convolution, row, column);
        if runs.is_empty() {
            continue;
        }
        let weight = sizes.of_pixel(weight, pixel);
        let weight = MatRef::from_row_major_slice(&weight, sizes.outputs, sizes.channels);
        for run in runs {
            let width = run.places * images;
            let read = inputs.submatrix(0, run.input * images, sizes.channels, width);
            let made = matrix.as_mut();
            let made = made.submatrix_mut(0, run.output * images, sizes.outputs, width);
            by_faer(made, Accum::Add, weight, read);
        }
    }
}

/// Gradients of one group, or of some outputs or channels of it.
pub(crate) fn backward(part: Part<'_>) {
    let Part {
        saved,
        mut sums,
        mut inputs,
        ..
    } = part;
    let convolution = &saved.convolution;
    let sizes = Sizes::new(convolution, saved.images);
    let images = sizes.images;
    let gradient = before_epilogue(&saved);
    let columns = gradient.len() / sizes.outputs;
    if let Some((_, bias)) = &mut sums {
        for (bias, row) in bias.iter_mut().zip(gradient.chunks_exact(columns)) {
            let sum: f64 = row.iter().copied().map(f64::from).sum();
            *bias = sum as f32;
        }
    }
    let gradient = places(&gradient, sizes.outputs);
    let read = places(saved.inputs, sizes.channels);
    let mut of_pixel = vec![0.0; sizes.outputs * sizes.channels];
    for pixel in 0..sizes.window {
        let (row, column) = (pixel / convolution.kernel, pixel % convolution.kernel);
        let runs = runs(convolution, row, column);
        if let Some((weight, _)) = &mut sums {
            of_pixel.fill(0.0);
            for run in &runs {
                let width = run.places * images;
                let gradient = gradient.submatrix(0, run.output * images, sizes.outputs, width);
                let read = read.submatrix(0, run.input * images, sizes.channels, width);
                let sum =
                    MatMut::from_row_major_slice_mut(&mut of_pixel, sizes.outputs, sizes.channels);
                by_faer(sum, Accum::Add, gradient, read.transpose());
            }
            let targets = weight.iter_mut().skip(pixel).step_by(sizes.window);
            for (target, sum) in targets.zip(&of_pixel) {
                *target = *sum;
            }
        }
        if let Some(inputs) = &mut inputs {
            let weight = sizes.of_pixel(&saved.weight, pixel);
            let weight = MatRef::from_row_major_slice(&weight, sizes.outputs, sizes.channels);
            for run in &runs {
                let width = run.places * images;
                let gradient = gradient.submatrix(0, run.output * images, sizes.outputs, width);
                let columns = inputs.len() / sizes.channels;
                let sum = MatMut::from_row_major_slice_mut(inputs, sizes.channels, columns);
                let sum = sum.submatrix_mut(0, run.input * images, sizes.channels, width);
                by_faer(sum, Accum::Add, weight.transpose(), gradient);
            }
        }
    }
}

/// The gradient of the results before ReLU and pooling.
fn before_epilogue<'a>(saved: &Saved<'a>) -> Cow<'a, [f32]> {
    if let Some(chosen) = saved.chosen {
        let gradient = unpool(&saved.convolution, saved.images, saved.gradient, chosen);
        return Cow::Owned(gradient);
    }
    let Some(outputs) = saved.outputs else {
        return Cow::Borrowed(saved.gradient);
    };
    let pairs = saved.gradient.iter().zip(outputs);
    let pass = |(gradient, output): (&f32, &f32)| match *output > 0.0 {
        true => *gradient,
        false => 0.0,
    };
    pairs.map(pass).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Geometry;

    fn convolution(kernel: usize, stride: usize, padding: usize) -> Convolution {
        let input = ImageShape {
            channels: 64,
            height: 3,
            width: 4,
        };
        let geometry = Geometry {
            padding,
            ..Geometry::new(input, stride)
        };
        Convolution::new(geometry, [64, 64, kernel, kernel], Epilogue::Linear)
    }

    #[test]
    fn runs_are_rows_without_the_padding() {
        let run = |output, input, places| Run {
            output,
            input,
            places,
        };
        // The middle of the window reads the image itself: one run.
        let padded = convolution(3, 1, 1);
        assert_eq!(runs(&padded, 1, 1), [run(0, 0, 12)]);
        assert_eq!(runs(&padded, 0, 0), [run(5, 0, 3), run(9, 4, 3)]);
        let strided = convolution(1, 2, 0);
        assert_eq!(
            runs(&strided, 0, 0),
            [run(0, 0, 1), run(1, 2, 1), run(2, 8, 1), run(3, 10, 1)]
        );
    }

    #[test]
    fn wide_padded_convolutions_are_products() {
        assert!(suits(&convolution(3, 1, 1), 16));
        assert!(suits(&convolution(1, 2, 0), 16));
        assert!(!suits(&convolution(3, 1, 0), 16));
        assert!(!suits(&convolution(3, 1, 1), 15));
    }
}
