//! From inputs to losses.

use super::structure::{Node, Operation, Pool, Taken};
use super::{Training, mask_words};
use crate::module::Argument::{self, Real, Whole};
use crate::module::{NULL, at};
use crate::training::Split;
use crate::{Buffer, GpuError, Kernel};

/// Where labels of images come from.
pub(super) enum Labels<'a> {
    /// From the training images that a step draws; gradients are computed.
    Drawn { step: usize },
    /// From a split, image number `start` and those after it.
    Of { split: &'a Split, start: usize },
}

impl Training {
    /// Puts a kernel into the queue.
    ///
    /// # Safety
    /// As [`Kernel::launch`]; the buffers belong to `self`, which waits before it is dropped.
    pub(super) unsafe fn launch(
        &self,
        kernel: &Kernel,
        threads: usize,
        arguments: &[Argument],
    ) -> Result<(), GpuError> {
        // SAFETY: as the caller promises.
        unsafe { kernel.launch(&self.epochs.stream, threads, arguments) }
    }

    /// The buffer of a value.
    pub(super) fn value(&self, value: usize) -> &Buffer<f32> {
        &self.values.values[self.memory.buffer_of[value]]
    }

    /// Puts all operations on `images` inputs into the queue.
    pub(super) fn enqueue_forward(&self, images: usize, trains: bool) -> Result<(), GpuError> {
        // Random words of the masks before.
        let mut words = 0;
        for (number, node) in self.network.nodes.iter().enumerate() {
            match node.operation {
                Operation::Map { map, weight, bias } => {
                    let (input, output) = (self.value(node.input), self.value(node.output));
                    self.enqueue_map(&map, weight, bias, input, output, images)?;
                }
                Operation::Normalise {
                    normalisation,
                    weight,
                    bias,
                    averages,
                } => {
                    let offsets = [weight, bias, averages];
                    self.enqueue_norm(number, &normalisation, offsets, images, trains)?;
                }
                Operation::Dropout { threshold, kept } => {
                    self.enqueue_dropout(node, (threshold, kept), words, images, trains)?;
                    words += mask_words(self.network.features[node.output], images);
                }
                _ => self.enqueue_function(number, node, images)?,
            }
        }
        Ok(())
    }

    /// Puts an operation without tensors into the queue.
    fn enqueue_function(&self, number: usize, node: &Node, images: usize) -> Result<(), GpuError> {
        let (input, output) = (
            at(self.value(node.input), 0),
            at(self.value(node.output), 0),
        );
        let count = self.network.features[node.output] * images;
        let whole = Whole(count as u32);
        // SAFETY: each value has room for so many images, each kernel gets its own arguments, and leaves threads beyond the count idle.
        unsafe {
            match node.operation {
                Operation::Function(function) => {
                    let [number, slope] = function.arguments();
                    let arguments = [input, output, number, slope, whole];
                    self.launch(&self.kernels.function, count, &arguments)
                }
                Operation::Gate => self.launch(&self.kernels.gate, count, &[input, output, whole]),
                Operation::Pool(pool) => {
                    let features = self.network.features[node.output];
                    let chosen = self.chosen(number, &pool);
                    let sizes = pool_arguments(&pool, features, images);
                    let arguments = [&[input, output, chosen][..], &sizes].concat();
                    self.launch(&self.kernels.pool, count, &arguments)
                }
                Operation::Sum => {
                    let other = node.other.unwrap_or(node.input);
                    let arguments = [input, at(self.value(other), 0), output, whole];
                    self.launch(&self.kernels.add, count, &arguments)
                }
                Operation::Map { .. } | Operation::Normalise { .. } | Operation::Dropout { .. } => {
                    Ok(())
                }
            }
        }
    }

    /// Where the largest values were; null where a mean is taken.
    pub(super) fn chosen(&self, number: usize, pool: &Pool) -> Argument {
        match pool.taken {
            Taken::Largest => at(&self.values.chosen[number], 0),
            Taken::Mean { .. } => NULL,
        }
    }

    fn enqueue_dropout(
        &self,
        node: &Node,
        mask: (u32, f32),
        words: usize,
        images: usize,
        trains: bool,
    ) -> Result<(), GpuError> {
        let (input, output) = (self.value(node.input), self.value(node.output));
        let features = self.network.features[node.output];
        let count = features * images;
        let ends = [at(input, 0), at(output, 0)];
        if !trains {
            if input.address() == output.address() {
                return Ok(());
            }
            let arguments = [ends[0], ends[1], Whole(count as u32)];
            // SAFETY: both values have room for so many images.
            return unsafe { self.launch(&self.kernels.copy, count, &arguments) };
        }
        self.enqueue_mask(ends, mask, words, features, images)
    }

    /// Puts the product of values with a mask into the queue; the words of the mask begin at `words`.
    pub(super) fn enqueue_mask(
        &self,
        [input, output]: [Argument; 2],
        (threshold, kept): (u32, f32),
        words: usize,
        features: usize,
        images: usize,
    ) -> Result<(), GpuError> {
        let arguments = [
            input,
            output,
            at(self.epochs.words(), words),
            Whole(threshold),
            Real(kept),
            Whole(features as u32),
            Whole(images as u32),
        ];
        // SAFETY: the values have room for so many images, and there are words for all masks of a batch.
        unsafe { self.launch(&self.kernels.dropout, features * images, &arguments) }
    }

    /// Puts losses, and in training the gradients of the logits, into the queue.
    pub(super) fn enqueue_loss(&self, labels: Labels<'_>, images: usize) -> Result<(), GpuError> {
        let (logits, classes) = (self.network.features.len() - 1, self.classes());
        let (split, labels, order, gradients, start) = match labels {
            Labels::Drawn { step } => {
                let start = step * self.epochs.shape().batch;
                let order = at(self.epochs.order(), start);
                let gradients = at(&self.values.slots[0], 0);
                (
                    &self.epochs.train,
                    at(&self.epochs.train.labels, 0),
                    order,
                    gradients,
                    start,
                )
            }
            Labels::Of { split, start } => (split, at(&split.labels, start), NULL, NULL, start),
        };
        let arguments = [
            at(self.value(logits), 0),
            labels,
            order,
            gradients,
            at(&split.losses, start),
            at(&split.correct, start),
            Whole(images as u32),
            Whole(classes as u32),
        ];
        // SAFETY: the order names images that are there, and their labels are classes (`Draws::write`, `Split::new`); the split has a
        // loss for every image; the first slot has room for the logits.
        unsafe { self.launch(&self.kernels.loss, images, &arguments) }
    }

    fn classes(&self) -> usize {
        self.network.features.last().copied().unwrap_or(0)
    }
}

/// The arguments of both kernels of pooling from the height of the image on; `features` are those of what a thread writes.
pub(super) fn pool_arguments(pool: &Pool, features: usize, images: usize) -> [Argument; 11] {
    let output = pool.output();
    let [window_height, window_width] = pool.kernel;
    let share = match pool.taken {
        Taken::Mean {
            counts_padding: true,
        } => (1.0 / (window_height * window_width) as f64) as f32,
        _ => 0.0,
    };
    let whole = |value: usize| Whole(value as u32);
    [
        whole(pool.input.height),
        whole(pool.input.width),
        whole(window_height),
        whole(window_width),
        whole(pool.stride),
        whole(pool.padding),
        whole(output.height),
        whole(output.width),
        Real(share),
        whole(features),
        whole(images),
    ]
}
