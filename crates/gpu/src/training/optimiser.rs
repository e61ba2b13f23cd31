//! Weights on the card, and the steps of an optimiser.

use crate::training::Kernels;
use crate::{Buffer, Card, GpuError, Stream};

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
    state: State,
}

#[derive(Debug)]
enum State {
    Moments([Buffer<f32>; 2]),
    Velocities(Buffer<f32>),
}

/// Buffers of so many values that weights take, all kinds together.
pub(crate) const WEIGHT_BUFFERS: usize = 4;

impl Weights {
    pub(crate) fn new(card: &Card, values: &[f32], optimiser: Optimiser) -> Result<Self, GpuError> {
        let zeros = || card.zeros::<f32>(values.len());
        let (constants, state) = match optimiser {
            Optimiser::Adam {
                constants: [a, b, c, d],
                penalty,
            } => (
                vec![a, b, c, d, penalty],
                State::Moments([zeros()?, zeros()?]),
            ),
            Optimiser::Sgd {
                momentum,
                weight_decay,
                nesterov,
            } => (
                vec![momentum, weight_decay, f32::from(u8::from(nesterov))],
                State::Velocities(zeros()?),
            ),
        };
        Ok(Self {
            values: card.copy_of(values)?,
            gradients: zeros()?,
            constants: card.copy_of(&constants)?,
            state,
        })
    }

    /// Puts a step into the queue. Its numbers are three from `step.1` on.
    ///
    /// # Safety
    /// Weights and schedule must exist until it has been done, and the schedule must be so long.
    pub(crate) unsafe fn enqueue_step(
        &self,
        kernels: &Kernels,
        stream: &Stream,
        step: (&Buffer<f32>, usize),
    ) -> Result<(), GpuError> {
        let Self {
            values,
            gradients,
            constants,
            state,
        } = self;
        // SAFETY: all buffers of `new` have one length; the caller keeps them.
        unsafe {
            match state {
                State::Moments([first, second]) => {
                    kernels.adam(stream, values, gradients, [first, second], constants, step)
                }
                State::Velocities(velocities) => {
                    kernels.sgd(stream, values, gradients, velocities, constants, step)
                }
            }
        }
    }
}
