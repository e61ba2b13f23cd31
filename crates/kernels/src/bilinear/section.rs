//! What some rows of a batch become, forward and backward.

use faer::{Accum, MatRef};
use pulp::Arch;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::BilinearLayer;
use super::loss::cross_entropy;
use super::products::{matrix, matrix_mut, multiply};

/// Buffers for the largest section so far.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    inputs: Vec<f32>,
    embedded: Vec<f32>,
    embedded_gradient: Vec<f32>,
    halves: Vec<f32>,
    gated: Vec<f32>,
    gated_gradient: Vec<f32>,
    logits: Vec<f32>,
}

/// Values of consecutive rows, one slice for each kind. Those of h are empty if the weights are multiplied first.
#[derive(Debug, Default)]
pub(super) struct Section<'a> {
    /// h `[N, d]`.
    pub(super) embedded: &'a mut [f32],
    /// dh `[N, d]`.
    pub(super) embedded_gradient: &'a mut [f32],
    /// (l, r) `[N, 2d]`, then its gradient.
    pub(super) halves: &'a mut [f32],
    /// g `[N, d]`.
    pub(super) gated: &'a mut [f32],
    /// dg `[N, d]`.
    gated_gradient: &'a mut [f32],
    /// `[N, C]`, then their gradient.
    pub(super) logits: &'a mut [f32],
}

/// What the loss of a section is computed from, and where it goes.
#[derive(Debug)]
pub(super) struct Target<'a> {
    pub(super) labels: &'a [u16],
    /// log softmax of the label of every row.
    pub(super) likelihoods: &'a mut [f32],
    /// Weight of a row in the loss.
    pub(super) scale: f32,
}

/// The first `length` values, which are made if there are fewer.
pub(super) fn sized(values: &mut Vec<f32>, length: usize) -> &mut [f32] {
    if values.len() < length {
        values.resize(length, 0.0);
    }
    &mut values[..length]
}

impl Buffers {
    /// Room for the inputs of `rows` rows, and for what they become.
    pub(super) fn section(
        &mut self,
        layer: &BilinearLayer<'_>,
        rows: usize,
    ) -> (&mut [f32], Section<'_>) {
        let hidden = rows * layer.hidden;
        let embedded = if layer.weights_first { 0 } else { hidden };
        let section = Section {
            embedded: sized(&mut self.embedded, embedded),
            embedded_gradient: sized(&mut self.embedded_gradient, embedded),
            halves: sized(&mut self.halves, 2 * hidden),
            gated: sized(&mut self.gated, hidden),
            gated_gradient: sized(&mut self.gated_gradient, hidden),
            logits: sized(&mut self.logits, rows * layer.classes),
        };
        (sized(&mut self.inputs, rows * layer.inputs), section)
    }
}

