//! Gradients of the weights, summed over the sections of a batch.

use faer::{Accum, MatRef};

use super::BilinearLayer;
use super::products::{matrix, matrix_mut, multiply_on};
use super::section::{Section, sized};

/// Gradients that are being summed.
pub(super) struct Sums<'a> {
    embed: &'a mut Vec<f32>,
    gate: &'a mut Vec<f32>,
    bias: Option<&'a mut Vec<f32>>,
    unembed: &'a mut Vec<f32>,
    /// Of M, if the weights are multiplied first.
    product: &'a mut [f32],
}

impl<'a> Sums<'a> {
    /// Sums in `gradients`, of E, W, b if there is one, and U, and in `product`. Their values do not matter.
    pub(super) fn new(
        layer: &BilinearLayer<'_>,
        gradients: &'a mut Vec<Vec<f32>>,
        product: &'a mut Vec<f32>,
    ) -> Self {
        let weights = [
            Some(layer.embed),
            Some(layer.gate),
            layer.bias,
            Some(layer.unembed),
        ];
        let lengths = weights.into_iter().flatten().map(<[f32]>::len);
        gradients.resize_with(lengths.clone().count(), Vec::new);
        for (gradient, length) in gradients.iter_mut().zip(lengths) {
            gradient.resize(length, 0.0);
        }
        let product_length = if layer.weights_first {
            2 * layer.hidden * layer.inputs
        } else {
            0
        };
        let product = sized(product, product_length);
        match gradients.as_mut_slice() {
            [embed, gate, unembed] => Self {
                embed,
                gate,
                bias: None,
                unembed,
                product,
            },
            [embed, gate, bias, unembed] => Self {
                embed,
                gate,
                bias: Some(bias),
                unembed,
                product,
            },
            _ => unreachable!("three or four weights"),
        }
    }

    /// Adds those of a section, whose sums are taken over parts of `part` rows; `first` begins anew.
    pub(super) fn add(
        &mut self,
        layer: &BilinearLayer<'_>,
        inputs: &[f32],
        section: &Section<'_>,
        part: usize,
        first: bool,
        threads: usize,
    ) {
        let rows = inputs.len() / layer.inputs;
        let inputs = matrix(inputs, rows);
        let halves = matrix(section.halves, rows);
        let add = |sum: &mut [f32], gradient: MatRef<'_, f32>, read: MatRef<'_, f32>| {
            for start in (0..rows).step_by(part) {
                let length = part.min(rows - start);
                let accum = match first && start == 0 {
                    true => Accum::Replace,
                    false => Accum::Add,
                };
                let gradient = gradient.subrows(start, length).transpose();
                let sum = matrix_mut(sum, gradient.nrows());
                multiply_on(threads, sum, accum, gradient, read.subrows(start, length));
            }
        };
        add(
            self.unembed,
            matrix(section.logits, rows),
            matrix(section.gated, rows),
        );
        if layer.weights_first {
            add(self.product, halves, inputs);
        } else {
            add(self.gate, halves, matrix(section.embedded, rows));
            add(self.embed, matrix(section.embedded_gradient, rows), inputs);
        }
        if let Some(bias) = &mut self.bias {
            if first {
                bias.fill(0.0);
            }
            for row in section.halves.chunks_exact(bias.len()) {
                for (sum, value) in bias.iter_mut().zip(row) {
                    *sum += value;
                }
            }
        }
    }

    /// Ends the sums: dW = dM E' and dE = W' dM.
    pub(super) fn finish(self, layer: &BilinearLayer<'_>, threads: usize) {
        if !layer.weights_first {
            return;
        }
        let (outputs, hidden) = (2 * layer.hidden, layer.hidden);
        let product = matrix(self.product, outputs);
        let embed = matrix(layer.embed, hidden).transpose();
        let gate = matrix(layer.gate, outputs).transpose();
        let replace = Accum::Replace;
        multiply_on(
            threads,
            matrix_mut(self.gate, outputs),
            replace,
            product,
            embed,
        );
        multiply_on(
            threads,
            matrix_mut(self.embed, hidden),
            replace,
            gate,
            product,
        );
    }
}
