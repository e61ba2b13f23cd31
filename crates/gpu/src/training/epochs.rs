//! Epochs on a card, whatever the network: inputs, steps, evaluation and sums, recorded once and then started as a whole.

use std::cell::OnceCell;
use std::ops::Range;

use crate::training::inputs::Inputs;
use crate::training::{
    COUNTED, DataSets, Draws, EpochPlan, EpochResult, EpochShape, Evaluation, Kernels, Order,
    Settings, Split, StepInputs, Weights,
};
use crate::{Buffer, Card, GpuError, Graph, Module, Products, Stream};

/// Operations of an epoch that are recorded as one graph, at most. Beyond that a graph takes more memory and time than it saves.
const RECORDED: usize = 1 << 16;

/// A network in training on a card, epoch by epoch.
#[allow(private_bounds, reason = "networks of this crate only")]
pub trait EpochTraining: Steps {
    /// Starts an epoch and returns while the card works on it, or awaits inputs.
    ///
    /// # Errors
    /// Returns [`GpuError::Shape`] if the plan is not one for these images, or an error of the card.
    fn start(&mut self, plan: &EpochPlan) -> Result<(), GpuError> {
        self.epochs_mut().write(plan)?;
        self.epochs().start(self)
    }

    /// The steps whose inputs are to be handed over next; `None` if the card makes them itself, or has all.
    fn awaited(&self) -> Option<Range<usize>> {
        self.epochs().awaited()
    }

    /// Hands over the inputs of the steps that are awaited, `[images, width]`, once the card has done those before. Returns while it
    /// works on them.
    ///
    /// # Errors
    /// Returns [`GpuError::Shape`] if they have another number of values, or an error of the card.
    fn hand_over(&mut self, inputs: &[f32]) -> Result<(), GpuError> {
        let steps = self.epochs_mut().receive(inputs)?;
        self.epochs().enqueue(self, steps)
    }

    /// Waits for the epoch.
    ///
    /// # Errors
    /// Returns [`GpuError::Shape`] if inputs are still awaited, or an error if the card failed.
    fn finish(&mut self) -> Result<EpochResult, GpuError> {
        self.epochs().finish(self)
    }

    /// How the training images do now, none of them changed, and the test images.
    ///
    /// # Errors
    /// Returns an error if the card failed.
    fn evaluate(&mut self) -> Result<[Evaluation; 2], GpuError> {
        self.epochs().evaluate(self)
    }

    /// The losses of the images of an epoch in its order, each before its step; of one that diverges, where that began.
    ///
    /// # Errors
    /// Returns an error if the card failed.
    fn train_losses(&self) -> Result<Vec<f32>, GpuError> {
        self.epochs().train_losses()
    }

    /// The inputs of a step of the last epoch, with noise: `[images, width]` or `[width, images]`, as the network reads them. Of inputs
    /// that are handed over only the last ones are still there.
    ///
    /// # Errors
    /// Returns [`GpuError::Shape`] for a step whose inputs are not there, or an error if the card failed.
    fn step_inputs(&mut self, step: usize) -> Result<Vec<f32>, GpuError> {
        self.epochs().step_inputs(self.inputs(), step)
    }
}

impl<T: Steps> EpochTraining for T {}

/// What a network puts into the queue of its [`Epochs`].
pub(crate) trait Steps {
    fn epochs(&self) -> &Epochs;

    fn epochs_mut(&mut self) -> &mut Epochs;

    /// Where the inputs of a batch or of images to evaluate lie.
    fn inputs(&self) -> &Buffer<f32>;

    /// Puts a step into the queue up to the gradients of the weights; its inputs are there then.
    fn enqueue_gradients(&self, step: usize) -> Result<(), GpuError>;

    /// Puts the losses of `images` images of a split from number `start` on into the queue; their inputs are there then.
    fn enqueue_losses(&self, split: &Split, start: usize, images: usize) -> Result<(), GpuError>;

    /// Kernels and products of a step, at most.
    fn operations(&self) -> usize;
}

/// What the epochs of a network need to know of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Needs<'a> {
    pub(crate) order: Order,
    pub(crate) classes: usize,
    /// As in [`EpochShape`].
    pub(crate) masked: usize,
    /// Images that are computed at a time, at most.
    pub(crate) capacity: usize,
    /// All trained values.
    pub(crate) weights: &'a [f32],
}

/// The images, queue and weights of a training, and its epochs.
#[derive(Debug)]
pub(crate) struct Epochs {
    // Fields are dropped in this order: recorded work goes before the kernels that it consists of, and these before the memory.
    /// An epoch; empty before the first one, in which cuBLAS loads its kernels, and for epochs that are not recorded.
    graph: OnceCell<Graph>,
    kernels: Kernels,
    pub(crate) products: Products,
    inputs: Inputs,
    pub(crate) train: Split,
    pub(crate) test: Split,
    draws: Draws,
    pub(crate) weights: Weights,
    made: Option<Made>,
    capacity: usize,
    pub(crate) stream: Stream,
}

