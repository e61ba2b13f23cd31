//! Training of a bilinear layer on a card: images, weights and history stay on it, and an epoch is started as a whole.
//!
//! The arithmetic is that of the stage `train`: the same initial weights, orders of the images and noise give the same training but
//! for the order in which products are summed.

mod kernels;
mod layout;

use crate::bilinear::kernels::Kernels;
use crate::bilinear::layout::Layout;
pub use crate::bilinear::layout::{Sizes, Weights};
use crate::training::{
    COUNTED, DataSets, Epochs, Needs, OVERHEAD_MIB, Order, Settings, Split, Steps, WEIGHT_BUFFERS,
};
use crate::{Buffer, Card, GpuError, Matrix};

/// Images that are evaluated at a time, at most, and values of their inputs, unless a batch has more.
const EVALUATED: usize = 1 << 14;
const EVALUATED_VALUES: usize = 1 << 24;

/// Intermediate values: x, E x, (L E x, R E x), and of a batch also their product and gradients.
#[derive(Debug)]
struct Activations {
    x: Buffer<f32>,
    h: Buffer<f32>,
    ab: Buffer<f32>,
    z: Buffer<f32>,
    logit_gradients: Buffer<f32>,
    /// (L E, R E), where it is made first, and its gradient.
    map: Buffer<f32>,
    map_gradients: Buffer<f32>,
}

/// A bilinear layer in training on a card.
#[derive(Debug)]
pub struct Training {
    // Dropped first: it waits for the card, which works with the rest.
    epochs: Epochs,
    layout: Layout,
    kernels: Kernels,
    values: Activations,
}

/// Images that are computed at a time.
fn capacity(sizes: Sizes, batch: usize, tested: usize) -> usize {
    let at_once = EVALUATED.min(EVALUATED_VALUES / sizes.inputs.max(1));
    batch.max(tested.min(at_once))
}

/// Memory that a training needs, in MiB; `stored` are the bytes of an image.
pub fn memory_mib(
    sizes: Sizes,
    stored: usize,
    batch: usize,
    train_images: usize,
    test_images: usize,
) -> u64 {
    let layout = Layout::new(sizes);
    let rows = capacity(sizes, batch, test_images);
    let weights = WEIGHT_BUFFERS * layout.len() + 4 * layout.hidden * sizes.inputs;
    let values =
        rows * (sizes.inputs + 3 * layout.hidden) + batch * (layout.hidden + layout.stride);
    let bytes = (train_images + test_images) * stored + 4 * (weights + values);
    OVERHEAD_MIB + ((bytes as u64) >> 20)
}

impl Training {
    /// Brings weights and images onto the card and compiles the kernels.
    ///
    /// # Errors
    /// Returns an error if the card has no room, a library fails, or sizes do not fit together.
    pub fn new(
        card: &Card,
        sizes: Sizes,
        settings: Settings,
        weights: &Weights,
        sets: DataSets<'_>,
    ) -> Result<Self, GpuError> {
        settings.check(&sets)?;
        let layout = Layout::new(sizes);
        let (batch, width) = (settings.rows(), sizes.inputs);
        if sets.preparation.width() != width {
            let found = sets.preparation.width();
            return Err(GpuError::Shape(format!(
                "a layer with {width} inputs is given {found}"
            )));
        }
        let (images, tested) = (sets.train.labels.len(), sets.test.labels.len());
        let rows = capacity(sizes, batch, tested);
        // Kernels count in 32 bits.
        let largest = rows.saturating_mul((2 * layout.hidden).max(layout.stride));
        if largest.max(layout.len()) > COUNTED {
            return Err(GpuError::Shape(format!(
                "batches of {batch} images or {} hidden units are more than a kernel can count",
                sizes.hidden
            )));
        }
        let stored = sets.preparation.stored();
        let needed = memory_mib(sizes, stored, batch, images, tested);
        card.require_mib(needed + settings.handed_over_mib(width))?;
        let packed = layout.pack(weights)?;
        let (kernels, module) = Kernels::compile(card, sets.preparation, &layout)?;
        let needs = Needs {
            order: Order::Images,
            classes: sizes.classes,
            masked: 0,
            capacity: rows,
            weights: &packed,
        };
        let floats = |length: usize| card.zeros::<f32>(length);
        let map = layout.hidden * 2 * width;
        Ok(Self {
            epochs: Epochs::new(card, &module, &settings, sets, needs)?,
            kernels,
            values: Activations {
                x: floats(rows * width)?,
                h: floats(rows * layout.hidden)?,
                ab: floats(rows * 2 * layout.hidden)?,
                z: floats(batch * layout.hidden)?,
                logit_gradients: floats(batch * layout.stride)?,
                map: floats(map)?,
                map_gradients: floats(map)?,
            },
            layout,
        })
    }

    /// The weights as they are now.
    ///
    /// # Errors
    /// Returns an error if the card failed.
    pub fn weights(&self) -> Result<Weights, GpuError> {
        Ok(self.layout.unpack(&self.epochs.weights.values.read()?))
    }

    /// The gradients of the last step.
    ///
    /// # Errors
    /// Returns an error if the card failed.
    pub fn gradients(&self) -> Result<Weights, GpuError> {
        Ok(self.layout.unpack(&self.epochs.weights.gradients.read()?))
    }

