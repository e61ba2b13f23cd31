//! Training on a graphics card: the recipe in the terms of the crate `gpu`.
//!
//! Initial weights, orders of the images, noise and masks of dropout are those of a training on the processor, bit by bit; only the order
//! in which products are summed differs.

mod bilinear;
mod network;

use eigenscope_artifact::tables::training::HistoryRow;
use eigenscope_gpu::{
    Card, EpochPlan, EpochResult, Evaluation, GpuError, Images, Math, Optimiser, States,
};
use eigenscope_models::StoredModel;
use eigenscope_stage::Seed;

pub(crate) use self::network::memory_mib;
use crate::adam::AdamConstants;
use crate::augment::Augmentation;
use crate::data_set::DataSet;
use crate::divergence::likely_cause;
use crate::dropout::DropoutStream;
use crate::error::TrainError;
use crate::noise::NormalStream;
use crate::optimiser::OptimiserKind;
use crate::sgd::SgdConstants;
use crate::training::{LastBatch, Recipe, epoch_order, seen_images};

/// Trains `model` in place on `card`, and returns one row per epoch, each of which is passed to `observe` as it is made:
/// [`train`](crate::train) on a card.
///
/// # Errors
/// Returns [`TrainError::NotOnCard`] for a recipe that cards do not train, the errors of [`train`](crate::train), and those of the
/// card.
pub fn train_on_card(
    card: &Card,
    math: Math,
    model: &mut StoredModel,
    (train, test): (&DataSet, &DataSet),
    recipe: &Recipe,
    seed: Seed,
    mut observe: impl FnMut(&HistoryRow),
) -> Result<Vec<HistoryRow>, TrainError> {
    let setup = Setup {
        math,
        noise_std: noise_std(recipe)?,
        images: seen_images(&model.architecture, train, recipe)?,
        has_dropout: network::has_dropout(&model.architecture),
        train,
        test,
        recipe,
        seed,
    };
    let mut training = OnCard::new(card, model, &setup)?;
    let mut history = Vec::new();
    if recipe.evaluate_before {
        let [before, test] = training.evaluate()?;
        let result = EpochResult {
            train_loss: before.loss,
            train_correct: before.correct,
            test,
        };
        history.push(setup.row(0, 0.0, result, train.labels().len())?);
    }
    let mut next = setup.plan(0);
    for epoch in 0..recipe.epochs {
        training.start(&next)?;
        // The next epoch is drawn while the card works.
        if epoch + 1 < recipe.epochs {
            next = setup.plan(epoch + 1);
        }
        let result = training.finish()?;
        if !result.train_loss.is_finite() {
            return Err(setup.diverged(epoch + 1, &training.train_losses()?));
        }
        let row = setup.row(epoch + 1, setup.rate(epoch), result, setup.images)?;
        observe(&row);
        history.push(row);
    }
    training.put(model)?;
    Ok(history)
}

/// Standard deviation of the noise on training inputs.
fn noise_std(recipe: &Recipe) -> Result<f64, TrainError> {
    match recipe.augment.as_slice() {
        [] => Ok(0.0),
        [Augmentation::Noise { std }] => Ok(*std),
        _ => Err(TrainError::NotOnCard("`augment`".to_owned())),
    }
}

/// What is trained, on which images, and how.
struct Setup<'a> {
    math: Math,
    noise_std: f64,
    /// Images that an epoch sees.
    images: usize,
    has_dropout: bool,
    train: &'a DataSet,
    test: &'a DataSet,
    recipe: &'a Recipe,
    seed: Seed,
}

