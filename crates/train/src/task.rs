//! What all training tasks share: reading the images, training, writing weights and history.

use eigenscope_artifact::tables::training::HistoryRow;
use eigenscope_artifact::{About, IMAGES, ImageReader, InputShape, Split, TENSORS};
use eigenscope_gpu::{Card, Libraries, Math};
use eigenscope_models::{Architecture, ModelError, Network, StoredModel};
use eigenscope_stage::{
    AssignedCard, CardLibraries, Context, Feature, Parameter, ParameterType, Role, TaskError,
    TaskFunction, TaskKind,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::data_set::DataSet;
use crate::description::{
    IMAGES as MNIST_IMAGES, features, mark_sizes, proportional, room, seconds,
};
use crate::error::TrainError;
use crate::initialise::initialise;
use crate::on_card::{memory_mib, train_on_card};
use crate::training::{Recipe, train};

/// The task kind that trains `network` and bears its name. The sizes given here are typical ones.
pub(crate) fn training_kind<P: DeserializeOwned>(
    network: &Network,
    summary: &str,
    mut parameters: Vec<Parameter>,
    run: TaskFunction,
) -> TaskKind {
    let epochs = parameters
        .iter()
        .find(|parameter| parameter.name == "epochs");
    let epochs = epochs.and_then(|epochs| epochs.duration_unit);
    let card_mib = card_mib(network, &parameters);
    let seconds = seconds(network, epochs.unwrap_or(1.0));
    mark_sizes(network, &mut parameters);
    let data = Role::one("data", IMAGES, "images to train and test on");
    let data = proportional(network, data);
    TaskKind::new(network.name(), summary, run)
        .parameters::<P>(parameters)
        .reads(room(network).into_iter().fold(data, Role::demands))
        .writes(TENSORS)
        .writes(HistoryRow::KIND)
        .provides(features(network))
        .provides(Feature::of_images("data"))
        .random()
        .lendable_threads(15)
        .seconds(seconds)
        .on_cards(card_mib)
}

/// Memory of a card for a typical network on data of MNIST's size, with the batch that is the default, in MiB.
fn card_mib(network: &Network, parameters: &[Parameter]) -> u64 {
    let batch = parameters
        .iter()
        .find(|parameter| parameter.name == "batch");
    let batch = batch.and_then(|batch| batch.default.as_ref()?.as_u64());
    let batch = batch.and_then(|batch| usize::try_from(batch).ok());
    let typical = network.typical().ok();
    let mib = typical.and_then(|typical| {
        memory_mib(
            &typical,
            typical.input.len(),
            batch.unwrap_or(USUAL_BATCH),
            MNIST_IMAGES as usize,
        )
    });
    mib.unwrap_or(USUAL_CARD_MIB)
}

/// Images a step where no default is known, and memory of a card for a network that cards have no room for.
const USUAL_BATCH: usize = 128;
const USUAL_CARD_MIB: u64 = 1024;

pub(crate) fn epochs(default: u32) -> Parameter {
    Parameter::optional(
        "epochs",
        count(1_000_000),
        default,
        "passes over the training images",
    )
    .proportional(f64::from(default))
}

/// The parameter `math`.
pub(crate) fn math() -> Parameter {
    Parameter::optional(
        "math",
        ParameterType::choice(&["f32", "tf32"]),
        "f32",
        "arithmetic of matrix products: f32, or on a graphics card tf32, factors with 10 bits of mantissa",
    )
    .for_cards()
}

/// Names of [`Math`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MathName {
    F32,
    Tf32,
}

impl From<MathName> for Math {
    fn from(name: MathName) -> Self {
        match name {
            MathName::F32 => Math::F32,
            MathName::Tf32 => Math::Tf32,
        }
    }
}

/// Summary of the parameter `batch` where no image is left out.
pub(crate) const LAST_BATCH: &str = "images a step; the last batch of an epoch may be smaller";

pub(crate) fn batch(default: u32, summary: &str) -> Parameter {
    Parameter::optional("batch", count(1 << 24), default, summary)
}

pub(crate) fn learning_rate(default: f64, summary: &str) -> Parameter {
    Parameter::optional(
        "learning_rate",
        ParameterType::positive(1e6),
        default,
        summary,
    )
}

/// A whole number from 1.
pub(crate) fn count(maximum: i64) -> ParameterType {
    ParameterType::Integer {
        minimum: 1,
        maximum,
    }
}

