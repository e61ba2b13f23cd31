//! The task kind `network`: a network of the user's own, its steps listed in the pipeline file.

mod examine;
mod optimiser;
mod schedule;

use eigenscope_artifact::tables::training::HistoryRow;
use eigenscope_artifact::{IMAGES, TENSORS};
use eigenscope_models::steps::{StepErrors, StepList};
use eigenscope_stage::{
    Context, Fault, Feature, Parameter, ParameterType, Role, TaskError, TaskKind, task_function,
};
use serde::Deserialize;
use serde_json::Value;

use self::optimiser::{ChosenOptimiser, optimiser};
use self::schedule::{ChosenSchedule, schedule};
use crate::augment::{Augmentation, augment};
use crate::task::{MathName, batch, epochs, math, train_model};
use crate::training::{LastBatch, Recipe};

/// What models of this kind are called.
const NAME: &str = "network";

/// Memory of a card in MiB for a small network on data of MNIST's size; what it is for a list of steps is told when that is examined.
const CARD_MIB: u64 = 1024;

pub(crate) fn kind() -> TaskKind {
    let step = ParameterType::free("a step such as \"relu\" or { linear = 10 }");
    let parameters = [
        Parameter::required(
            "steps",
            ParameterType::list(step),
            "the steps of the network, from images to one output for each class",
        ),
        Parameter::optional(
            "optimiser",
            optimiser(),
            optimiser::default(),
            "what makes steps of gradients, with its learning rate",
        ),
        Parameter::optional(
            "schedule",
            schedule(),
            schedule::default(),
            "the learning rate from epoch to epoch",
        ),
        epochs(10),
        Parameter::optional(
            "epoch_fraction",
            ParameterType::positive(1.0),
            1.0,
            "part of the training images that an epoch takes, drawn anew for each epoch",
        )
        .proportional(1.0),
        batch(128, "images a step"),
        Parameter::optional(
            "last_batch",
            ParameterType::choice(&["kept", "dropped"]),
            "kept",
            "whether the last batch of an epoch is a step, although it may be smaller, or left out",
        ),
        augment(),
        math(),
    ];
    TaskKind::new(
        NAME,
        "train a network of your own, whose steps are listed",
        task_function!(run),
    )
    .parameters::<Parameters>(parameters)
    .reads(Role::one("data", IMAGES, "images to train and test on"))
    .writes(TENSORS)
    .writes(HistoryRow::KIND)
    .provides([Feature::flag(NAME)])
    .provides(Feature::of_images("data"))
    .random()
    .lendable_threads(15)
    .on_cards(CARD_MIB)
    .seconds(60.0)
    .examined_by(examine::examine)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    steps: Vec<Value>,
    optimiser: ChosenOptimiser,
    schedule: ChosenSchedule,
    epochs: u32,
    epoch_fraction: f64,
    batch: usize,
    last_batch: LastBatch,
    augment: Vec<Augmentation>,
    math: MathName,
}

impl Parameters {
    /// Settings that cannot be used together.
    fn faults(&self) -> impl Iterator<Item = Fault> {
        let optimiser = self.optimiser.fault();
        optimiser
            .into_iter()
            .chain(self.schedule.faults(self.epochs))
    }

    fn recipe(self) -> Recipe {
        let (learning_rate, optimiser) = self.optimiser.split();
        Recipe {
            epochs: self.epochs,
            epoch_fraction: self.epoch_fraction,
            batch: self.batch,
            last_batch: self.last_batch,
            learning_rate,
            schedule: self.schedule.into(),
            optimiser,
            augment: self.augment,
            evaluate_before: false,
        }
    }
}

fn run(context: &Context) -> Result<(), TaskError> {
    let mut parameters: Parameters = context.parameters()?;
    if let Some(fault) = parameters.faults().next() {
        return Err(fault.message.into());
    }
    let steps = Value::Array(std::mem::take(&mut parameters.steps));
    let steps = StepList::parse(&steps).map_err(|errors| of_steps(&errors))?;
    train_model(
        context,
        |input, classes| {
            let architecture = steps.architecture(NAME, input, classes);
            architecture.map_err(|errors| of_steps(&errors))
        },
        parameters.math,
        &parameters.recipe(),
    )
}

/// The errors of a list of steps as one of the parameter `steps`.
fn of_steps(errors: &StepErrors) -> TaskError {
    let errors = errors.all().iter().map(|error| {
        let separator = if error.path.is_empty() { ": " } else { "" };
        format!("steps{separator}{error}")
    });
    errors.collect::<Vec<_>>().join("; ").into()
}
