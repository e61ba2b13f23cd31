//! Training of a bilinear layer on a graphics card: the recipe in the terms of the crate `gpu`.
//!
//! Initial weights, orders of the images and noise are those of a training on the processor, bit by bit; only the order in which
//! products are summed differs.

use eigenscope_artifact::tables::training::HistoryRow;
use eigenscope_gpu::bilinear::{EpochPlan, EpochSums, Images, Settings, Sizes, Training, Weights};
use eigenscope_gpu::{Card, Math};
use eigenscope_models::{BilinearWeights, StoredModel};
use eigenscope_stage::Seed;

use crate::adam::AdamConstants;
use crate::augment::Augmentation;
use crate::data_set::DataSet;
use crate::divergence::likely_cause;
use crate::error::TrainError;
use crate::noise::NormalStream;
use crate::optimiser::OptimiserKind;
use crate::training::{LastBatch, Recipe};

/// Trains `model`, one bilinear layer, in place on `card`, and returns one row per epoch, each of which is passed to `observe` as it
/// is made: [`train`](crate::train) on a card.
///
/// # Errors
/// Returns [`TrainError::NotOnCard`] for a network or recipe that cards do not train, the errors of [`train`](crate::train), and those
/// of the card.
pub fn train_on_card(
    card: &Card,
    math: Math,
    model: &mut StoredModel,
    (train, test): (&DataSet, &DataSet),
    recipe: &Recipe,
    seed: Seed,
    mut observe: impl FnMut(&HistoryRow),
) -> Result<Vec<HistoryRow>, TrainError> {
    let (constants, noise_std) = supported(recipe)?;
    let images = train.labels().len();
    if images < recipe.batch {
        return Err(TrainError::TooFewImages {
            images,
            batch: recipe.batch,
        });
    }
    let (sizes, weights) = weights(model)?;
    let settings = Settings {
        batch: recipe.batch,
        math,
        noise_std: noise_std as f32,
        constants: [
            (1.0 - constants.betas[0]) as f32,
            constants.betas[1] as f32,
            (1.0 - constants.betas[1]) as f32,
            constants.epsilon as f32,
        ],
    };
    let [mut trained, mut tested] =
        [train, test].map(|data| data.batches().map(|(inputs, _)| inputs.into_owned()));
    let mut training = Training::new(
        card,
        sizes,
        settings,
        &weights,
        Images {
            labels: train.labels(),
            inputs: &mut trained,
        },
        Images {
            labels: test.labels(),
            inputs: &mut tested,
        },
    )?;
    let plan = |epoch| plan(recipe, constants, noise_std, images, seed, epoch);
    let mut history = Vec::new();
    let mut next = plan(0);
    for epoch in 0..recipe.epochs {
        training.start(&next)?;
        // The next epoch is drawn while the card works.
        if epoch + 1 < recipe.epochs {
            next = plan(epoch + 1);
        }
        let sums = training.finish()?;
        let row = row(recipe, (train, test), epoch, sums, || {
            training.train_losses()
        })?;
        observe(&row);
        history.push(row);
    }
    put(model, training.weights()?)?;
    Ok(history)
}

/// The constants of AdamW and the standard deviation of the noise.
fn supported(recipe: &Recipe) -> Result<(AdamConstants, f64), TrainError> {
    let refuse = |what: &str| Err(TrainError::NotOnCard(what.to_owned()));
    let OptimiserKind::AdamW(constants) = recipe.optimiser else {
        return refuse("an optimiser other than AdamW");
    };
    let noise = match recipe.augment.as_slice() {
        [] => 0.0,
        [Augmentation::Noise { std }] => *std,
        _ => return refuse("`augment`"),
    };
    if recipe.last_batch == LastBatch::Kept {
        return refuse("a last batch of another size");
    }
    if recipe.evaluate_before {
        return refuse("an evaluation before training");
    }
    Ok((constants, noise))
}

