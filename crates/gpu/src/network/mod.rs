//! Training of a network on a card: any operations of [`Network`], with the same arithmetic as the stage `train` but for the order in
//! which products are summed.
//!
//! Values lie as `[features, images]`. So a linear map is one product with its weight as it is stored, a convolution one product with
//! windows that are gathered piece by piece, a channel is contiguous, and neighbouring threads read neighbouring images. Nothing is added
//! in an order that depends on which thread comes first.

mod backward;
mod forward;
mod functions;
mod kernels;
mod maps;
mod memory;
mod norms;
mod structure;
mod values;

use self::kernels::Kernels;
use self::memory::Memory;
use self::structure::Tensor;
pub use self::structure::{Function, Image, Map, Network, Normalisation, Pool, Taken, Value};
use self::values::Values;
use crate::training::{
    COUNTED, DataSets, Epochs, GENERATORS, Needs, OVERHEAD_MIB, Order, Settings, Split, Steps,
    WEIGHT_BUFFERS,
};
use crate::{Buffer, Card, GpuError};

/// Images that are evaluated at a time, at least.
const EVALUATED: usize = 64;

/// A network in training on a card.
#[derive(Debug)]
pub struct Training {
    // Dropped first: it waits for the card, which works with the rest.
    epochs: Epochs,
    network: Network,
    memory: Memory,
    kernels: Kernels,
    averages: Buffer<f32>,
    values: Values,
}

/// Images that one pass has room for.
fn capacity(batch: usize, tested: usize) -> usize {
    batch.max(EVALUATED.min(tested))
}

/// Memory that a training needs, in MiB; `stored` are the bytes of an image.
pub fn memory_mib(
    network: &Network,
    stored: usize,
    batch: usize,
    train_images: usize,
    test_images: usize,
) -> u64 {
    let memory = Memory::new(network);
    let values = values::bytes(network, &memory, capacity(batch, test_images));
    let weights = 4 * WEIGHT_BUFFERS * network.weights;
    let bytes = (train_images + test_images) * stored + weights + values;
    OVERHEAD_MIB + ((bytes as u64) >> 20)
}

impl Training {
    /// Brings weights and images onto the card and compiles the kernels. `tensors` are those of the network, in the order in which its
    /// operations were added.
    ///
    /// # Errors
    /// Returns an error if the card has no room, a library fails, or sizes do not fit together.
    pub fn new(
        card: &Card,
        network: Network,
        settings: Settings,
        tensors: &[&[f32]],
        sets: DataSets<'_>,
    ) -> Result<Self, GpuError> {
        settings.check(&sets)?;
        network.expect(Value(0), sets.preparation.width())?;
        let (images, tested) = (sets.train.labels.len(), sets.test.labels.len());
        let rows = settings.rows();
        let capacity = capacity(rows, tested);
        countable(&network, capacity)?;
        let stored = sets.preparation.stored();
        let needed = memory_mib(&network, stored, rows, images, tested);
        card.require_mib(needed + settings.handed_over_mib(sets.preparation.width()))?;
        let memory = Memory::new(&network);
        let [weights, averages] = pack(&network, tensors)?;
        let (kernels, module) = Kernels::compile(card, sets.preparation)?;
        let needs = Needs {
            order: Order::Features,
            classes: network.features.last().copied().unwrap_or(0),
            masked: network.masks().map(|values| mask_words(values, rows)).sum(),
            capacity,
            weights: &weights,
        };
        Ok(Self {
            epochs: Epochs::new(card, &module, &settings, sets, needs)?,
            kernels,
            averages: card.copy_of(&averages)?,
            values: Values::new(card, &network, &memory, capacity)?,
            network,
            memory,
        })
    }

    /// The tensors as they are now, in the order of [`Training::new`].
    ///
    /// # Errors
    /// Returns an error if the card failed.
    pub fn tensors(&self) -> Result<Vec<Vec<f32>>, GpuError> {
        let (weights, averages) = (self.epochs.weights.values.read()?, self.averages.read()?);
        let tensors = self.network.tensors.iter();
        let tensors = tensors.map(|tensor| {
            tensor.of(match tensor.is_trained {
                true => &weights,
                false => &averages,
            })
        });
        Ok(tensors.collect())
    }