/// Trains `network` on the task's images by `recipe`, on a card if the task has one.
pub(crate) fn train_network(
    context: &Context,
    network: &Network,
    math: MathName,
    recipe: &Recipe,
) -> Result<(), TaskError> {
    let build = |input, classes| {
        let architecture = network.architecture(input, classes);
        Ok(architecture.map_err(|source| too_small(input, source))?)
    };
    train_model(context, build, math, recipe)
}

/// Trains a model on the task's images by `recipe`, on a card if the task has one. `build` makes its architecture for the shape of the
/// images and the names of their classes.
pub(crate) fn train_model(
    context: &Context,
    build: impl FnOnce(InputShape, Vec<String>) -> Result<Architecture, TaskError>,
    math: MathName,
    recipe: &Recipe,
) -> Result<(), TaskError> {
    let card = match (context.card()?, math) {
        (Some(assigned), _) => Some(open(assigned)?),
        (None, MathName::F32) => None,
        (None, MathName::Tf32) => {
            return Err(
                "`math = \"tf32\"` is for graphics cards, and the task computes on the processor"
                    .into(),
            );
        }
    };
    let (input, classes, train_set, test_set) = read(context)?;
    let architecture = build(input, classes)?;
    let initial = initialise(&architecture, context.seed());
    let mut model = StoredModel::new(architecture, initial)?;
    let seed = context.seed();
    let observe = |row: &HistoryRow| observe(context, recipe, row);
    if let Some((card, versions)) = card {
        let sets = (&train_set, &test_set);
        let history = train_on_card(&card, math.into(), &mut model, sets, recipe, seed, observe)?;
        return write(&context.computed_by(versions), &model, &history);
    }
    let [train_set, test_set] = [train_set, test_set].map(DataSet::made_ready);
    let threads = context.thread_budget();
    let history = train(
        &mut model, &train_set, &test_set, recipe, seed, threads, observe,
    )?;
    write(context, &model, &history)
}

/// Opens the card of a task; with its versions and those of its libraries.
fn open(assigned: &AssignedCard) -> Result<(Card, String), TrainError> {
    let CardLibraries {
        driver,
        nvrtc,
        cublas,
    } = assigned.libraries.clone();
    let libraries = Libraries {
        driver,
        nvrtc,
        cublas,
    };
    let card = Card::open(&libraries, assigned.index)?;
    let versions = card.versions()?;
    tracing::info!(card = versions, "computing on a graphics card");
    Ok((card, versions))
}

/// Reports an epoch.
fn observe(context: &Context, recipe: &Recipe, row: &HistoryRow) {
    context.progress(
        u64::from(row.epoch),
        u64::from(recipe.epochs),
        "epochs",
        format!(
            "loss {:.4}, test accuracy {:.4}",
            row.train_loss_nats, row.test_accuracy_fraction
        ),
    );
    tracing::info!(
        epoch = row.epoch,
        train_loss = row.train_loss_nats,
        train_accuracy = row.train_accuracy_fraction,
        test_loss = row.test_loss_nats,
        test_accuracy = row.test_accuracy_fraction,
    );
}

fn write(context: &Context, model: &StoredModel, history: &[HistoryRow]) -> Result<(), TaskError> {
    model.write(context.output(TENSORS)?, context.provenance())?;
    let about = About {
        classes: Some(model.architecture.classes.len() as u64),
        ..About::default()
    };
    context.write_about(history, &about)
}

/// Adds the size of the images to the error of a convolution without room.
fn too_small(input: InputShape, source: ModelError) -> TrainError {
    match source {
        ModelError::TooSmall { .. } => TrainError::TooSmall {
            height: input.height,
            width: input.width,
            source,
        },
        other => other.into(),
    }
}

/// Shape of the inputs, class names, training and test images as the network sees them.
fn read(context: &Context) -> Result<(InputShape, Vec<String>, DataSet, DataSet), TaskError> {
    let path = context.path("data")?;
    let reader = ImageReader::open(path)?;
    let pixels = reader.pixels().clone();
    let images = reader.read()?;
    let data = |name, split: Split| {
        if split.is_empty() {
            return Err(TrainError::EmptySplit {
                split: name,
                path: path.display().to_string(),
            });
        }
        Ok(DataSet::new(&pixels, split.pixels, split.labels))
    };
    let input = InputShape::from(pixels.output_shape());
    let (train, test) = (data("train", images.train)?, data("test", images.test)?);
    Ok((input, images.header.classes, train, test))
}