impl<'a> Section<'a> {
    /// Takes the first `rows` of `all` out of it.
    fn split_off(layer: &BilinearLayer<'_>, all: &mut Section<'a>, rows: usize) -> Self {
        let take = |values: &mut &'a mut [f32], length: usize| {
            let (first, rest) = std::mem::take(values).split_at_mut(length);
            *values = rest;
            first
        };
        let hidden = rows * layer.hidden;
        let embedded = if layer.weights_first { 0 } else { hidden };
        Section {
            embedded: take(&mut all.embedded, embedded),
            embedded_gradient: take(&mut all.embedded_gradient, embedded),
            halves: take(&mut all.halves, 2 * hidden),
            gated: take(&mut all.gated, hidden),
            gated_gradient: take(&mut all.gated_gradient, hidden),
            logits: take(&mut all.logits, rows * layer.classes),
        }
    }

    /// Computes the logits of `inputs` and, if there is a `target`, the loss and the gradients of all values, on `threads` threads.
    /// `product` is M, if the weights are multiplied first. Returns how many rows are classified correctly.
    pub(super) fn compute(
        &mut self,
        layer: &BilinearLayer<'_>,
        product: &[f32],
        inputs: &[f32],
        mut target: Option<Target<'_>>,
        threads: usize,
    ) -> usize {
        let all = inputs.len() / layer.inputs;
        let rows = all.div_ceil(threads);
        if rows == all {
            self.forward(layer, product, inputs);
            return target.map_or(0, |target| self.backward(layer, target));
        }
        let mut rest = Section {
            embedded: &mut *self.embedded,
            embedded_gradient: &mut *self.embedded_gradient,
            halves: &mut *self.halves,
            gated: &mut *self.gated,
            gated_gradient: &mut *self.gated_gradient,
            logits: &mut *self.logits,
        };
        let pieces = inputs.chunks(rows * layer.inputs).map(|inputs| {
            let rows = inputs.len() / layer.inputs;
            let piece = Section::split_off(layer, &mut rest, rows);
            (
                inputs,
                piece,
                target.as_mut().map(|target| target.split_off(rows)),
            )
        });
        let pieces: Vec<_> = pieces.collect();
        let work = |(inputs, mut piece, target): (&[f32], Section<'_>, Option<Target<'_>>)| {
            piece.forward(layer, product, inputs);
            target.map_or(0, |target| piece.backward(layer, target))
        };
        pieces.into_par_iter().map(work).sum()
    }

    fn forward(&mut self, layer: &BilinearLayer<'_>, product: &[f32], inputs: &[f32]) {
        let rows = inputs.len() / layer.inputs;
        let inputs = matrix(inputs, rows);
        let make = |out: &mut [f32], left: MatRef<'_, f32>, weight: &[f32], outputs: usize| {
            let weight = matrix(weight, outputs).transpose();
            multiply(matrix_mut(out, rows), Accum::Replace, left, weight);
        };
        if layer.weights_first {
            make(self.halves, inputs, product, 2 * layer.hidden);
        } else {
            make(self.embedded, inputs, layer.embed, layer.hidden);
            let embedded = matrix(self.embedded, rows);
            make(self.halves, embedded, layer.gate, 2 * layer.hidden);
        }
        if let Some(bias) = layer.bias {
            for row in self.halves.chunks_exact_mut(bias.len()) {
                for (value, bias) in row.iter_mut().zip(bias) {
                    *value += bias;
                }
            }
        }
        Arch::new().dispatch(
            #[inline(always)]
            || gate(layer, self.halves, self.embedded, self.gated),
        );
        make(
            self.logits,
            matrix(self.gated, rows),
            layer.unembed,
            layer.classes,
        );
    }

    fn backward(&mut self, layer: &BilinearLayer<'_>, target: Target<'_>) -> usize {
        let Target {
            labels,
            likelihoods,
            scale,
        } = target;
        let rows = labels.len();
        let correct = cross_entropy(self.logits, layer.classes, labels, scale, likelihoods);
        let make = |out: &mut [f32], left: &[f32], weight: &[f32], outputs: usize| {
            let (left, weight) = (matrix(left, rows), matrix(weight, outputs));
            multiply(matrix_mut(out, rows), Accum::Replace, left, weight);
        };
        make(
            self.gated_gradient,
            self.logits,
            layer.unembed,
            layer.classes,
        );
        Arch::new().dispatch(
            #[inline(always)]
            || pass_gate(layer.hidden, self.gated_gradient, self.halves),
        );
        if !layer.weights_first {
            make(
                self.embedded_gradient,
                self.halves,
                layer.gate,
                2 * layer.hidden,
            );
        }
        if layer.residual {
            for (sum, gradient) in self.embedded_gradient.iter_mut().zip(&*self.gated_gradient) {
                *sum += gradient;
            }
        }
        correct
    }
}

impl<'a> Target<'a> {
    /// Takes the first `rows` out of it.
    fn split_off(&mut self, rows: usize) -> Target<'a> {
        let (labels, other_labels) = self.labels.split_at(rows);
        let (likelihoods, rest) = std::mem::take(&mut self.likelihoods).split_at_mut(rows);
        (self.labels, self.likelihoods) = (other_labels, rest);
        Target {
            labels,
            likelihoods,
            scale: self.scale,
        }
    }
}

/// g = l * r, residual + h.
#[inline(always)]
fn gate(layer: &BilinearLayer<'_>, halves: &[f32], embedded: &[f32], gated: &mut [f32]) {
    let hidden = layer.hidden;
    let rows = gated
        .chunks_exact_mut(hidden)
        .zip(halves.chunks_exact(2 * hidden));
    for (gated, halves) in rows {
        let (left, right) = halves.split_at(hidden);
        for ((gated, left), right) in gated.iter_mut().zip(left).zip(right) {
            *gated = left * right;
        }
    }
    if layer.residual {
        for (gated, embedded) in gated.iter_mut().zip(embedded) {
            *gated += embedded;
        }
    }
}

/// Replaces (l, r) by (dg * r, dg * l).
#[inline(always)]
fn pass_gate(hidden: usize, gradient: &[f32], halves: &mut [f32]) {
    let rows = gradient
        .chunks_exact(hidden)
        .zip(halves.chunks_exact_mut(2 * hidden));
    for (gradient, halves) in rows {
        let (left, right) = halves.split_at_mut(hidden);
        for ((gradient, left), right) in gradient.iter().zip(left).zip(right) {
            (*left, *right) = (gradient * *right, gradient * *left);
        }
    }
}
