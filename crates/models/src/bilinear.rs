//! The bilinear layer: logits = U ((L E x + b_l) * (R E x + b_r)).
//!
//! Shapes: E `[d, D]`; W `[2d, d]`, the rows of L above the rows of R; bias `[2d]`, b_l before b_r;
//! U `[C, d]`. With D inputs, d hidden units and C classes.

use eigenscope_artifact::NamedTensor;

use crate::architecture::{Architecture, Network};
use crate::error::ModelError;
use crate::networks;

/// Names of the tensors.
pub mod names {
    /// E.
    pub const EMBED: &str = "embed.weight";
    /// W.
    pub const GATE: &str = "gate.weight";
    /// b_l and b_r.
    pub const GATE_BIAS: &str = "gate.bias";
    /// U.
    pub const UNEMBED: &str = "unembed.weight";
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
    /// Splits the checked tensors of a bilinear model.
    ///
    /// # Errors
    /// The architecture is another one, also one that only says it is bilinear; or a tensor is missing.
    pub fn new(architecture: &Architecture, tensors: &[NamedTensor]) -> Result<Self, ModelError> {
        let Network::Bilinear { hidden, bias } = architecture.network else {
            return Err(ModelError::WrongNetwork {
                operation: "an interaction matrix",
                expected: "bilinear",
                found: architecture.network.name(),
            });
        };
        let classes = architecture.classes.clone();
        if *architecture != networks::bilinear(architecture.input, classes, hidden, bias)? {
            return Err(ModelError::OtherSteps {
                network: architecture.network.name(),
            });
        }
        let take = |name: &str| {
            tensors
                .iter()
                .find(|tensor| tensor.name == name)
                .map(|tensor| tensor.data.clone())
                .ok_or_else(|| ModelError::Missing {
                    name: name.to_owned(),
                })
        };
        let mut left = take(names::GATE)?;
        let right = left.split_off(left.len() / 2);
        let bias = if bias {
            let mut left = take(names::GATE_BIAS)?;
            let right = left.split_off(left.len() / 2);
            Some((left, right))
        } else {
            None
        };
        Ok(Self {
            inputs: architecture.input.len(),
            hidden,
            classes: architecture.classes.len(),
            embed: take(names::EMBED)?,
            left,
            right,
            bias,
            unembed: take(names::UNEMBED)?,
        })
    }
}
