//! The training loop: batches, steps, evaluation after every epoch.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};
use eigenscope_artifact::HistoryRow;
use eigenscope_models::{Evaluation, Model, StoredModel, evaluate_batches};
use eigenscope_stage::Seed;

use crate::data_set::DataSet;
use crate::error::TrainError;
use crate::noise::NormalStream;
use crate::optimiser::{Optimiser, OptimiserKind, Schedule};

/// How to train.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recipe {
    /// Passes over the training images.
    pub epochs: u32,
    /// Images a step.
    pub batch: usize,
    /// What happens to the last batch of an epoch when it is smaller.
    pub last_batch: LastBatch,
    /// Learning rate of the first epoch.
    pub learning_rate: f64,
    /// How it changes.
    pub schedule: Schedule,
    /// Which optimiser.
    pub optimiser: OptimiserKind,
    /// Standard deviation of the noise added to every training input.
    pub noise_std: f64,
    /// Whether the history begins with a row for epoch 0, evaluated before training.
    pub evaluate_before: bool,
}

/// What happens to a last batch smaller than the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastBatch {
    /// Its images are left out of the epoch.
    Dropped,
    /// It is a step like the others.
    Kept,
}

/// Loss (before the step) and correct answers of one batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepResult {
    /// Mean cross-entropy of the batch, in nats.
    pub loss_nats: f32,
    /// Images classified correctly.
    pub correct: usize,
}

/// Trains `model` in place and returns one row an epoch. `observe` is told each row as it is made.
///
/// # Errors
/// Too few images for one batch, or a loss that is no longer finite.
pub fn fit(
    model: &mut StoredModel,
    train: &DataSet,
    test: &DataSet,
    recipe: &Recipe,
    seed: Seed,
    mut observe: impl FnMut(&HistoryRow),
) -> Result<Vec<HistoryRow>, TrainError> {
    let images = train.labels().len();
    if recipe.last_batch == LastBatch::Dropped && images < recipe.batch {
        return Err(TrainError::TooFewImages {
            images,
            batch: recipe.batch,
        });
    }
    let lengths = model.tensors.iter().map(|tensor| tensor.data.len());
    let mut optimiser = recipe.optimiser.start(lengths);
    let mut history = Vec::new();
    if recipe.evaluate_before {
        let trained = evaluate_stored(model, train)?;
        history.push(row(
            0,
            0.0,
            trained.loss_nats,
            trained.accuracy_fraction(),
            model,
            test,
        )?);
    }
    for epoch in 0..recipe.epochs {
        let learning_rate = recipe
            .schedule
            .rate(recipe.learning_rate, epoch, recipe.epochs);
        let (loss, accuracy) = train_epoch(
            model,
            &mut optimiser,
            learning_rate,
            train,
            recipe,
            seed,
            epoch,
        )?;
        history.push(row(epoch + 1, learning_rate, loss, accuracy, model, test)?);
        history.last().into_iter().for_each(&mut observe);
    }
    Ok(history)
}

/// The history row of `epoch`, with `model` evaluated on the test images.
fn row(
    epoch: u32,
    learning_rate: f64,
    train_loss_nats: f64,
    train_accuracy_fraction: f64,
    model: &StoredModel,
    test: &DataSet,
) -> Result<HistoryRow, TrainError> {
    let tested = evaluate_stored(model, test)?;
    if !tested.loss_nats.is_finite() {
        return Err(TrainError::DivergedTest {
            epoch,
            loss: tested.loss_nats,
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

fn evaluate_stored(model: &StoredModel, data: &DataSet) -> Result<Evaluation, TrainError> {
    let device = Device::flex();
    Ok(evaluate_batches(
        &model.load(&device)?,
        data.batches(),
        &device,
    )?)
}

/// One pass over the training images in random order: mean loss over its batches, and the fraction of
/// its images classified correctly, both before each step and with noise.
fn train_epoch(
    model: &mut StoredModel,
    optimiser: &mut Optimiser,
    learning_rate: f64,
    train: &DataSet,
    recipe: &Recipe,
    seed: Seed,
    epoch: u32,
) -> Result<(f64, f64), TrainError> {
    let images = train.labels().len();
    let mut order: Vec<u32> = (0..images as u32).collect();
    seed.stream("shuffle", u64::from(epoch)).shuffle(&mut order);
    if recipe.last_batch == LastBatch::Dropped {
        order.truncate(images / recipe.batch * recipe.batch);
    }
    let batches = order.len().div_ceil(recipe.batch);
    let (mut loss, mut correct) = (0.0, 0);
    for (batch, rows) in order.chunks(recipe.batch).enumerate() {
        let index = u64::from(epoch) * batches as u64 + batch as u64;
        let mut noise = NormalStream::new(seed, "noise", index);
        let inputs = train.noisy(rows, &mut noise, recipe.noise_std as f32);
        let labels: Vec<u16> = rows
            .iter()
            .map(|&row| train.labels()[row as usize])
            .collect();
        let step = train_step(model, optimiser, learning_rate, inputs, &labels)?;
        if !step.loss_nats.is_finite() {
            return Err(TrainError::Diverged {
                epoch: epoch + 1,
                batch: batch + 1,
                loss: step.loss_nats,
            });
        }
        loss += f64::from(step.loss_nats);
        correct += step.correct;
    }
    Ok((loss / batches as f64, correct as f64 / order.len() as f64))
}

/// One step on a batch of `inputs` `[labels.len(), width]`: forward, mean cross-entropy, backward, update.
///
/// # Errors
/// burn cannot hand back a value.
pub fn train_step(
    model: &mut StoredModel,
    optimiser: &mut Optimiser,
    learning_rate: f64,
    inputs: Vec<f32>,
    labels: &[u16],
) -> Result<StepResult, TrainError> {
    let device = Device::flex().autodiff();
    let shape = [labels.len(), inputs.len() / labels.len()];
    let inputs: Tensor<2> = Tensor::from_data(TensorData::new(inputs, shape), &device);
    let on_device: Model = model.load(&device)?;
    let (logits, statistics) = on_device.forward_training(inputs);
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

    let logits = logits.inner().into_data().try_into_vec::<f32>();
    let logits =
        logits.map_err(|error| eigenscope_models::ModelError::Values(format!("{error:?}")))?;
    Ok(StepResult {
        loss_nats: loss.into_scalar::<f32>(),
        correct: Evaluation::of_logits(&logits, labels).correct,
    })
}