/// What epoch number `epoch` draws, as on the processor.
fn plan(
    recipe: &Recipe,
    constants: AdamConstants,
    noise_std: f64,
    images: usize,
    seed: Seed,
    epoch: u32,
) -> EpochPlan {
    let steps = images / recipe.batch;
    let mut order: Vec<u32> = (0..images as u32).collect();
    seed.stream("shuffle", u64::from(epoch)).shuffle(&mut order);
    order.truncate(steps * recipe.batch);
    let rate = recipe
        .schedule
        .rate(recipe.learning_rate, epoch, recipe.epochs);
    let first = u64::from(epoch) * steps as u64;
    let batches = first..first + steps as u64;
    let schedule = batches.clone().map(|batch| {
        let step = i32::try_from(batch + 1).unwrap_or(i32::MAX);
        constants.step(rate, step)
    });
    let noise = batches.clone().filter(|_| noise_std > 0.0);
    EpochPlan {
        order,
        schedule: schedule.collect(),
        noise: noise
            .map(|batch| NormalStream::new(seed, "noise", batch).state_words())
            .collect(),
    }
}

fn row(
    recipe: &Recipe,
    (train, test): (&DataSet, &DataSet),
    epoch: u32,
    sums: EpochSums,
    losses: impl FnOnce() -> Result<Vec<f32>, eigenscope_gpu::GpuError>,
) -> Result<HistoryRow, TrainError> {
    let EpochSums {
        train_loss,
        train_correct,
        test_loss,
        test_correct,
    } = sums;
    let number = epoch + 1;
    if !train_loss.is_finite() {
        let losses = losses()?;
        let place = losses
            .iter()
            .position(|loss| !loss.is_finite())
            .unwrap_or(0);
        return Err(TrainError::Diverged {
            epoch: number,
            batch: place / recipe.batch + 1,
            loss: losses.get(place).copied().unwrap_or(f32::NAN),
            cause: likely_cause(recipe, train),
        });
    }
    let tested = test.labels().len() as f64;
    let loss = test_loss / tested;
    if !loss.is_finite() {
        return Err(TrainError::DivergedTest {
            epoch: number,
            loss,
            cause: likely_cause(recipe, train),
        });
    }
    let trained = (train.labels().len() / recipe.batch * recipe.batch) as f64;
    Ok(HistoryRow {
        epoch: number,
        learning_rate: recipe
            .schedule
            .rate(recipe.learning_rate, epoch, recipe.epochs),
        train_loss_nats: train_loss / trained,
        train_accuracy_fraction: train_correct / trained,
        test_loss_nats: loss,
        test_accuracy_fraction: test_correct / tested,
    })
}

/// The weights of a model that is one bilinear layer.
fn weights(model: &StoredModel) -> Result<(Sizes, Weights), TrainError> {
    let BilinearWeights {
        inputs,
        hidden,
        classes,
        embed,
        mut left,
        right,
        bias,
        unembed,
        residual,
    } = BilinearWeights::new(model, "training on a card")?;
    if residual {
        return Err(TrainError::NotOnCard("`residual`".to_owned()));
    }
    left.extend(right);
    let has_bias = bias.is_some();
    let bias = bias.map_or_else(Vec::new, |(left, right)| [left, right].concat());
    let sizes = Sizes {
        inputs,
        hidden,
        classes,
        bias: has_bias,
    };
    let weights = Weights {
        embed,
        gate: left,
        bias,
        unembed,
    };
    Ok((sizes, weights))
}

/// Puts trained weights into the model.
fn put(model: &mut StoredModel, weights: Weights) -> Result<(), TrainError> {
    let layers = model.architecture.bilinear("training on a card")?;
    let names = [
        layers.embed.weight(),
        layers.gate.weight(),
        layers.gate.bias_name(),
        layers.unembed.weight(),
    ];
    let values = [weights.embed, weights.gate, weights.bias, weights.unembed];
    for (name, values) in names.into_iter().zip(values) {
        if let Some(tensor) = model.tensors.iter_mut().find(|tensor| tensor.name == name) {
            tensor.data = values;
        }
    }
    Ok(())
}
