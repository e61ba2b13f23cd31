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
    COUNTED, Draws, EpochPlan, EpochResult, EpochShape, Images, OVERHEAD_MIB, Optimiser, Split,
    WEIGHT_BUFFERS,
};
use crate::{Buffer, Card, GpuError, Graph, Math, Matrix, Products, Stream, training};

/// Rows that are evaluated at a time.
const EVALUATED: usize = 1 << 14;

/// The settings of a training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Images a step.
    pub batch: usize,
    /// Arithmetic of matrix products.
    pub math: Math,
    /// Standard deviation of the noise on training inputs; none for 0.
    pub noise_std: f32,
    pub optimiser: Optimiser,
}

/// Intermediate values of a batch: x, E x, (L E x, R E x), their product, and gradients.
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
    layout: Layout,
    // Fields are dropped in this order: recorded work goes before the kernels that it consists of, and these before the memory.
    /// An epoch; `None` before the first one, in which cuBLAS loads its kernels.
    graph: Option<Graph>,
    kernels: Kernels,
    products: Products,
    train: Split,
    test: Split,
    draws: Draws,
    weights: training::Weights,
    values: Activations,
    stream: Stream,
}

/// Memory that a training needs, in MiB.
pub fn memory_mib(sizes: Sizes, batch: usize, train_images: usize, test_images: usize) -> u64 {
    let layout = Layout::new(sizes);
    let rows = batch.max(test_images.min(EVALUATED));
    let images = (train_images + test_images) * sizes.inputs;
    let weights = WEIGHT_BUFFERS * layout.len() + 4 * layout.hidden * sizes.inputs;
    let values =
        batch * sizes.inputs + rows * (3 * layout.hidden + layout.stride) + batch * layout.hidden;
    OVERHEAD_MIB + (((4 * (images + weights + values)) as u64) >> 20)
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
        train: Images<'_>,
        test: Images<'_>,
    ) -> Result<Self, GpuError> {
        let layout = Layout::new(sizes);
        let (batch, width) = (settings.batch, sizes.inputs);
        if batch == 0 || train.labels.len() < batch || test.labels.is_empty() {
            let (images, tested) = (train.labels.len(), test.labels.len());
            return Err(GpuError::Shape(format!(
                "{images} training images in batches of {batch}, {tested} test images"
            )));
        }
        // Kernels count in 32 bits.
        let largest = batch
            .max(EVALUATED)
            .saturating_mul(width.max(2 * layout.hidden).max(layout.stride));
        if largest.max(layout.len()) > COUNTED {
            return Err(GpuError::Shape(format!(
                "batches of {batch} images or {} hidden units are more than a kernel can count",
                sizes.hidden
            )));
        }
        card.require_mib(memory_mib(
            sizes,
            batch,
            train.labels.len(),
            test.labels.len(),
        ))?;
        let packed = layout.pack(weights)?;
        let epoch = EpochShape {
            images: train.labels.len() / batch * batch,
            batch,
            width,
            noise_std: settings.noise_std,
            masked: 0,
        };
        let images = train.labels.len();
        let stream = card.stream()?;
        let rows = batch.max(test.labels.len().min(EVALUATED));
        let floats = |length: usize| card.zeros::<f32>(length);
        let map = layout.hidden * 2 * width;
        Ok(Self {
            kernels: Kernels::compile(card, &layout)?,
            graph: None,
            products: card.products(&stream, settings.math)?,
            train: Split::new(card, train, width, sizes.classes)?,
            test: Split::new(card, test, width, sizes.classes)?,
            draws: Draws::new(card, epoch, images)?,
            weights: training::Weights::new(card, &packed, settings.optimiser)?,
            values: Activations {
                x: floats(batch * width)?,
                h: floats(rows * layout.hidden)?,
                ab: floats(rows * 2 * layout.hidden)?,
                z: floats(batch * layout.hidden)?,
                logit_gradients: floats(batch * layout.stride)?,
                map: floats(map)?,
                map_gradients: floats(map)?,
            },
            layout,
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
        let ([[loss, correct], _], test) = (self.train.sums()?, self.test.evaluation()?);
        if self.graph.is_none() {
            self.graph = Some(self.stream.record(|| self.enqueue_epoch())?);
        }
        Ok(EpochResult {
            train_loss: loss / self.draws.shape().images as f64,
            train_correct: correct,
            test,
        })
    }

    /// The weights as they are now.
    ///
    /// # Errors
    /// Returns an error if the card failed.
    pub fn weights(&self) -> Result<Weights, GpuError> {
        Ok(self.layout.unpack(&self.weights.values.read()?))
    }

    /// The gradients of the last step.
    ///
    /// # Errors
    /// Returns an error if the card failed.
    pub fn gradients(&self) -> Result<Weights, GpuError> {
        Ok(self.layout.unpack(&self.weights.gradients.read()?))
    }

    /// The losses of the images of an epoch in its order, each before its step; of one that diverges, where that began.
    ///
    /// # Errors
    /// Returns an error if the card failed.
    pub fn train_losses(&self) -> Result<Vec<f32>, GpuError> {
        self.train.losses.read()
    }

    /// The inputs of the last step, with noise.
    ///
    /// # Errors
    /// Returns an error if the card failed.
    pub fn last_inputs(&self) -> Result<Vec<f32>, GpuError> {
        self.values.x.read()
    }

    fn enqueue_epoch(&self) -> Result<(), GpuError> {
        for step in 0..self.draws.shape().steps() {
            self.enqueue_step(step)?;
        }
        self.enqueue_evaluation()?;
        let seen = self.draws.shape().images;
        for (split, images) in [(&self.train, seen), (&self.test, self.test.images)] {
            let ranges = [0..images, images..images];
            // SAFETY: the splits belong to `self`, which waits before it is dropped.
            unsafe { split.enqueue_sums(&self.kernels.shared, &self.stream, ranges)? };
        }
        Ok(())
    }

    fn enqueue_step(&self, step: usize) -> Result<(), GpuError> {
        let (layout, batch) = (&self.layout, self.draws.shape().batch);
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
        let [embed, gate] = self.factors(&self.weights.values);
        let [embed_gradients, gate_gradients] = self.factors(&self.weights.gradients);
        let inputs = Matrix::new(x, 0, batch, width);
        // SAFETY: the buffers belong to `self`, which waits before it is dropped. `Training::new` gave each the length that
        // the kernel expects; `start` checked that the order names images that are there. Work of one stream does not overlap.
        unsafe {
            self.draws
                .enqueue_inputs(&self.kernels.shared, &self.stream, &self.train, x, step)?;
            self.enqueue_forward(inputs, batch, true)?;
            self.kernels.head(
                &self.stream,
                ab,
                &self.weights.values,
                layout,
                kernels::Head::Train {
                    order: self.draws.order(),
                    labels: &self.train.labels,
                    z,
                    logit_gradients,
                },
                &self.train.losses,
                &self.train.correct,
                step * batch,
                batch,
            )?;
            let logits = Matrix::new(logit_gradients, 0, batch, layout.stride);
            let products = &self.products;
            let unembed = Matrix::new(&self.weights.gradients, layout.unembed(), layout.stride, d);
            products.multiply(logits.transposed(), Matrix::new(z, 0, batch, d), unembed)?;
            // From here on `ab` holds the gradients of what it was.
            let outputs = Matrix::new(ab, 0, batch, 2 * d);
            if layout.sizes.bias {
                self.kernels.column_sums(
                    &self.stream,
                    ab,
                    &self.weights.gradients,
                    layout.bias(),
                    batch,
                    2 * d,
                )?;
            }
            if self.makes_map_first(batch, true) {
                let map_gradients = Matrix::new(map_gradients, 0, 2 * d, width);
                products.multiply(outputs.transposed(), inputs, map_gradients)?;
                products.multiply(map_gradients, embed.transposed(), gate_gradients)?;
                products.multiply(gate.transposed(), map_gradients, embed_gradients)?;
            } else {
                products.multiply(
                    outputs.transposed(),
                    Matrix::new(h, 0, batch, d),
                    gate_gradients,
                )?;
                // E x is done with; its gradients take its place.
                let hidden = Matrix::new(h, 0, batch, d);
                products.multiply(outputs, gate, hidden)?;
                products.multiply(hidden.transposed(), inputs, embed_gradients)?;
            }
            self.weights.enqueue_step(
                &self.kernels.shared,
                &self.stream,
                self.draws.schedule(step),
            )
        }
    }

    /// E and (L, R) in a buffer of this layout.
    fn factors<'a>(&self, buffer: &'a Buffer<f32>) -> [Matrix<'a>; 2] {
        let d = self.layout.hidden;
        let embed = Matrix::new(buffer, 0, d, self.layout.sizes.inputs);
        [embed, Matrix::new(buffer, self.layout.gate(), 2 * d, d)]
    }

    /// Puts (L E x, R E x) of `rows` inputs into the queue.
    ///
    /// # Safety
    /// The buffer of `inputs` must exist until that has been done.
    unsafe fn enqueue_forward(
        &self,
        inputs: Matrix<'_>,
        rows: usize,
        trains: bool,
    ) -> Result<(), GpuError> {
        let (d, width) = (self.layout.hidden, self.layout.sizes.inputs);
        let [embed, gate] = self.factors(&self.weights.values);
        let outputs = Matrix::new(&self.values.ab, 0, rows, 2 * d);
        // SAFETY: the other buffers belong to `self`, which waits before it is dropped; the caller keeps that of the inputs.
        unsafe {
            if self.makes_map_first(rows, trains) {
                let map = Matrix::new(&self.values.map, 0, 2 * d, width);
                self.products.multiply(gate, embed, map)?;
                self.products.multiply(inputs, map.transposed(), outputs)
            } else {
                let hidden = Matrix::new(&self.values.h, 0, rows, d);
                self.products.multiply(inputs, embed.transposed(), hidden)?;
                self.products.multiply(hidden, gate.transposed(), outputs)
            }
        }
    }

    fn enqueue_evaluation(&self) -> Result<(), GpuError> {
        let (layout, width) = (&self.layout, self.layout.sizes.inputs);
        let images = self.test.images;
        for start in (0..images).step_by(EVALUATED) {
            let rows = EVALUATED.min(images - start);
            let inputs = Matrix::new(&self.test.inputs, start * width, rows, width);
            // SAFETY: as in `enqueue_step`; every piece lies within the images.
            unsafe {
                self.enqueue_forward(inputs, rows, false)?;
                let head = kernels::Head::Test {
                    labels: &self.test.labels,
                    start,
                };
                self.kernels.head(
                    &self.stream,
                    &self.values.ab,
                    &self.weights.values,
                    layout,
                    head,
                    &self.test.losses,
                    &self.test.correct,
                    start,
                    rows,
                )?;
            }
        }
        Ok(())
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

impl Drop for Training {
    fn drop(&mut self) {
        // The buffers go after this; a failure has been reported, or nobody asks any more.
        let _ = self.stream.wait();
    }
}
