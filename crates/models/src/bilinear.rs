//! The bilinear layer: logits = U ((L E x + b_l) * (R E x + b_r)).
//!
//! Shapes: E `[d, D]`; W `[2d, d]`, the rows of L above the rows of R; bias `[2d]`, b_l before b_r;
//! U `[C, d]`. With D inputs, d hidden units and C classes.

use crate::architecture::Architecture;
use crate::error::{Incompatible, ModelError};
use crate::layer::{Layer, Step};
use crate::model::StoredModel;

/// The layers of a model that is one bilinear layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BilinearLayers<'a> {
    /// E.
    pub embed: &'a Layer,
    /// W, and b if it has a bias.
    pub gate: &'a Layer,
    /// U.
    pub unembed: &'a Layer,
}

impl BilinearLayers<'_> {
    /// d.
    pub fn hidden(&self) -> usize {
        self.embed.outputs
    }
}

impl Architecture {
    /// The layers of a model whose steps are those of one bilinear layer. `operation` is what messages say needs one.
    ///
    /// # Errors
    /// Returns [`Incompatible::Operation`] if the steps are others.
    pub fn bilinear(&self, operation: &'static str) -> Result<BilinearLayers<'_>, ModelError> {
        match self.steps() {
            [
                Step::Map(embed),
                Step::Map(gate),
                Step::Gate,
                Step::Map(unembed),
            ] if [embed, gate, unembed]
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
                })
            }
            _ => Err(Incompatible::Operation {
                operation,
                network: self.network.name().to_owned(),
            }
            .into()),
        }
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
        })
    }
}
