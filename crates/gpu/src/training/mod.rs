//! What trainings on a card share: images, what an epoch draws, optimisers, sums of losses.

mod draws;
mod epochs;
mod inputs;
mod jumps;
mod kernels;
mod optimiser;
mod split;

pub(crate) use draws::{Draws, EpochShape};
pub use epochs::EpochTraining;
pub(crate) use epochs::{Epochs, Needs, Steps};
pub(crate) use inputs::Order;
pub use inputs::{Preparation, RESIZES, Transform};
pub use jumps::GENERATORS;
pub(crate) use kernels::Kernels;
pub use optimiser::Optimiser;
pub(crate) use optimiser::{WEIGHT_BUFFERS, Weights};
pub(crate) use split::Split;

use crate::{Card, GpuError, Math, Module};

/// Memory that the driver and the libraries take besides buffers: a guess.
pub(crate) const OVERHEAD_MIB: u64 = 600;

/// The largest number that kernels count to.
pub(crate) const COUNTED: usize = 1 << 31;

/// Compiles the kernels of `own` with those that all trainings share, for images with this preparation.
pub(crate) fn compile(
    card: &Card,
    preparation: &Preparation,
    own: &[&str],
    macros: &[(&str, String)],
) -> Result<Module, GpuError> {
    let shared = [kernels::SOURCE, inputs::SOURCE].concat();
    let source = [preparation.definition(), shared, own.concat()].concat();
    let warp = [("WARP", card.warp().to_string())];
    card.compile(&source, &[&warp[..], macros].concat())
}

/// Values of inputs that are handed over at a time, if a step has fewer.
const HANDED_OVER: usize = 1 << 24;

/// The settings of a training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Images a step; the last one of an epoch may have fewer.
    pub batch: usize,
    /// Images an epoch.
    pub epoch_images: usize,
    /// Arithmetic of matrix products.
    pub math: Math,
    pub inputs: StepInputs,
    pub optimiser: Optimiser,
}

/// Where the inputs of the steps come from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum StepInputs {
    /// The card makes them of stored images and adds noise of this standard deviation; none for 0.
    Stored { noise_std: f32 },
    /// They are handed over, some steps at a time.
    HandedOver,
}

impl Settings {
    /// Images of a step.
    pub(crate) fn rows(&self) -> usize {
        self.batch.min(self.epoch_images)
    }

    /// Values of the inputs that are handed over at a time: of as many whole steps as fit into 64 MiB, but at least one.
    pub(crate) fn handed_over(&self, width: usize) -> usize {
        let step = self.rows() * width;
        match self.inputs {
            StepInputs::Stored { .. } => 0,
            StepInputs::HandedOver => {
                let steps = self.epoch_images.div_ceil(self.rows());
                step * (HANDED_OVER / step.max(1)).clamp(1, steps)
            }
        }
    }

    /// Memory that those take, in MiB.
    pub(crate) fn handed_over_mib(&self, width: usize) -> u64 {
        ((size_of::<f32>() * self.handed_over(width)) as u64) >> 20
    }

    /// Refuses numbers of images that do not fit together.
    pub(crate) fn check(&self, sets: &DataSets<'_>) -> Result<(), GpuError> {
        let (images, tested) = (sets.train.labels.len(), sets.test.labels.len());
        let Self {
            batch,
            epoch_images,
            ..
        } = *self;
        if batch == 0 || epoch_images == 0 || epoch_images > images || tested == 0 {
            return Err(GpuError::Shape(format!(
                "{epoch_images} of {images} training images in batches of {batch}, {tested} test images"
            )));
        }
        Ok(())
    }
}

/// Images to train and test on.
#[derive(Debug, Clone, Copy)]
pub struct DataSets<'a> {
    /// What makes inputs of the images.
    pub preparation: &'a Preparation,
    pub train: Images<'a>,
    pub test: Images<'a>,
}

/// Images of one split, as they are stored, one after another, with their classes.
#[derive(Debug, Clone, Copy)]
pub struct Images<'a> {
    pub labels: &'a [u16],
    pub pixels: &'a [u8],
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