    /// E and (L, R) in a buffer of this layout.
    fn factors<'a>(&self, buffer: &'a Buffer<f32>) -> [Matrix<'a>; 2] {
        let d = self.layout.hidden;
        let embed = Matrix::new(buffer, 0, d, self.layout.sizes.inputs);
        [embed, Matrix::new(buffer, self.layout.gate(), 2 * d, d)]
    }

    /// Puts (L E x, R E x) of the first `rows` inputs into the queue.
    fn enqueue_forward(&self, rows: usize, trains: bool) -> Result<(), GpuError> {
        let (d, width) = (self.layout.hidden, self.layout.sizes.inputs);
        let products = &self.epochs.products;
        let [embed, gate] = self.factors(&self.epochs.weights.values);
        let inputs = Matrix::new(&self.values.x, 0, rows, width);
        let outputs = Matrix::new(&self.values.ab, 0, rows, 2 * d);
        // SAFETY: the buffers belong to `self`, which waits before it is dropped.
        unsafe {
            if self.makes_map_first(rows, trains) {
                let map = Matrix::new(&self.values.map, 0, 2 * d, width);
                products.multiply(gate, embed, map)?;
                products.multiply(inputs, map.transposed(), outputs)
            } else {
                let hidden = Matrix::new(&self.values.h, 0, rows, d);
                products.multiply(inputs, embed.transposed(), hidden)?;
                products.multiply(hidden, gate.transposed(), outputs)
            }
        }
    }

    /// Puts the head of `rows` images, of which the first has number `start` in the split or in the order of the epoch, into the queue.
    fn enqueue_head(
        &self,
        head: kernels::Head<'_>,
        split: &Split,
        start: usize,
        rows: usize,
    ) -> Result<(), GpuError> {
        let (stream, weights) = (&self.epochs.stream, &self.epochs.weights.values);
        let (ab, layout) = (&self.values.ab, &self.layout);
        let (losses, correct) = (&split.losses, &split.correct);
        // SAFETY: the buffers belong to `self`, which waits before it is dropped. `Training::new` gave each the length that the kernel
        // expects; `EpochTraining::start` checked that the order names images that are there.
        unsafe {
            self.kernels.head(
                stream, ab, weights, layout, head, losses, correct, start, rows,
            )
        }
    }

    /// Whether it takes fewer multiplications to make (L E, R E) first: with few images, or many hidden units.
    fn makes_map_first(&self, rows: usize, trains: bool) -> bool {
        let [rows, inputs, hidden] =
            [rows, self.layout.sizes.inputs, self.layout.hidden].map(|size| size as f64);
        let (outer, inner) = if trains { (2.0, 3.0) } else { (1.0, 1.0) };
        let map_first =
            inner * 2.0 * hidden * hidden * inputs + outer * rows * inputs * 2.0 * hidden;
        map_first < outer * rows * inputs * hidden + inner * rows * hidden * 2.0 * hidden
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
        &self.values.x
    }

    fn enqueue_gradients(&self, step: usize) -> Result<(), GpuError> {
        let (layout, epochs) = (&self.layout, &self.epochs);
        let (first, rows) = (step * epochs.shape().batch, epochs.shape().rows(step));
        let (d, width) = (layout.hidden, layout.sizes.inputs);
        let Activations {
            x,
            h,
            ab,
            z,
            logit_gradients,
            map_gradients,
            ..
        } = &self.values;
        let (products, gradients) = (&epochs.products, &epochs.weights.gradients);
        let [embed, gate] = self.factors(&epochs.weights.values);
        let [embed_gradients, gate_gradients] = self.factors(gradients);
        self.enqueue_forward(rows, true)?;
        let head = kernels::Head::Train {
            order: epochs.order(),
            labels: &epochs.train.labels,
            z,
            logit_gradients,
        };
        self.enqueue_head(head, &epochs.train, first, rows)?;
        let inputs = Matrix::new(x, 0, rows, width);
        let logits = Matrix::new(logit_gradients, 0, rows, layout.stride);
        let unembed = Matrix::new(gradients, layout.unembed(), layout.stride, d);
        // From here on `ab` holds the gradients of what it was.
        let outputs = Matrix::new(ab, 0, rows, 2 * d);
        let hidden = Matrix::new(h, 0, rows, d);
        // SAFETY: as in `enqueue_forward` and `enqueue_head`. Work of one stream does not overlap.
        unsafe {
            products.multiply(logits.transposed(), Matrix::new(z, 0, rows, d), unembed)?;
            if layout.sizes.bias {
                let (stream, bias) = (&epochs.stream, layout.bias());
                self.kernels
                    .column_sums(stream, ab, gradients, bias, rows, 2 * d)?;
            }
            if self.makes_map_first(rows, true) {
                let map_gradients = Matrix::new(map_gradients, 0, 2 * d, width);
                products.multiply(outputs.transposed(), inputs, map_gradients)?;
                products.multiply(map_gradients, embed.transposed(), gate_gradients)?;
                products.multiply(gate.transposed(), map_gradients, embed_gradients)
            } else {
                products.multiply(outputs.transposed(), hidden, gate_gradients)?;
                // E x is done with; its gradients take its place.
                products.multiply(outputs, gate, hidden)?;
                products.multiply(hidden.transposed(), inputs, embed_gradients)
            }
        }
    }

    fn enqueue_losses(&self, split: &Split, start: usize, images: usize) -> Result<(), GpuError> {
        let labels = &split.labels;
        self.enqueue_forward(images, false)?;
        let head = kernels::Head::Test { labels, start };
        self.enqueue_head(head, split, start, images)
    }

    fn operations(&self) -> usize {
        // Inputs, two products, the head, six products and sums, the step of the optimiser.
        11
    }
}