/// Inputs that the processor has made of some steps.
#[derive(Debug)]
struct Made {
    values: Buffer<f32>,
    /// Steps that there is room for.
    room: usize,
    /// The steps whose inputs are here.
    steps: Range<usize>,
}

impl Epochs {
    /// Brings images and weights onto the card.
    pub(crate) fn new(
        card: &Card,
        module: &Module,
        settings: &Settings,
        sets: DataSets<'_>,
        needs: Needs<'_>,
    ) -> Result<Self, GpuError> {
        let DataSets {
            preparation,
            train,
            test,
        } = sets;
        let (stored, width) = (preparation.stored(), preparation.width());
        // Kernels count in 32 bits.
        if needs.capacity.saturating_mul(width).max(stored) > COUNTED {
            return Err(GpuError::Shape(format!(
                "inputs of {width} values for {} images are more than a kernel can count",
                needs.capacity
            )));
        }
        let images = train.labels.len();
        let shape = EpochShape {
            images: settings.epoch_images,
            batch: settings.rows(),
            width,
            noise_std: match settings.inputs {
                StepInputs::Stored { noise_std } => noise_std,
                StepInputs::HandedOver => 0.0,
            },
            masked: needs.masked,
        };
        let made = match settings.handed_over(width) {
            0 => None,
            values => Some(Made {
                values: card.zeros(values)?,
                room: values / (shape.batch * width),
                steps: 0..0,
            }),
        };
        let stream = card.stream()?;
        let kernels = Kernels::of(module)?;
        Ok(Self {
            graph: OnceCell::new(),
            products: card.products(&stream, settings.math)?,
            inputs: Inputs::new(card, module, preparation, needs.order)?,
            train: Split::new(card, train, stored, needs.classes)?,
            test: Split::new(card, test, stored, needs.classes)?,
            draws: Draws::new(card, shape, images)?,
            weights: Weights::new(card, &kernels, needs.weights, settings.optimiser)?,
            made,
            capacity: needs.capacity,
            kernels,
            stream,
        })
    }

    pub(crate) fn shape(&self) -> &EpochShape {
        self.draws.shape()
    }

    /// Images in the order of the epoch.
    pub(crate) fn order(&self) -> &Buffer<u32> {
        self.draws.order()
    }

    /// Random words of the masks of a step.
    pub(crate) fn words(&self) -> &Buffer<u32> {
        self.draws.words()
    }

    /// Brings the draws of an epoch onto the card.
    pub(crate) fn write(&mut self, plan: &EpochPlan) -> Result<(), GpuError> {
        if let Some(made) = &mut self.made {
            made.steps = 0..0;
        }
        self.draws.write(plan)
    }

    /// Starts the planned epoch and returns while the card works on it. One whose inputs are handed over begins with the first of them.
    pub(crate) fn start(&self, network: &(impl Steps + ?Sized)) -> Result<(), GpuError> {
        match (&self.made, self.graph.get()) {
            (Some(_), _) => Ok(()),
            // SAFETY: the buffers are those of the training, and `Drop` waits for the work before they go.
            (None, Some(graph)) => unsafe { self.stream.start(graph) },
            (None, None) => self.enqueue(network, 0..self.shape().steps()),
        }
    }

    /// The steps whose inputs are to be handed over next.
    pub(crate) fn awaited(&self) -> Option<Range<usize>> {
        let made = self.made.as_ref()?;
        let (first, steps) = (made.steps.end, self.shape().steps());
        (first < steps).then(|| first..steps.min(first + made.room))
    }

    /// Brings the inputs of the steps that are awaited onto the card, once it has done the steps before.
    pub(crate) fn receive(&mut self, inputs: &[f32]) -> Result<Range<usize>, GpuError> {
        let steps = self.awaited().unwrap_or(0..0);
        let rows: usize = steps.clone().map(|step| self.shape().rows(step)).sum();
        let Some(made) = &mut self.made else {
            return Err(GpuError::Shape("inputs that nobody awaits".to_owned()));
        };
        if inputs.len() != rows * self.inputs.width() {
            return Err(GpuError::Shape(format!(
                "{} values for {rows} images of steps {steps:?}",
                inputs.len()
            )));
        }
        made.values.write(inputs)?;
        made.steps = steps.clone();
        Ok(steps)
    }

    /// Puts some steps into the queue; after the last one of an epoch the evaluation and the sums.
    pub(crate) fn enqueue(
        &self,
        network: &(impl Steps + ?Sized),
        steps: Range<usize>,
    ) -> Result<(), GpuError> {
        let end = steps.end;
        for step in steps {
            self.enqueue_inputs(network.inputs(), step)?;
            network.enqueue_gradients(step)?;
            let schedule = self.draws.schedule(step);
            // SAFETY: weights and draws belong to `self`, which waits before it is dropped; the schedule has numbers for every step.
            unsafe { self.weights.enqueue_step(&self.stream, schedule)? };
        }
        let shape = self.shape();
        if end < shape.steps() {
            return Ok(());
        }
        self.enqueue_evaluation(network, &self.test)?;
        let whole = shape.images / shape.batch * shape.batch;
        let tested = self.test.images;
        self.enqueue_sums(&self.train, [0..whole, whole..shape.images])?;
        self.enqueue_sums(&self.test, [0..tested, tested..tested])
    }