    /// The gradients of the last step, in the order of the tensors; empty for averages.
    ///
    /// # Errors
    /// Returns an error if the card failed.
    pub fn gradients(&self) -> Result<Vec<Vec<f32>>, GpuError> {
        let gradients = self.epochs.weights.gradients.read()?;
        let tensors = self.network.tensors.iter();
        let gradients = tensors.map(|tensor| match tensor.is_trained {
            true => tensor.of(&gradients),
            false => Vec::new(),
        });
        Ok(gradients.collect())
    }
}

impl Steps for Training {
    fn epochs(&self) -> &Epochs {
        &self.epochs
    }

    fn epochs_mut(&mut self) -> &mut Epochs {
        &mut self.epochs
    }

    fn inputs(&self) -> &Buffer<f32> {
        self.value(0)
    }

    fn enqueue_gradients(&self, step: usize) -> Result<(), GpuError> {
        let images = self.epochs.shape().rows(step);
        self.enqueue_forward(images, true)?;
        self.enqueue_loss(forward::Labels::Drawn { step }, images)?;
        self.enqueue_backward(images)
    }

    fn enqueue_losses(&self, split: &Split, start: usize, images: usize) -> Result<(), GpuError> {
        self.enqueue_forward(images, false)?;
        self.enqueue_loss(forward::Labels::Of { split, start }, images)
    }

    fn operations(&self) -> usize {
        let images = self.epochs.shape().batch;
        let of_node = |node: &structure::Node| match node.operation {
            // Three products, windows twice, their gradient, the bias and its gradient.
            structure::Operation::Map { map, .. } => {
                maps::pieces(&map, images).count() * (3 * map.groups + 3) + 3
            }
            structure::Operation::Normalise { .. } => 8,
            _ => 2,
        };
        // Inputs, words, losses and the step of the optimiser.
        let others = self.memory.backward.len() + 4;
        self.network.nodes.iter().map(of_node).sum::<usize>() + others
    }
}

/// Random words of a mask of so many values for each of `images`, filled up to whole words of all generators.
fn mask_words(values: usize, images: usize) -> usize {
    (values * images).next_multiple_of(GENERATORS)
}

/// Refuses what kernels cannot count in 32 bits.
fn countable(network: &Network, images: usize) -> Result<(), GpuError> {
    let nodes = network.nodes.iter().map(|node| match node.operation {
        structure::Operation::Map { map, .. } => map.window_values(),
        _ => 0,
    });
    let features = network.features.iter().copied().chain(nodes).max();
    let most = features.unwrap_or(0).saturating_mul(images);
    if most.max(network.weights) > COUNTED {
        return Err(GpuError::Shape(format!(
            "values or weights of a network for {images} images are more than a kernel can count"
        )));
    }
    Ok(())
}

/// Weights and averages as their buffers have them.
fn pack(network: &Network, tensors: &[&[f32]]) -> Result<[Vec<f32>; 2], GpuError> {
    let lengths: Vec<usize> = tensors.iter().map(|tensor| tensor.len()).collect();
    let expected: Vec<usize> = network.tensors.iter().map(|tensor| tensor.length).collect();
    if lengths != expected {
        return Err(GpuError::Shape(format!(
            "tensors of {lengths:?} values, expected {expected:?}"
        )));
    }
    let (mut weights, mut averages) = (vec![0.0; network.weights], vec![0.0; network.averages]);
    for (tensor, values) in network.tensors.iter().zip(tensors) {
        let buffer = match tensor.is_trained {
            true => &mut weights,
            false => &mut averages,
        };
        buffer[tensor.offset..][..tensor.length].copy_from_slice(values);
    }
    Ok([weights, averages])
}

impl Tensor {
    fn of(&self, buffer: &[f32]) -> Vec<f32> {
        buffer[self.offset..][..self.length].to_vec()
    }
}
