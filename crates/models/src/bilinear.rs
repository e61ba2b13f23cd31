//! The bilinear layer: logits = U ((L E x + b_l) * (R E x + b_r)), or U (h + (L h + b_l) * (R h + b_r)) with h = E x, if it is
//! residual.
//!
//! Shapes: E `[d, D]`; W `[2d, d]`, the rows of L above the rows of R; bias `[2d]`, b_l before b_r;
//! U `[C, d]`. With D inputs, d hidden units and C classes.

use eigenscope_kernels::BilinearLayer;

use crate::architecture::Architecture;
use crate::error::{Incompatible, ModelError};
use crate::layer::Layer;
use crate::linear::Chain;
use crate::step::Step;
use crate::stored_model::StoredModel;

/// The layers of a model that is one bilinear layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BilinearLayers<'a> {
    /// E.
    pub embed: &'a Layer,
    /// W, and b if it has a bias.
    pub gate: &'a Layer,
    /// U.
    pub unembed: &'a Layer,
    /// Whether what the bilinear layer reads is added to what it makes.
    pub residual: bool,
}

impl BilinearLayers<'_> {
    /// d.
    pub fn hidden(&self) -> usize {
        self.embed.outputs
    }
}

impl Architecture {
    /// The layers of a model whose steps are those of one bilinear layer, residual or not. `operation` is what messages say needs one.
    ///
    /// # Errors
    /// Returns [`Incompatible::Blocks`] if there are several, and [`Incompatible::Operation`] if the steps are others.
    pub fn bilinear(&self, operation: &'static str) -> Result<BilinearLayers<'_>, ModelError> {
        let layers = match self.steps() {
            [
                Step::Map(embed),
                Step::Map(gate),
                Step::Gate,
                Step::Map(unembed),
            ] => Some((embed, gate, unembed, false)),
            [
                Step::Map(embed),
                Step::Fork,
                Step::Map(gate),
                Step::Gate,
                Step::Add,
                Step::Map(unembed),
            ] => Some((embed, gate, unembed, true)),
            _ => None,
        };
        match layers {
            Some((embed, gate, unembed, residual))
                if [embed, gate, unembed]
                    .iter()
                    .all(|layer| layer.window.is_none())
                    && gate.outputs == embed.outputs.saturating_mul(2)
                    && !embed.bias
                    && !unembed.bias =>
            {
                Ok(BilinearLayers {
                    embed,
                    gate,
                    unembed,
                    residual,
                })
            }
            _ => {
                let network = self.network.name().to_owned();
                let gates = self.steps().iter().filter(|step| **step == Step::Gate);
                Err(match gates.count() {
                    blocks @ 2.. => Incompatible::Blocks {
                        operation,
                        network,
                        blocks,
                    },
                    _ => Incompatible::Operation { operation, network },
                }
                .into())
            }
        }
    }
}

impl StoredModel {
    /// The weights as the kernels read them, if the steps are those of one bilinear layer. The order of multiplication is the cheaper
    /// one for `rows` rows, with the gradients of the weights or without.
    pub fn bilinear_layer(&self, rows: usize, gradients: bool) -> Option<BilinearLayer<'_>> {
        let layers = self.architecture.bilinear("").ok()?;
        let (inputs, hidden) = (layers.embed.inputs(), layers.hidden());
        let chain = Chain {
            rows,
            inputs,
            between: hidden,
            outputs: layers.gate.outputs,
        };
        let weights = |name: &str| Some(self.tensor(name).ok()?.data.as_slice());
        let bias = layers.gate.bias.then(|| weights(&layers.gate.bias_name()));
        Some(BilinearLayer {
            inputs,
            hidden,
            classes: layers.unembed.outputs,
            embed: weights(&layers.embed.weight())?,
            gate: weights(&layers.gate.weight())?,
            bias: match bias {
                Some(bias) => Some(bias?),
                None => None,
            },
            unembed: weights(&layers.unembed.weight())?,
            residual: layers.residual,
            weights_first: !layers.residual && chain.weights_first(gradients),
        })
    }
}

/// The weights as plain numbers, for analyses that work on them directly. Row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct BilinearWeights {
    /// D.
    pub inputs: usize,
    /// d.
    pub hidden: usize,
    /// C.
    pub classes: usize,
    /// E `[d, D]`.
    pub embed: Vec<f32>,
    /// L `[d, d]`.
    pub left: Vec<f32>,
    /// R `[d, d]`.
    pub right: Vec<f32>,
    /// b_l and b_r, `[d]` each.
    pub bias: Option<(Vec<f32>, Vec<f32>)>,
    /// U `[C, d]`.
    pub unembed: Vec<f32>,
    /// Whether E x is added to what the bilinear layer makes, so that the logits have the linear part U E x, too.
    pub residual: bool,
}

impl BilinearWeights {
    /// Splits the tensors of a bilinear model. `operation` is what messages say needs one.
    ///
    /// # Errors
    /// Returns [`Incompatible::Operation`] if the steps are those of another model.
    pub fn new(model: &StoredModel, operation: &'static str) -> Result<Self, ModelError> {
        let architecture = &model.architecture;
        let layers = architecture.bilinear(operation)?;
        let take = |name: &str| Ok::<_, ModelError>(model.tensor(name)?.data.clone());
        let halves = |mut left: Vec<f32>| {
            let right = left.split_off(left.len() / 2);
            (left, right)
        };
        let (left, right) = halves(take(&layers.gate.weight())?);
        let bias = layers.gate.bias.then(|| take(&layers.gate.bias_name()));
        Ok(Self {
            inputs: architecture.input.len(),
            hidden: layers.hidden(),
            classes: architecture.classes.len(),
            embed: take(&layers.embed.weight())?,
            left,
            right,
            bias: bias.transpose()?.map(halves),
            unembed: take(&layers.unembed.weight())?,
            residual: layers.residual,
        })
    }
}