    fn enqueue_sums(&self, split: &Split, ranges: [Range<usize>; 2]) -> Result<(), GpuError> {
        // SAFETY: the splits belong to `self`, which waits before it is dropped.
        unsafe { split.enqueue_sums(&self.kernels, &self.stream, ranges) }
    }

    /// Waits for the epoch.
    pub(crate) fn finish(&self, network: &(impl Steps + ?Sized)) -> Result<EpochResult, GpuError> {
        if let Some(steps) = self.awaited() {
            return Err(GpuError::Shape(format!("steps {steps:?} have no inputs")));
        }
        self.stream.wait()?;
        let ([[loss, correct], [rest_loss, rest_correct]], test) =
            (self.train.sums()?, self.test.evaluation()?);
        let shape = self.shape();
        let steps = shape.steps();
        let is_short = steps.saturating_mul(network.operations()) <= RECORDED;
        if self.made.is_none() && is_short && self.graph.get().is_none() {
            let epoch = self.stream.record(|| self.enqueue(network, 0..steps))?;
            self.graph.get_or_init(|| epoch);
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
        let losses = mean(loss, shape.batch) + mean(rest_loss, rest);
        Ok(EpochResult {
            train_loss: losses / steps as f64,
            train_correct: correct + rest_correct,
            test,
        })
    }

    /// How the images of both splits do now.
    pub(crate) fn evaluate(
        &self,
        network: &(impl Steps + ?Sized),
    ) -> Result<[Evaluation; 2], GpuError> {
        for split in [&self.train, &self.test] {
            self.enqueue_evaluation(network, split)?;
            self.enqueue_sums(split, [0..split.images, 0..0])?;
        }
        self.stream.wait()?;
        Ok([self.train.evaluation()?, self.test.evaluation()?])
    }

    /// The losses of the images of the last epoch, in its order.
    pub(crate) fn train_losses(&self) -> Result<Vec<f32>, GpuError> {
        let mut losses = self.train.losses.read()?;
        losses.truncate(self.shape().images);
        Ok(losses)
    }

    /// The inputs of a step of the last epoch, which lie in `out` for a while.
    pub(crate) fn step_inputs(&self, out: &Buffer<f32>, step: usize) -> Result<Vec<f32>, GpuError> {
        let there = match &self.made {
            None => 0..self.shape().steps(),
            Some(made) => made.steps.clone(),
        };
        if !there.contains(&step) {
            return Err(GpuError::Shape(format!("step {step}, of {there:?}")));
        }
        self.enqueue_inputs(out, step)?;
        self.stream.wait()?;
        let mut inputs = out.read()?;
        inputs.truncate(self.shape().rows(step) * self.shape().width);
        Ok(inputs)
    }

    /// Puts the inputs of a step and the random words of its masks into the queue.
    fn enqueue_inputs(&self, out: &Buffer<f32>, step: usize) -> Result<(), GpuError> {
        let (stream, shape) = (&self.stream, self.shape());
        // SAFETY: the buffers belong to the training, which waits before it is dropped; `Steps::inputs` has room for a batch. The draws
        // are of the training images. Inputs that are handed over are here, as only their steps are put into the queue.
        unsafe {
            match &self.made {
                None => {
                    let (split, draws) = (&self.train, &self.draws);
                    self.inputs.enqueue_drawn(stream, split, draws, step, out)?;
                }
                Some(made) => {
                    let start = (step - made.steps.start) * shape.batch;
                    let images = shape.rows(step);
                    self.inputs
                        .enqueue_made(stream, &made.values, start, images, out)?;
                }
            }
            self.draws.enqueue_words(&self.kernels, stream, step)
        }
    }

    /// Puts the losses of all images of a split into the queue.
    fn enqueue_evaluation(
        &self,
        network: &(impl Steps + ?Sized),
        split: &Split,
    ) -> Result<(), GpuError> {
        for start in (0..split.images).step_by(self.capacity) {
            let images = self.capacity.min(split.images - start);
            let out = network.inputs();
            // SAFETY: the buffers belong to the training, which waits before it is dropped; `Steps::inputs` has room for so many images.
            unsafe {
                self.inputs
                    .enqueue(&self.stream, split, start, images, out)?
            };
            network.enqueue_losses(split, start, images)?;
        }
        Ok(())
    }
}

impl Drop for Epochs {
    fn drop(&mut self) {
        // All buffers of a training go after this; a failure has been reported, or nobody asks any more.
        let _ = self.stream.wait();
    }
}
