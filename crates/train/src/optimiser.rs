//! Optimisers.

use crate::adam::{Adam, AdamConstants, Decay};
use crate::sgd::{Sgd, SgdConstants};

/// An optimiser with its constants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum OptimiserKind {
    Sgd(SgdConstants),
    /// With weight decay as a penalty.
    Adam(AdamConstants),
    /// With decoupled weight decay.
    AdamW(AdamConstants),
}

/// An optimiser with its state.
#[derive(Debug, Clone)]
pub enum Optimiser {
    Adam(Adam),
    Sgd(Sgd),
}

impl OptimiserKind {
    /// SGD with momentum alone.
    pub fn sgd(momentum: f64) -> Self {
        OptimiserKind::Sgd(SgdConstants::new(momentum))
    }

    /// AdamW with PyTorch's constants but for the weight decay.
    pub fn adamw(weight_decay: f64) -> Self {
        OptimiserKind::AdamW(AdamConstants::new(weight_decay))
    }

    /// A new optimiser for parameters of the given lengths.
    pub fn start(self, lengths: impl Iterator<Item = usize>) -> Optimiser {
        let adam =
            |constants, decay, lengths| Optimiser::Adam(Adam::new(constants, decay, lengths));
        match self {
            OptimiserKind::Adam(constants) => adam(constants, Decay::Penalty, lengths),
            OptimiserKind::AdamW(constants) => adam(constants, Decay::Decoupled, lengths),
            OptimiserKind::Sgd(constants) => Optimiser::Sgd(Sgd::new(constants, lengths)),
        }
    }
}

impl Optimiser {
    /// Updates all parameters, which come in the order of the lengths given to [`OptimiserKind::start`].
    pub fn step<'a>(
        &mut self,
        learning_rate: f64,
        parameters: impl Iterator<Item = &'a mut Vec<f32>>,
        gradients: &[Vec<f32>],
    ) {
        match self {
            Optimiser::Adam(optimiser) => optimiser.step(learning_rate, parameters, gradients),
            Optimiser::Sgd(optimiser) => optimiser.step(learning_rate, parameters, gradients),
        }
    }
}