impl Setup<'_> {
    fn steps(&self) -> usize {
        self.images.div_ceil(self.recipe.batch)
    }

    /// The learning rate of an epoch, counted from 0.
    fn rate(&self, epoch: u32) -> f64 {
        let recipe = self.recipe;
        recipe
            .schedule
            .rate(recipe.learning_rate, epoch, recipe.epochs)
    }

    /// The optimiser, with its constants as the processor rounds them.
    fn optimiser(&self) -> Optimiser {
        let adam = |constants: AdamConstants, penalty: f64| Optimiser::Adam {
            constants: [
                (1.0 - constants.betas[0]) as f32,
                constants.betas[1] as f32,
                (1.0 - constants.betas[1]) as f32,
                constants.epsilon as f32,
            ],
            penalty: penalty as f32,
        };
        match self.recipe.optimiser {
            OptimiserKind::AdamW(constants) => adam(constants, 0.0),
            OptimiserKind::Adam(constants) => adam(constants, constants.weight_decay),
            OptimiserKind::Sgd(SgdConstants {
                momentum,
                nesterov,
                weight_decay,
            }) => Optimiser::Sgd {
                momentum: momentum as f32,
                weight_decay: weight_decay as f32,
                nesterov,
            },
        }
    }

    /// What the optimiser needs for step number `step`, counted from 1 over all epochs.
    fn step_numbers(&self, rate: f64, step: u64) -> [f32; 3] {
        let step = i32::try_from(step).unwrap_or(i32::MAX);
        match self.recipe.optimiser {
            OptimiserKind::AdamW(constants) => constants.step(rate, step),
            OptimiserKind::Adam(constants) => {
                let [_, rate, root] = constants.step(rate, step);
                [1.0, rate, root]
            }
            OptimiserKind::Sgd(_) => [rate as f32, 0.0, 0.0],
        }
    }

    /// What epoch number `epoch`, counted from 0, draws, as on the processor.
    fn plan(&self, epoch: u32) -> EpochPlan {
        let images = self.train.labels().len();
        let mut order = epoch_order(self.seed, epoch, images, self.recipe.epoch_fraction);
        order.truncate(self.images);
        let rate = self.rate(epoch);
        let steps = self.steps() as u64;
        let first = u64::from(epoch) * steps;
        let batches = first..first + steps;
        let states = |is_drawn: bool, state: &dyn Fn(u64) -> States| match is_drawn {
            true => batches.clone().map(state).collect(),
            false => Vec::new(),
        };
        EpochPlan {
            order,
            schedule: batches
                .clone()
                .map(|batch| self.step_numbers(rate, batch + 1))
                .collect(),
            noise: states(self.noise_std > 0.0, &|batch| {
                NormalStream::new(self.seed, "noise", batch).state_words()
            }),
            dropout: states(self.has_dropout, &|batch| {
                DropoutStream::new(self.seed, batch).state_words()
            }),
        }
    }

    /// The row of an epoch, counted from 1, which has seen so many images.
    fn row(
        &self,
        epoch: u32,
        learning_rate: f64,
        result: EpochResult,
        images: usize,
    ) -> Result<HistoryRow, TrainError> {
        let Evaluation { loss, correct } = result.test;
        if !loss.is_finite() {
            return Err(TrainError::DivergedTest {
                epoch,
                loss,
                cause: likely_cause(self.recipe, self.train),
            });
        }
        Ok(HistoryRow {
            epoch,
            learning_rate,
            train_loss_nats: result.train_loss,
            train_accuracy_fraction: result.train_correct / images as f64,
            test_loss_nats: loss,
            test_accuracy_fraction: correct / self.test.labels().len() as f64,
        })
    }

    /// Where an epoch with these losses has diverged.
    fn diverged(&self, epoch: u32, losses: &[f32]) -> TrainError {
        let place = losses.iter().position(|loss| !loss.is_finite());
        let place = place.unwrap_or(0);
        TrainError::Diverged {
            epoch,
            batch: place / self.recipe.batch + 1,
            loss: losses.get(place).copied().unwrap_or(f32::NAN),
            cause: likely_cause(self.recipe, self.train),
        }
    }

    /// Calls `new` with the images of both splits.
    fn with_images<T>(
        &self,
        new: impl FnOnce(Images<'_>, Images<'_>) -> Result<T, GpuError>,
    ) -> Result<T, TrainError> {
        let [mut trained, mut tested] = [self.train, self.test]
            .map(|data| data.batches().map(|(inputs, _)| inputs.into_owned()));
        let train = Images {
            labels: self.train.labels(),
            inputs: &mut trained,
        };
        let test = Images {
            labels: self.test.labels(),
            inputs: &mut tested,
        };
        Ok(new(train, test)?)
    }
}

/// A training on a card.
enum OnCard {
    Bilinear(Box<bilinear::Training>),
    Network(Box<network::Training>),
}

impl OnCard {
    /// A bilinear layer has a training of its own, with fewer passes over its values; of whole batches of all images.
    fn new(card: &Card, model: &StoredModel, setup: &Setup<'_>) -> Result<Self, TrainError> {
        let recipe = setup.recipe;
        let is_plain = recipe.last_batch == LastBatch::Dropped
            && recipe.epoch_fraction == 1.0
            && !recipe.evaluate_before;
        if is_plain && bilinear::is_supported(&model.architecture) {
            let training = bilinear::start(card, model, setup)?;
            return Ok(OnCard::Bilinear(Box::new(training)));
        }
        let training = network::start(card, model, setup)?;
        Ok(OnCard::Network(Box::new(training)))
    }

    fn start(&mut self, plan: &EpochPlan) -> Result<(), GpuError> {
        match self {
            OnCard::Bilinear(training) => training.start(plan),
            OnCard::Network(training) => training.start(plan),
        }
    }

    fn finish(&mut self) -> Result<EpochResult, GpuError> {
        match self {
            OnCard::Bilinear(training) => training.finish(),
            OnCard::Network(training) => training.finish(),
        }
    }

    /// How both splits do now.
    fn evaluate(&mut self) -> Result<[Evaluation; 2], TrainError> {
        match self {
            OnCard::Network(training) => Ok(training.evaluate()?),
            OnCard::Bilinear(_) => {
                let what = "an evaluation before training";
                Err(TrainError::NotOnCard(what.to_owned()))
            }
        }
    }

    fn train_losses(&self) -> Result<Vec<f32>, GpuError> {
        match self {
            OnCard::Bilinear(training) => training.train_losses(),
            OnCard::Network(training) => training.train_losses(),
        }
    }

    /// Puts the trained tensors into the model.
    fn put(&self, model: &mut StoredModel) -> Result<(), TrainError> {
        match self {
            OnCard::Bilinear(training) => bilinear::put(model, training.weights()?),
            OnCard::Network(training) => {
                for (tensor, values) in model.tensors.iter_mut().zip(training.tensors()?) {
                    tensor.data = values;
                }
                Ok(())
            }
        }
    }
}
