//! The training loop: batches, steps, evaluation after every epoch.

use std::ops::Range;

use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};
use eigenscope_artifact::tables::training::HistoryRow;
use eigenscope_models::{
    Architecture, BatchLoss, BilinearStep, DropoutMasks, Evaluation, Model, StoredModel,
    correct_predictions, evaluate_batches, evaluation_rows, values,
};
use eigenscope_stage::{Seed, ThreadBudget};
use serde::Deserialize;

use crate::augment::{Augmentation, Augmenter};
use crate::data_set::DataSet;
use crate::divergence::likely_cause;
use crate::dropout::DropoutStream;
use crate::error::TrainError;
use crate::optimiser::{Optimiser, OptimiserKind};
use crate::schedule::Schedule;
use crate::thread_pools::ThreadPools;

/// The settings of a training.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    /// Passes over the training images, or over parts of them.
    pub epochs: u32,
    /// Part of the training images that an epoch takes, drawn anew for each: above 0, up to 1.
    pub epoch_fraction: f64,
    pub batch: usize,
    /// Treatment of a last batch that is smaller than the others.
    pub last_batch: LastBatch,
    /// Learning rate of the first epoch.
    pub learning_rate: f64,
    /// Change of the learning rate from epoch to epoch.
    pub schedule: Schedule,
    /// The optimiser with its constants.
    pub optimiser: OptimiserKind,
    /// Random changes of every training batch, in this order.
    pub augment: Vec<Augmentation>,
    /// Whether the history begins with a row for epoch 0, evaluated before training.
    pub evaluate_before: bool,
}

/// Treatment of a last batch that is smaller than the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LastBatch {
    /// Its images are left out of the epoch.
    Dropped,
    /// It is a step like the others.
    Kept,
}

/// Trains `model` in place and returns one row per epoch, each of which is passed to `observe` as it is made.
///
/// The result does not depend on `thread_budget`, the number of threads.
///
/// # Errors
/// Returns [`TrainError::TooFewImages`] if the images do not fill one batch, [`TrainError::LoneImage`] if a batch of one image has
/// no variance, and [`TrainError::Diverged`] or
/// [`TrainError::DivergedTest`] if a loss is no longer finite; an error if the images have no room for an augmentation.
pub fn train(
    model: &mut StoredModel,
    train: &DataSet,
    test: &DataSet,
    recipe: &Recipe,
    seed: Seed,
    thread_budget: &ThreadBudget,
    mut observe: impl FnMut(&HistoryRow),
) -> Result<Vec<HistoryRow>, TrainError> {
    seen_images(&model.architecture, train, recipe)?;
    let lengths = model.tensors.iter().map(|tensor| tensor.data.len());
    let mut training = Training {
        optimiser: recipe.optimiser.start(lengths),
        pools: ThreadPools::new(thread_budget.clone(), multiplications(model, recipe.batch)),
        augmenter: Augmenter::new(&recipe.augment, train)?,
        bilinear: BilinearStep::default(),
        model,
        train,
        test,
        recipe,
        seed,
    };
    let mut history = Vec::new();
    if recipe.evaluate_before {
        let before = training.evaluate(train)?;
        history.push(training.row(0, 0.0, before.loss_nats, before.accuracy_fraction())?);
    }
    for epoch in 0..recipe.epochs {
        let (start, epochs) = (recipe.learning_rate, recipe.epochs);
        let learning_rate = recipe.schedule.rate(start, epoch, epochs);
        let (loss, accuracy) = training.epoch(epoch, learning_rate)?;
        let row = training.row(epoch + 1, learning_rate, loss, accuracy)?;
        observe(&row);
        history.push(row);
    }
    Ok(history)
}

