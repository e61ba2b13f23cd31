//! Linear maps and convolutions: products with the windows of images, which are gathered for some places at a time.

use super::Training;
use super::structure::Map;
use super::values::{places_at_once, row_parts};
use crate::module::Argument::{self, Whole};
use crate::module::{NULL, at};
use crate::{Buffer, GpuError, Matrix};

/// Places whose windows lie in memory at the same time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    first: usize,
    places: usize,
}

impl Training {
    /// Puts a map of `images` inputs into the queue.
    pub(super) fn enqueue_map(
        &self,
        map: &Map,
        weight: usize,
        bias: Option<usize>,
        input: &Buffer<f32>,
        output: &Buffer<f32>,
        images: usize,
    ) -> Result<(), GpuError> {
        for piece in pieces(map, images) {
            let windows = self.enqueue_windows(map, input, piece, images)?;
            for group in 0..map.groups {
                let weights = group_weights(&self.epochs.weights.values, map, weight, group);
                let outputs = group_outputs(output, map, piece, group, images);
                let windows = group_windows(windows, map, group);
                // SAFETY: the buffers belong to `self`, which waits before it is dropped; products check the sizes.
                unsafe { self.epochs.products.multiply(weights, windows, outputs)? };
            }
        }
        let Some(bias) = bias else {
            return Ok(());
        };
        let length = map.output().places() * images;
        let arguments = [
            at(output, 0),
            at(&self.epochs.weights.values, bias),
            Whole(map.outputs as u32),
            Whole(length as u32),
        ];
        // SAFETY: the output has so many rows, and the weights a bias for each.
        unsafe { self.launch(&self.kernels.add_bias, map.outputs * length, &arguments) }
    }

    /// Puts the gradients of weight, bias and, if it is asked for, input into the queue.
    #[allow(clippy::too_many_arguments, reason = "what a map has")]
    pub(super) fn enqueue_map_back(
        &self,
        map: &Map,
        weight: usize,
        bias: Option<usize>,
        input: &Buffer<f32>,
        gradient: &Buffer<f32>,
        result: Option<&Buffer<f32>>,
        images: usize,
    ) -> Result<(), GpuError> {
        if let Some(bias) = bias {
            let length = map.output().places() * images;
            self.enqueue_row_parts([NULL, at(gradient, 0), NULL], map.outputs, length)?;
            let arguments = [
                at(&self.values.parts, 0),
                at(&self.epochs.weights.gradients, bias),
                Whole(map.outputs as u32),
                Whole(row_parts(length) as u32),
            ];
            // SAFETY: there are parts of so many rows, and room for the gradient of every bias.
            unsafe { self.launch(&self.kernels.row_sums, map.outputs, &arguments)? };
        }
        for piece in pieces(map, images) {
            let windows = self.enqueue_windows(map, input, piece, images)?;
            for group in 0..map.groups {
                let weights = group_weights(&self.epochs.weights.gradients, map, weight, group);
                let gradients = group_outputs(gradient, map, piece, group, images);
                let windows = group_windows(windows, map, group).transposed();
                // SAFETY: as in `enqueue_map`.
                unsafe {
                    match piece.first {
                        0 => self.epochs.products.multiply(gradients, windows, weights)?,
                        _ => self
                            .epochs
                            .products
                            .multiply_onto(gradients, windows, weights)?,
                    }
                }
            }
            if let Some(result) = result {
                self.enqueue_input_gradient(map, weight, gradient, result, piece, images)?;
            }
        }
        Ok(())
    }

    /// Puts the gradient of the inputs from the outputs of some places into the queue.
    fn enqueue_input_gradient(
        &self,
        map: &Map,
        weight: usize,
        gradient: &Buffer<f32>,
        result: &Buffer<f32>,
        piece: Piece,
        images: usize,
    ) -> Result<(), GpuError> {
        // The windows are done with, and their gradients take their place.
        let windows = self.windows(map, result, piece, images);
        for group in 0..map.groups {
            let weights = group_weights(&self.epochs.weights.values, map, weight, group);
            let gradients = group_outputs(gradient, map, piece, group, images);
            let windows = group_windows(windows, map, group);
            // SAFETY: as in `enqueue_map`.
            unsafe {
                self.epochs
                    .products
                    .multiply(weights.transposed(), gradients, windows)?;
            }
        }
        if map.is_of_pixels() {
            return Ok(());
        }
        let features = map.input.len();
        let ends = [at(&self.values.windows, 0), at(result, 0)];
        let arguments = [&ends[..], &window_arguments(map, piece, images, features)].concat();
        // SAFETY: there are windows of so many places, and the result has room for the gradient of every feature.
        unsafe {
            self.launch(
                &self.kernels.windows_gradient,
                features * images,
                &arguments,
            )
        }
    }

