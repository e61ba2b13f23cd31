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
    COUNTED, Draws, EpochPlan, EpochResult, EpochShape, Evaluation, GENERATORS, Images,
    OVERHEAD_MIB, Optimiser, Split, WEIGHT_BUFFERS, Weights,
};
use crate::{Buffer, Card, GpuError, Graph, Math, Products, Stream};

/// Images that are evaluated at a time, at least.
const EVALUATED: usize = 64;

/// Operations of an epoch that are recorded as one graph, at most. Beyond that a graph takes more memory and time than it saves.
const RECORDED: usize = 1 << 16;

/// The settings of a training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Images a step; the last one of an epoch may have fewer.
    pub batch: usize,
    /// Images an epoch.
    pub epoch_images: usize,
    /// Arithmetic of matrix products.
    pub math: Math,
    /// Standard deviation of the noise on training inputs; none for 0.
    pub noise_std: f32,
    pub optimiser: Optimiser,
}

/// A network in training on a card.
#[derive(Debug)]
pub struct Training {
    network: Network,
    memory: Memory,
    // Fields are dropped in this order: recorded work goes before the kernels that it consists of, and these before the memory.
    /// An epoch; `None` before the first one, in which cuBLAS loads its kernels, and for long epochs.
    graph: Option<Graph>,
    kernels: Kernels,
    products: Products,
    train: Split,
    test: Split,
    draws: Draws,
    weights: Weights,
    averages: Buffer<f32>,
    values: Values,
    stream: Stream,
}

/// Images that one pass has room for.
fn capacity(batch: usize, tested: usize) -> usize {
    batch.max(EVALUATED.min(tested))
}