/// Images that an epoch sees.
///
/// # Errors
/// Returns [`TrainError::TooFewImages`] if they do not fill one batch, and [`TrainError::LoneImage`] if a batch of one image has no
/// variance.
pub(crate) fn seen_images(
    architecture: &Architecture,
    train: &DataSet,
    recipe: &Recipe,
) -> Result<usize, TrainError> {
    let Recipe {
        batch, last_batch, ..
    } = *recipe;
    let images = epoch_images(train.labels().len(), recipe.epoch_fraction);
    if last_batch == LastBatch::Dropped && images < batch {
        return Err(TrainError::TooFewImages { images, batch });
    }
    if let Some(problem) = lone_image(architecture, images, batch, last_batch) {
        return Err(TrainError::LoneImage(problem));
    }
    Ok(match last_batch {
        LastBatch::Dropped => images / batch * batch,
        LastBatch::Kept => images,
    })
}

/// Images of an epoch that takes this part of all images, at least one.
pub(crate) fn epoch_images(images: usize, fraction: f64) -> usize {
    ((images as f64 * fraction).round() as usize).clamp(images.min(1), images)
}

/// The images of an epoch, counted from 0, in random order: all images are shuffled anew for each epoch, and the first of them are taken.
pub(crate) fn epoch_order(seed: Seed, epoch: u32, images: usize, fraction: f64) -> Vec<u32> {
    let mut order: Vec<u32> = (0..images as u32).collect();
    seed.stream("shuffle", u64::from(epoch)).shuffle(&mut order);
    order.truncate(epoch_images(images, fraction));
    order
}

/// Multiplications in one step: each weight with each image and place, forward, and backward for its own gradient and for that of
/// what it reads.
fn multiplications(model: &StoredModel, batch: usize) -> f64 {
    3.0 * batch as f64 * model.architecture.multiplications()
}

/// Why `images` cannot be divided into batches: one of them has a single image, and batch normalisation of values without places
/// has no variance then.
pub(crate) fn lone_image(
    architecture: &Architecture,
    images: usize,
    batch: usize,
    last_batch: LastBatch,
) -> Option<String> {
    let smallest = match (last_batch, images % batch) {
        (LastBatch::Kept, rest @ 1..) => rest,
        _ => batch,
    };
    let mut norms = architecture.norms().map(|(_, norm)| norm);
    let norm = norms.find(|norm| norm.input.height * norm.input.width == 1)?;
    if smallest > 1 {
        return None;
    }
    let name = &norm.name;
    Some(match batch {
        1 => format!("a batch of one image has no variance for {name}; set `batch` to 2 or more"),
        _ => format!(
            "the last batch of {images} images by {batch} is one image, which has no variance for {name}; leave it out \
             (`last_batch = \"dropped\"`), or change `batch`"
        ),
    })
}

/// A model in training.
struct Training<'a> {
    model: &'a mut StoredModel,
    optimiser: Optimiser,
    pools: ThreadPools,
    augmenter: Augmenter,
    /// What steps and evaluations are computed in, if the model is a bilinear layer.
    bilinear: BilinearStep,
    train: &'a DataSet,
    test: &'a DataSet,
    recipe: &'a Recipe,
    seed: Seed,
}