    /// The windows of some places, `[channels * kernel * kernel, places * images]`, once what this puts into the queue has been done.
    fn enqueue_windows<'a>(
        &'a self,
        map: &Map,
        input: &'a Buffer<f32>,
        piece: Piece,
        images: usize,
    ) -> Result<Matrix<'a>, GpuError> {
        let windows = self.windows(map, input, piece, images);
        if !map.is_of_pixels() {
            let rows = map.window_values();
            let ends = [at(input, 0), at(&self.values.windows, 0)];
            let arguments = [&ends[..], &window_arguments(map, piece, images, rows)].concat();
            let threads = rows * piece.places * images;
            // SAFETY: the input has all features, and there is room for the windows of so many places.
            unsafe { self.launch(&self.kernels.windows, threads, &arguments)? };
        }
        Ok(windows)
    }

    /// Where the windows of some places lie: where they are gathered, or in the image itself if they are its pixels.
    fn windows<'a>(
        &'a self,
        map: &Map,
        image: &'a Buffer<f32>,
        piece: Piece,
        images: usize,
    ) -> Matrix<'a> {
        let columns = piece.places * images;
        let rows = map.window_values();
        if map.is_of_pixels() {
            return Matrix::new(image, 0, rows, map.input.places() * images)
                .block((0, rows), (piece.first * images, columns));
        }
        Matrix::new(&self.values.windows, 0, rows, columns)
    }

    /// Puts partial sums of rows into the queue, of terms that the kernel explains.
    pub(super) fn enqueue_row_parts(
        &self,
        [values, gradients, means]: [Argument; 3],
        rows: usize,
        length: usize,
    ) -> Result<(), GpuError> {
        let count = row_parts(length);
        let arguments = [
            values,
            gradients,
            means,
            at(&self.values.parts, 0),
            Whole(rows as u32),
            Whole(length as u32),
            Whole(count as u32),
        ];
        let threads = rows * count * self.kernels.warp;
        // SAFETY: values and gradients have so many rows; `Values::new` made room for the parts of the rows of every operation.
        unsafe { self.launch(&self.kernels.row_parts, threads, &arguments) }
    }
}

/// The places of a map in pieces whose windows fit into memory. Windows that are pixels are not gathered, and are one piece.
pub(super) fn pieces(map: &Map, images: usize) -> impl Iterator<Item = Piece> {
    let all = map.output().places();
    let at_once = match map.is_of_pixels() {
        true => all,
        false => places_at_once(all, map.window_values() * images),
    };
    (0..all).step_by(at_once).map(move |first| Piece {
        first,
        places: at_once.min(all - first),
    })
}

/// The weights of a group, `[outputs, values of a window]`.
fn group_weights<'a>(
    buffer: &'a Buffer<f32>,
    map: &Map,
    offset: usize,
    group: usize,
) -> Matrix<'a> {
    let (outputs, columns) = (map.outputs / map.groups, map.window_values() / map.groups);
    Matrix::new(buffer, offset, map.outputs, columns)
        .block((group * outputs, outputs), (0, columns))
}

/// The outputs of a group at some places.
fn group_outputs<'a>(
    buffer: &'a Buffer<f32>,
    map: &Map,
    piece: Piece,
    group: usize,
    images: usize,
) -> Matrix<'a> {
    let outputs = map.outputs / map.groups;
    let places = (piece.first * images, piece.places * images);
    Matrix::new(buffer, 0, map.outputs, map.output().places() * images)
        .block((group * outputs, outputs), places)
}

/// The windows of a group.
fn group_windows<'a>(windows: Matrix<'a>, map: &Map, group: usize) -> Matrix<'a> {
    let rows = map.window_values() / map.groups;
    let (_, columns) = windows.shape();
    windows.block((group * rows, rows), (0, columns))
}

/// The arguments of both kernels of windows from the height of the image on; `rows` are those of what is written.
fn window_arguments(map: &Map, piece: Piece, images: usize, rows: usize) -> [Argument; 11] {
    [
        map.input.height,
        map.input.width,
        map.kernel,
        map.stride,
        map.padding,
        map.dilation,
        map.output().width,
        piece.first,
        piece.places,
        images,
        rows,
    ]
    .map(|value| Whole(value as u32))
}
