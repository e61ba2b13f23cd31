//! Training on a graphics card: the recipe in the terms of the crate `gpu`.
//!
//! Initial weights, orders of the images, inputs, augmentations and masks of dropout are those of a training on the processor, bit by bit;
//! only the order in which products are summed differs. The card transforms stored images and adds noise; other augmentations are
//! made here and handed over.

mod bilinear;
mod network;

use std::ops::Range;

use eigenscope_artifact::tables::training::HistoryRow;
use eigenscope_artifact::{PixelTransform, Pixels};
use eigenscope_gpu::{
    Card, DataSets, EpochPlan, EpochResult, EpochTraining, Evaluation, Images, Math, Optimiser,
    Preparation, RESIZES, Settings, States, StepInputs, Transform,
};
use eigenscope_models::StoredModel;
use eigenscope_stage::Seed;

pub(crate) use self::network::memory_mib;
use crate::adam::AdamConstants;
use crate::augment::{Augmentation, Augmenter};
use crate::data_set::DataSet;
use crate::divergence::likely_cause;
use crate::dropout::DropoutStream;
use crate::error::TrainError;
use crate::noise::NormalStream;
use crate::optimiser::OptimiserKind;
use crate::sgd::SgdConstants;
use crate::training::{Recipe, epoch_order, seen_images};

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
    let setup = Setup::new(math, model, (train, test), recipe, seed)?;
    let augmenter = Augmenter::new(&recipe.augment, train)?;
    let mut training = OnCard::new(card, model, &setup)?;
    let mut history = Vec::new();
    if recipe.evaluate_before {
        let [before, test] = training.epochs().evaluate()?;
        let result = EpochResult {
            train_loss: before.loss,
            train_correct: before.correct,
            test,
        };
        history.push(setup.row(0, 0.0, result, train.labels().len())?);
    }
    let mut plan = setup.plan(0);
    for epoch in 0..recipe.epochs {
        let card = training.epochs();
        card.start(&plan)?;
        while let Some(steps) = card.awaited() {
            // Images of these steps are augmented while the card works on the steps before.
            card.hand_over(&setup.augmented(&augmenter, epoch, &plan.order, steps))?;
        }
        // The next epoch is drawn while the card works.
        if epoch + 1 < recipe.epochs {
            plan = setup.plan(epoch + 1);
        }
        let result = card.finish()?;
        if !result.train_loss.is_finite() {
            return Err(setup.diverged(epoch + 1, &card.train_losses()?));
        }
        let row = setup.row(epoch + 1, setup.rate(epoch), result, setup.images)?;
        observe(&row);
        history.push(row);
    }
    training.put(model)?;
    Ok(history)
}

/// What is trained, on which images, and how.
struct Setup<'a> {
    math: Math,
    /// Standard deviation of the noise that the card adds; `None` if the processor makes the inputs of training steps.
    noise_std: Option<f64>,
    /// Images that an epoch sees.
    images: usize,
    has_dropout: bool,
    train: &'a DataSet,
    test: &'a DataSet,
    recipe: &'a Recipe,
    seed: Seed,
}

impl<'a> Setup<'a> {
    fn new(
        math: Math,
        model: &StoredModel,
        (train, test): (&'a DataSet, &'a DataSet),
        recipe: &'a Recipe,
        seed: Seed,
    ) -> Result<Self, TrainError> {
        let noise_std = match recipe.augment.as_slice() {
            [] => Some(0.0),
            [Augmentation::Noise { std }] => Some(*std),
            _ => None,
        };
        Ok(Self {
            math,
            noise_std,
            images: seen_images(&model.architecture, train, recipe)?,
            has_dropout: network::has_dropout(&model.architecture),
            train,
            test,
            recipe,
            seed,
        })
    }

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
            noise: states(self.noise_std.is_some_and(|std| std > 0.0), &|batch| {
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

    fn settings(&self) -> Settings {
        Settings {
            batch: self.recipe.batch,
            epoch_images: self.images,
            math: self.math,
            inputs: match self.noise_std {
                Some(std) => StepInputs::Stored {
                    noise_std: std as f32,
                },
                None => StepInputs::HandedOver,
            },
            optimiser: self.optimiser(),
        }
    }

    /// The inputs of some steps of an epoch.
    fn augmented(
        &self,
        augmenter: &Augmenter,
        epoch: u32,
        order: &[u32],
        steps: Range<usize>,
    ) -> Vec<f32> {
        let (batch, width) = (self.recipe.batch, self.train.shape().len());
        let first = epoch as usize * self.steps();
        let images = &order[steps.start * batch..(steps.end * batch).min(order.len())];
        let mut inputs = vec![0.0; images.len() * width];
        let rows = inputs.chunks_mut(batch * width).zip(images.chunks(batch));
        for (step, (inputs, images)) in steps.zip(rows) {
            let mut batch = augmenter.start(self.seed, (first + step) as u64);
            batch.next(self.train, images, inputs);
        }
        inputs
    }
}

/// The transforms of images in the terms of the crate `gpu`.
///
/// # Errors
/// Returns [`TrainError::NotOnCard`] if a card does not have them: for more than two resizes.
pub fn preparation(pixels: &Pixels) -> Result<Preparation, TrainError> {
    let mut channels = pixels.stored_shape()[0];
    let transforms = pixels.transforms().iter();
    let transforms = transforms.map(|transform| match transform {
        PixelTransform::Scale => Transform::Normalise {
            mean: vec![0.0; channels],
            std: vec![pixels.maximum(); channels],
        },
        PixelTransform::Normalise { mean, std } => Transform::Normalise {
            mean: mean.clone(),
            std: std.clone(),
        },
        PixelTransform::Grey => {
            channels = 1;
            Transform::Grey
        }
        PixelTransform::Resize { height, width } => Transform::Resize {
            height: *height,
            width: *width,
        },
    });
    let transforms: Vec<Transform> = transforms.collect();
    let resizes = |transform: &&Transform| matches!(transform, Transform::Resize { .. });
    if transforms.iter().filter(resizes).count() > RESIZES {
        let what = format!("more than {RESIZES} transforms `resize`");
        return Err(TrainError::NotOnCard(what));
    }
    Ok(Preparation::new(pixels.stored_shape(), &transforms)?)
}

fn images(data: &DataSet) -> Images<'_> {
    Images {
        labels: data.labels(),
        pixels: data.stored(),
    }
}

/// A training on a card.
enum OnCard {
    Bilinear(Box<bilinear::Training>),
    Network(Box<network::Training>),
}

impl OnCard {
    /// A bilinear layer has a training of its own, with fewer passes over its values.
    fn new(card: &Card, model: &StoredModel, setup: &Setup<'_>) -> Result<Self, TrainError> {
        let preparation = preparation(setup.train.pixels())?;
        let sets = DataSets {
            preparation: &preparation,
            train: images(setup.train),
            test: images(setup.test),
        };
        let settings = setup.settings();
        if bilinear::is_supported(&model.architecture) {
            let training = bilinear::start(card, model, settings, sets)?;
            return Ok(OnCard::Bilinear(Box::new(training)));
        }
        let training = network::start(card, model, settings, sets)?;
        Ok(OnCard::Network(Box::new(training)))
    }

    fn epochs(&mut self) -> &mut dyn EpochTraining {
        match self {
            OnCard::Bilinear(training) => training.as_mut(),
            OnCard::Network(training) => training.as_mut(),
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