impl Training<'_> {
    /// The history row of `epoch`, with the model evaluated on the test images.
    fn row(
        &mut self,
        epoch: u32,
        learning_rate: f64,
        train_loss_nats: f64,
        train_accuracy_fraction: f64,
    ) -> Result<HistoryRow, TrainError> {
        let tested = self.evaluate(self.test)?;
        if !tested.loss_nats.is_finite() {
            return Err(TrainError::DivergedTest {
                epoch,
                loss: tested.loss_nats,
                cause: likely_cause(self.recipe, self.train),
            });
        }
        Ok(HistoryRow {
            epoch,
            learning_rate,
            train_loss_nats,
            train_accuracy_fraction,
            test_loss_nats: tested.loss_nats,
            test_accuracy_fraction: tested.accuracy_fraction(),
        })
    }

    fn evaluate(&mut self, data: &DataSet) -> Result<Evaluation, TrainError> {
        let rows = evaluation_rows(&self.model.architecture).min(data.labels().len());
        if let Some(layer) = self.model.bilinear_layer(rows, false) {
            let bilinear = &mut self.bilinear;
            let evaluate = || {
                let mut layer = bilinear.evaluation(layer);
                let batches = data.batches_of(rows);
                Evaluation::of_logits(
                    batches.map(|(inputs, labels)| (layer.logits(&inputs), labels)),
                )
            };
            return Ok(self.pools.run(evaluate)?);
        }
        let device = Device::flex();
        let model = self.model.load(&device)?;
        let evaluation = self
            .pools
            .run(|| evaluate_batches(&model, data.batches_of(rows), &device))?;
        Ok(evaluation?)
    }

    /// One pass over the epoch's training images in random order: mean loss over its batches, and the fraction of
    /// its images classified correctly, both before each step and with noise.
    fn epoch(&mut self, epoch: u32, learning_rate: f64) -> Result<(f64, f64), TrainError> {
        let Recipe {
            batch: size,
            last_batch,
            epoch_fraction,
            ..
        } = *self.recipe;
        let images = self.train.labels().len();
        let mut order = epoch_order(self.seed, epoch, images, epoch_fraction);
        if last_batch == LastBatch::Dropped {
            order.truncate(order.len() / size * size);
        }
        let batches = order.len().div_ceil(size);
        let (mut loss, mut correct) = (0.0, 0);
        for (batch, rows) in order.chunks(size).enumerate() {
            let index = u64::from(epoch) * batches as u64 + batch as u64;
            let labels = rows.iter().map(|&row| self.train.labels()[row as usize]);
            let labels: Vec<u16> = labels.collect();
            let step = self.step(learning_rate, rows, &labels, index)?;
            if !step.loss_nats.is_finite() {
                return Err(TrainError::Diverged {
                    epoch: epoch + 1,
                    batch: batch + 1,
                    loss: step.loss_nats,
                    cause: likely_cause(self.recipe, self.train),
                });
            }
            loss += f64::from(step.loss_nats);
            correct += step.correct;
        }
        Ok((loss / batches as f64, correct as f64 / order.len() as f64))
    }

    /// Takes one step on the training images `rows`, batch number `index`.
    fn step(
        &mut self,
        learning_rate: f64,
        rows: &[u32],
        labels: &[u16],
        index: u64,
    ) -> Result<BatchLoss, TrainError> {
        let (model, optimiser) = (&mut *self.model, &mut self.optimiser);
        let mut batch = self.augmenter.start(self.seed, index);
        let (bilinear, train) = (&mut self.bilinear, self.train);
        let fill =
            |range: Range<usize>, inputs: &mut [f32]| batch.next(train, &rows[range], inputs);
        let step = || bilinear_step(model, bilinear, optimiser, learning_rate, labels, fill);
        if let Some(loss) = self.pools.run(step)? {
            return Ok(loss);
        }
        let (model, optimiser) = (&mut *self.model, &mut self.optimiser);
        let mut inputs = vec![0.0; rows.len() * train.shape().len()];
        batch.next(train, rows, &mut inputs);
        let mut dropout = DropoutStream::new(self.seed, index);
        let step = || {
            let masks = &mut |values, rate| dropout.mask(values, rate);
            train_step(model, optimiser, learning_rate, inputs, labels, masks)
        };
        self.pools.run(step)?
    }
}

/// As [`train_step`], by the formulas of a bilinear layer. `fill` is called for consecutive rows of the batch and overwrites their
/// inputs. Returns `None`, and does nothing, if the model is another one.
pub fn bilinear_step(
    model: &mut StoredModel,
    bilinear: &mut BilinearStep,
    optimiser: &mut Optimiser,
    learning_rate: f64,
    labels: &[u16],
    fill: impl FnMut(Range<usize>, &mut [f32]),
) -> Option<BatchLoss> {
    let layer = model.bilinear_layer(labels.len(), true)?;
    let loss = bilinear.batch(&layer, labels, fill);
    let tensors = model.tensors.iter_mut().map(|tensor| &mut tensor.data);
    optimiser.step(learning_rate, tensors, bilinear.gradients());
    Some(loss)
}

