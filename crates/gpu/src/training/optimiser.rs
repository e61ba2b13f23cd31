//! Weights on the card, and the steps of an optimiser.

use crate::module::Argument::Whole;
use crate::module::at;
use crate::training::Kernels;
use crate::{Buffer, Card, GpuError, Kernel, Stream};

/// An optimiser with its constants, as the stage `train` rounds them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Optimiser {
    /// A step needs 1 - lr wd, lr / (1 - b1^t) and 1 / sqrt(1 - b2^t); the first is 1 with a penalty.
    Adam {
        /// 1 - b1, b2, 1 - b2 and epsilon.
        constants: [f32; 4],
        /// Weight decay that is added to the gradient.
        penalty: f32,
    },
    /// A step needs the rate.
    Sgd {
        momentum: f32,
        /// Added to the gradient.
        weight_decay: f32,
        /// Whether the step looks ahead along the velocity.
        nesterov: bool,
    },
}

/// Weights with their gradients and what the optimiser keeps.
#[derive(Debug)]
pub(crate) struct Weights {
    pub(crate) values: Buffer<f32>,
    pub(crate) gradients: Buffer<f32>,
    constants: Buffer<f32>,
    /// Moments or velocities.
    states: Vec<Buffer<f32>>,
    kernel: Kernel,
}

/// Buffers of so many values that weights take, all kinds together.
pub(crate) const WEIGHT_BUFFERS: usize = 4;

impl Weights {
    pub(super) fn new(
        card: &Card,
        kernels: &Kernels,
        values: &[f32],
        optimiser: Optimiser,
    ) -> Result<Self, GpuError> {
        let zeros = || card.zeros::<f32>(values.len());
        let (kernel, constants, states) = match optimiser {
            Optimiser::Adam {
                constants: [a, b, c, d],
                penalty,
            } => (
                &kernels.adam,
                vec![a, b, c, d, penalty],
                vec![zeros()?, zeros()?],
            ),
            Optimiser::Sgd {
                momentum,
                weight_decay,
                nesterov,
            } => (
                &kernels.sgd,
                vec![momentum, weight_decay, f32::from(u8::from(nesterov))],
                vec![zeros()?],
            ),
        };
        Ok(Self {
            values: card.copy_of(values)?,
            gradients: zeros()?,
            constants: card.copy_of(&constants)?,
            states,
            kernel: kernel.clone(),
        })
    }

    /// Puts a step into the queue. Its numbers are three from `step.1` on.
    ///
    /// # Safety
    /// Weights and schedule must exist until it has been done, and the schedule must be so long.
    pub(super) unsafe fn enqueue_step(
        &self,
        stream: &Stream,
        step: (&Buffer<f32>, usize),
    ) -> Result<(), GpuError> {
        let mut arguments = vec![at(&self.values, 0), at(&self.gradients, 0)];
        arguments.extend(self.states.iter().map(|state| at(state, 0)));
        arguments.extend([
            at(&self.constants, 0),
            at(step.0, step.1),
            Whole(self.values.len() as u32),
        ]);
        // SAFETY: the kernels have these arguments, each with as many states as `new` makes for it; all buffers but the constants have
        // one length; the caller keeps them.
        unsafe { self.kernel.launch(stream, self.values.len(), &arguments) }
    }
}
