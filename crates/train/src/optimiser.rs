//! Optimisers and schedules of the learning rate.

use serde::{Deserialize, Serialize};

use crate::adamw::AdamW;
use crate::schedule::cosine;
use crate::sgd::Sgd;

/// An optimiser with its constants.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum OptimiserKind {
    AdamW { weight_decay: f64 },
    Sgd { momentum: f64 },
}

/// Change of the learning rate from epoch to epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schedule {
    /// Annealed to zero by [`cosine`].
    Cosine,
    /// The same in every epoch.
    Constant,
}

impl Schedule {
    /// The learning rate of `epoch`, counted from 0, of `epochs`.
    pub fn rate(self, start: f64, epoch: u32, epochs: u32) -> f64 {
        match self {
            Schedule::Cosine => cosine(start, epoch, epochs),
            Schedule::Constant => start,
        }
    }
}

/// An optimiser with its state.
#[derive(Debug, Clone)]
pub enum Optimiser {
    AdamW(AdamW),
    Sgd(Sgd),
}

impl OptimiserKind {
    /// A new optimiser for parameters of the given lengths.
    pub fn start(self, lengths: impl Iterator<Item = usize>) -> Optimiser {
        match self {
            OptimiserKind::AdamW { weight_decay } => {
                Optimiser::AdamW(AdamW::new(weight_decay, lengths))
            }
            OptimiserKind::Sgd { momentum } => Optimiser::Sgd(Sgd::new(momentum, lengths)),
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
            Optimiser::AdamW(optimiser) => optimiser.step(learning_rate, parameters, gradients),
            Optimiser::Sgd(optimiser) => optimiser.step(learning_rate, parameters, gradients),
        }
    }
}