/// Takes one step on a batch of `inputs` `[labels.len(), width]`: forward with these `masks` of dropout, mean cross-entropy, backward,
/// update.
///
/// # Errors
/// Returns an error if burn does not hand back a value.
pub fn train_step(
    model: &mut StoredModel,
    optimiser: &mut Optimiser,
    learning_rate: f64,
    inputs: Vec<f32>,
    labels: &[u16],
    masks: DropoutMasks<'_>,
) -> Result<BatchLoss, TrainError> {
    let device = Device::flex().autodiff();
    let shape = [labels.len(), inputs.len() / labels.len()];
    let inputs: Tensor<2> = Tensor::from_data(TensorData::new(inputs, shape), &device);
    let on_device: Model = model.load(&device)?;
    let (logits, statistics) = on_device.forward_training(inputs, masks)?;
    let targets: Vec<i32> = labels.iter().map(|&label| i32::from(label)).collect();
    let targets: Tensor<2, Int> =
        Tensor::from_data(TensorData::new(targets, [labels.len(), 1]), &device);
    let loss = log_softmax(logits.clone(), 1)
        .gather(1, targets)
        .mean()
        .neg();

    let mut gradients = loss.backward();
    let gradients = on_device.take_gradients(&mut gradients)?;
    optimiser.step(
        learning_rate,
        model.tensors.iter_mut().map(|tensor| &mut tensor.data),
        &gradients,
    );
    model.take_statistics(statistics)?;

    let logits = values(logits.inner())?;
    Ok(BatchLoss {
        loss_nats: loss.into_scalar::<f32>(),
        correct: correct_predictions(&logits, labels),
    })
}

#[cfg(test)]
mod tests {
    use eigenscope_artifact::{InputShape, PixelTransform, Pixels};
    use eigenscope_models::networks;

    use super::*;
    use crate::initialise::initialise;
    use crate::schedule::Shape;

    #[test]
    fn each_epoch_draws_its_part_anew() {
        let order = |epoch, fraction| epoch_order(Seed(3), epoch, 40, fraction);
        let whole = order(0, 1.0);
        let mut sorted = whole.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, Vec::from_iter(0..40));
        assert_eq!(order(0, 0.25), whole[..10]);
        let parts = [0, 1, 2].map(|epoch| order(epoch, 0.25));
        let seen: std::collections::BTreeSet<u32> = parts.concat().into_iter().collect();
        assert!(seen.len() > 15, "{seen:?}");
        assert_eq!(order(0, 0.001).len(), 1);
    }

    #[test]
    fn the_number_of_threads_changes_no_bit() {
        const IMAGES: usize = 4200;
        let pixels = Pixels::new([1, 28, 28], 16, &[PixelTransform::Scale]).expect("it fits");
        let stored = (0..IMAGES * 784).map(|i| (i * i % 17) as u8).collect();
        let labels = (0..IMAGES).map(|image| (image % 3) as u16).collect();
        let data = DataSet::new(&pixels, stored, labels);
        let recipe = Recipe {
            epochs: 2,
            epoch_fraction: 1.0,
            batch: 2048,
            last_batch: LastBatch::Dropped,
            learning_rate: 1e-3,
            schedule: Schedule::new(Shape::Cosine),
            optimiser: OptimiserKind::adamw(1.0),
            augment: vec![Augmentation::Noise { std: 0.4 }],
            evaluate_before: true,
        };
        let train = |threads| {
            let classes = ["a", "b", "c"].map(str::to_owned).to_vec();
            let network = networks::bilinear(350, false);
            let architecture = network.architecture(InputShape::from([1, 28, 28]), classes);
            let architecture = architecture.expect("any input fits");
            let tensors = initialise(&architecture, Seed(1));
            let mut model = StoredModel::new(architecture, tensors).expect("its own tensors fit");
            // Large enough for three threads.
            assert!(
                ThreadPools::new(ThreadBudget::new(9), multiplications(&model, 2048)).largest() > 3
            );
            let thread_budget = ThreadBudget::new(threads);
            let history = super::train(
                &mut model,
                &data,
                &data,
                &recipe,
                Seed(2),
                &thread_budget,
                |_| {
                    // In the second epoch there are others to work with.
                    thread_budget.set(4 - threads);
                },
            );
            (history.expect("it trains"), model.tensors)
        };
        assert!(train(1) == train(3));
    }
}
