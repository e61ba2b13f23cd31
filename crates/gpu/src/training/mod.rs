//! What trainings on a card share: images, what an epoch draws, optimisers, sums of losses.

mod draws;
mod jumps;
mod kernels;
mod optimiser;
mod split;

pub(crate) use draws::{Draws, EpochShape};
pub use jumps::GENERATORS;
pub(crate) use kernels::{Kernels, SOURCE};
pub use optimiser::Optimiser;
pub(crate) use optimiser::{WEIGHT_BUFFERS, Weights};
pub(crate) use split::Split;

/// Memory that the driver and the libraries take besides buffers: a guess.
pub(crate) const OVERHEAD_MIB: u64 = 600;

/// The largest number that kernels count to.
pub(crate) const COUNTED: usize = 1 << 31;

/// Images of one split: their classes, and their inputs piece by piece, `[any number, D]`.
pub struct Images<'a> {
    pub labels: &'a [u16],
    pub inputs: &'a mut dyn Iterator<Item = Vec<f32>>,
}

/// The states of the generators of random numbers, `[4, 16]` words.
pub type States = [u32; 4 * GENERATORS];

/// What an epoch draws and how far it goes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct EpochPlan {
    /// Images in the order of the epoch.
    pub order: Vec<u32>,
    /// Of every step what the optimiser needs, see [`Optimiser`].
    pub schedule: Vec<[f32; 3]>,
    /// The states of the generators of noise before every step; empty without noise.
    pub noise: Vec<States>,
    /// The states of the generators of dropout before every step; empty without dropout.
    pub dropout: Vec<States>,
}

/// How an epoch went.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EpochResult {
    /// Mean over the steps of the mean loss of their images, before each step, in nats.
    pub train_loss: f64,
    /// Training images classified correctly before their step.
    pub train_correct: f64,
    /// How the test images do after the epoch.
    pub test: Evaluation,
}

/// How the images of a split do.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evaluation {
    /// Mean loss in nats.
    pub loss: f64,
    /// Images classified correctly.
    pub correct: f64,
}