/// Memory that a training needs, in MiB.
pub fn memory_mib(network: &Network, batch: usize, train_images: usize, test_images: usize) -> u64 {
    let memory = Memory::new(network);
    let images = (train_images + test_images) * network.features[0];
    let values = values::bytes(network, &memory, capacity(batch, test_images));
    let bytes = 4 * (images + WEIGHT_BUFFERS * network.weights) + values;
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
        train: Images<'_>,
        test: Images<'_>,
    ) -> Result<Self, GpuError> {
        let (images, tested) = (train.labels.len(), test.labels.len());
        let Settings {
            batch,
            epoch_images,
            ..
        } = settings;
        if batch == 0 || epoch_images == 0 || epoch_images > images || tested == 0 {
            return Err(GpuError::Shape(format!(
                "{epoch_images} of {images} training images in batches of {batch}, {tested} test images"
            )));
        }
        let capacity = capacity(batch.min(epoch_images), tested);
        countable(&network, capacity)?;
        card.require_mib(memory_mib(
            &network,
            batch.min(epoch_images),
            images,
            tested,
        ))?;
        let memory = Memory::new(&network);
        let [weights, averages] = pack(&network, tensors)?;
        let stream = card.stream()?;
        let width = network.features[0];
        let classes = network.features.last().copied().unwrap_or(0);
        let rows = batch.min(epoch_images);
        let epoch = EpochShape {
            images: epoch_images,
            batch: rows,
            width,
            noise_std: settings.noise_std,
            masked: network.masks().map(|values| mask_words(values, rows)).sum(),
        };
        Ok(Self {
            kernels: Kernels::compile(card)?,
            graph: None,
            products: card.products(&stream, settings.math)?,
            train: Split::new(card, train, width, classes)?,
            test: Split::new(card, test, width, classes)?,
            draws: Draws::new(card, epoch, images)?,
            weights: Weights::new(card, &weights, settings.optimiser)?,
            averages: card.copy_of(&averages)?,
            values: Values::new(card, &network, &memory, capacity)?,
            network,
            memory,
            stream,
        })
    }

    /// Starts an epoch and returns while the card works on it.
    ///
    /// # Errors
    /// Returns [`GpuError::Shape`] if the plan is not one for these images, or an error of the card.
    pub fn start(&mut self, plan: &EpochPlan) -> Result<(), GpuError> {
        self.draws.write(plan)?;
        match &self.graph {
            // SAFETY: the buffers are those of `self`, whose `Drop` waits for the work.
            Some(graph) => unsafe { self.stream.start(graph) },
            None => self.enqueue_epoch(),
        }
    }

    /// Waits for the epoch.
    ///
    /// # Errors
    /// Returns an error if the card failed.
    pub fn finish(&mut self) -> Result<EpochResult, GpuError> {
        self.stream.wait()?;
        let ([[loss, correct], [rest_loss, rest_correct]], test) =
            (self.train.sums()?, self.test.evaluation()?);
        let shape = self.draws.shape();
        let operations = shape.steps().saturating_mul(self.operations(shape.batch));
        if self.graph.is_none() && operations <= RECORDED {
            self.graph = Some(self.stream.record(|| self.enqueue_epoch())?);
        }
        // Every step counts the same, also one of fewer images.
        let rest = shape.images % shape.batch;
        let mean = |loss: f64, images: usize| {
            if images == 0 {
                0.0
            } else {
                loss / images as f64
            }
        };
        let steps = mean(loss, shape.batch) + mean(rest_loss, rest);
        Ok(EpochResult {
            train_loss: steps / shape.steps() as f64,
            train_correct: correct + rest_correct,
            test,
        })
    }

    /// How the training images do now, none of them changed, and the test images.
    ///
    /// # Errors
    /// Returns an error if the card failed.
    pub fn evaluate(&mut self) -> Result<[Evaluation; 2], GpuError> {
        for split in [&self.train, &self.test] {
            self.enqueue_evaluation(split)?;
            let ranges = [0..split.images, 0..0];
            // SAFETY: the split belongs to `self`, which waits before it is dropped.
            unsafe { split.enqueue_sums(&self.kernels.shared, &self.stream, ranges)? };
        }
        self.stream.wait()?;
        Ok([self.train.evaluation()?, self.test.evaluation()?])
    }

    /// The tensors as they are now, in the order of [`Training::new`].
    ///
    /// # Errors
    /// Returns an error if the card failed.
    pub fn tensors(&self) -> Result<Vec<Vec<f32>>, GpuError> {
        let (weights, averages) = (self.weights.values.read()?, self.averages.read()?);
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
        let gradients = self.weights.gradients.read()?;
        let tensors = self.network.tensors.iter();
        let gradients = tensors.map(|tensor| match tensor.is_trained {
            true => tensor.of(&gradients),
            false => Vec::new(),
        });
        Ok(gradients.collect())
    }

    /// The losses of the images of an epoch in its order, each before its step; of one that diverges, where that began.
    ///
    /// # Errors
    /// Returns an error if the card failed.
    pub fn train_losses(&self) -> Result<Vec<f32>, GpuError> {
        let mut losses = self.train.losses.read()?;
        losses.truncate(self.draws.shape().images);
        Ok(losses)
    }

    /// Kernels and products of a step of so many images, at most.
    fn operations(&self, images: usize) -> usize {
        let of_node = |node: &structure::Node| match node.operation {
            // Three products, windows twice, their gradient, the bias and its gradient.
            structure::Operation::Map { map, .. } => {
                maps::pieces(&map, images).count() * (3 * map.groups + 3) + 3
            }
            structure::Operation::Normalise { .. } => 8,
            _ => 2,
        };
        let sums = self.memory.backward.len();
        self.network.nodes.iter().map(of_node).sum::<usize>() + sums
    }

    fn enqueue_epoch(&self) -> Result<(), GpuError> {
        let shape = self.draws.shape();
        for step in 0..shape.steps() {
            self.enqueue_step(step)?;
        }
        self.enqueue_evaluation(&self.test)?;
        let whole = shape.images / shape.batch * shape.batch;
        let tested = self.test.images;
        for (split, ranges) in [
            (&self.train, [0..whole, whole..shape.images]),
            (&self.test, [0..tested, tested..tested]),
        ] {
            // SAFETY: the splits belong to `self`, which waits before it is dropped.
            unsafe { split.enqueue_sums(&self.kernels.shared, &self.stream, ranges)? };
        }
        Ok(())
    }

    fn enqueue_step(&self, step: usize) -> Result<(), GpuError> {
        let Self {
            kernels,
            stream,
            draws,
            ..
        } = self;
        let images = draws.shape().rows(step);
        let rows = &self.values.rows;
        // SAFETY: the buffers belong to `self`, which waits before it is dropped; `new` gave them room for a batch.
        unsafe {
            draws.enqueue_inputs(&kernels.shared, stream, &self.train, rows, step)?;
            draws.enqueue_words(&kernels.shared, stream, step)?;
        }
        self.enqueue_inputs(rows, 0, images)?;
        self.enqueue_forward(images, true)?;
        self.enqueue_loss(forward::Labels::Drawn { step }, images)?;
        self.enqueue_backward(images)?;
        // SAFETY: as above; the schedule has numbers for every step.
        unsafe {
            self.weights
                .enqueue_step(&kernels.shared, stream, draws.schedule(step))
        }
    }

    fn enqueue_evaluation(&self, split: &Split) -> Result<(), GpuError> {
        let most = capacity(self.draws.shape().batch, self.test.images);
        for start in (0..split.images).step_by(most) {
            let images = most.min(split.images - start);
            self.enqueue_inputs(&split.inputs, start, images)?;
            self.enqueue_forward(images, false)?;
            self.enqueue_loss(forward::Labels::Of { split, start }, images)?;
        }
        Ok(())
    }
}

impl Drop for Training {
    fn drop(&mut self) {
        // The buffers go after this; a failure has been reported, or nobody asks any more.
        let _ = self.stream.wait();
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
