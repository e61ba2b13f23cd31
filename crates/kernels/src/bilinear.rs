//! One bilinear layer from inputs to gradients, by the formulas instead of a recorded graph: products and single passes over buffers
//! that are used again for every batch.
//!
//! With rows of inputs x `[N, D]`, h = x E', (l, r) = h W' + b, and the gate g = l * r, residual + h:
//!
//! ```text
//! logits = g U'             dU = dlogits' g        dg = dlogits U
//! dl = dg * r, dr = dg * l  dW = (dl, dr)' h       db = sum of the rows of (dl, dr)
//! dh = (dl, dr) W           dE = dh' x             residual: dh += dg
//! ```
//!
//! Without residual, (l, r) = x M' + b with M = W E may take fewer multiplications; then dM = (dl, dr)' x, dW = dM E' and
//! dE = W' dM.
//!
//! A batch is computed in sections of rows that stay in the cache. A sum over its rows is one over equal parts of them, in order;
//! threads share out the rows of results. So the number of threads changes no bit.

mod gradients;
mod loss;
mod products;
mod section;

use std::ops::Range;

use faer::Accum;

use gradients::Sums;
pub use loss::BatchLoss;
use products::{DEPTH, matrix, matrix_mut, multiply_on, part_length};
use section::{Buffers, Target, sized};

/// The weights of a bilinear layer, row-major.
#[derive(Debug, Clone, Copy)]
pub struct BilinearLayer<'a> {
    /// D.
    pub inputs: usize,
    /// d.
    pub hidden: usize,
    /// C.
    pub classes: usize,
    /// E `[d, D]`.
    pub embed: &'a [f32],
    /// W `[2d, d]`, the rows of L above those of R.
    pub gate: &'a [f32],
    /// b `[2d]`.
    pub bias: Option<&'a [f32]>,
    /// U `[C, d]`.
    pub unembed: &'a [f32],
    /// Whether h is added to the gate.
    pub residual: bool,
    /// Whether W and E are multiplied first; not if it is residual.
    pub weights_first: bool,
}

/// Buffers for batches of one layer.
#[derive(Debug, Default)]
pub struct BilinearStep {
    /// M `[2d, D]`, if the weights are multiplied first.
    product: Vec<f32>,
    product_gradient: Vec<f32>,
    buffers: Buffers,
    /// log softmax of the label of every row.
    likelihoods: Vec<f32>,
    gradients: Vec<Vec<f32>>,
}

impl BilinearStep {
    /// Computes the loss of a batch, which is returned, and its gradients, which [`BilinearStep::gradients`] returns.
    ///
    /// `fill` is called for consecutive rows of the batch and overwrites their inputs.
    ///
    /// # Panics
    /// Panics if the weights do not have the sizes of the layer, if a label is no class, or if there are no labels.
    pub fn batch(
        &mut self,
        layer: &BilinearLayer<'_>,
        labels: &[u16],
        mut fill: impl FnMut(Range<usize>, &mut [f32]),
    ) -> BatchLoss {
        let threads = rayon::current_num_threads();
        let count = labels.len();
        let part = part_length(count);
        let scale = (1.0 / count as f64) as f32;
        self.multiply_weights(layer, threads);
        let likelihoods = sized(&mut self.likelihoods, count);
        let mut sums = Sums::new(layer, &mut self.gradients, &mut self.product_gradient);
        let mut correct = 0;
        let sections = labels.chunks(part * threads);
        let sections = sections.zip(likelihoods.chunks_mut(part * threads));
        for (section, (labels, likelihoods)) in sections.enumerate() {
            let start = section * part * threads;
            let (inputs, mut values) = self.buffers.section(layer, labels.len());
            fill(start..start + labels.len(), inputs);
            let target = Target {
                labels,
                likelihoods,
                scale,
            };
            correct += values.compute(layer, &self.product, inputs, Some(target), threads);
            sums.add(layer, inputs, &values, part, section == 0, threads);
        }
        sums.finish(layer, threads);
        let sum: f32 = self.likelihoods[..count].iter().sum();
        BatchLoss {
            loss_nats: -(sum / count as f32),
            correct,
        }
    }

    /// The gradients of the last batch, in the order of the fields of [`BilinearLayer`]: of E, W, b if there is one, and U.
    pub fn gradients(&self) -> &[Vec<f32>] {
        &self.gradients
    }

    /// What computes logits without gradients.
    ///
    /// # Panics
    /// Panics if the weights do not have the sizes of the layer.
    pub fn evaluation<'a>(&'a mut self, layer: BilinearLayer<'a>) -> BilinearEvaluation<'a> {
        self.multiply_weights(&layer, rayon::current_num_threads());
        BilinearEvaluation { step: self, layer }
    }

    fn multiply_weights(&mut self, layer: &BilinearLayer<'_>, threads: usize) {
        if !layer.weights_first {
            return;
        }
        let outputs = 2 * layer.hidden;
        let product = sized(&mut self.product, outputs * layer.inputs);
        let product = matrix_mut(product, outputs);
        let (gate, embed) = (
            matrix(layer.gate, outputs),
            matrix(layer.embed, layer.hidden),
        );
        multiply_on(threads, product, Accum::Replace, gate, embed);
    }
}

/// A layer that is evaluated.
#[derive(Debug)]
pub struct BilinearEvaluation<'a> {
    step: &'a mut BilinearStep,
    layer: BilinearLayer<'a>,
}

impl BilinearEvaluation<'_> {
    /// The logits `[N, C]` of `inputs` `[N, D]`.
    pub fn logits(&mut self, inputs: &[f32]) -> Vec<f32> {
        let Self { step, layer } = self;
        let threads = rayon::current_num_threads();
        let mut logits = Vec::with_capacity(inputs.len() / layer.inputs * layer.classes);
        for inputs in inputs.chunks(DEPTH * threads * layer.inputs) {
            let rows = inputs.len() / layer.inputs;
            let (_, mut values) = step.buffers.section(layer, rows);
            values.compute(layer, &step.product, inputs, None, threads);
            logits.extend_from_slice(values.logits);
        }
        logits
    }
}
