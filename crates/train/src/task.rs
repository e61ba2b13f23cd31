//! What all training tasks share: reading the images, training, writing weights and history.

use eigenscope_artifact::tables::training::HistoryRow;
use eigenscope_artifact::{About, IMAGES, ImageReader, InputShape, Split, TENSORS};
use eigenscope_gpu::{Card, Libraries, Math};
use eigenscope_models::{Architecture, ModelError, Network, StoredModel};
use eigenscope_stage::{
    AssignedCard, CardLibraries, Context, Feature, Parameter, ParameterType, Role, TaskError,
    TaskFunction, TaskKind,
};
use serde::de::DeserializeOwned;

use crate::data_set::DataSet;
use crate::description::{features, mark_sizes, proportional, room, seconds};
use crate::error::TrainError;
use crate::initialise::initialise;
use crate::on_card::train_on_card;
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
        .not_on_cards(PROCESSOR_ONLY)
}

pub(crate) fn epochs(default: u32) -> Parameter {
    Parameter::optional(
        "epochs",
        count(1_000_000),
        default,
        "passes over the training images",
    )
    .proportional(f64::from(default))
}

/// Why networks of steps refuse graphics cards: the end of a sentence that says that they do.
pub(crate) const PROCESSOR_ONLY: &str = "as all networks do but a single bilinear layer";

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

/// Trains `network` on the task's images by `recipe`.
pub(crate) fn train_network(
    context: &Context,
    network: &Network,
    recipe: &Recipe,
) -> Result<(), TaskError> {
    let build = |input, classes| {
        let architecture = network.architecture(input, classes);
        Ok(architecture.map_err(|source| too_small(input, source))?)
    };
    train_model(context, build, recipe)
}

/// Trains a model on the task's images by `recipe`. `build` makes its architecture for the shape of the images and the names of
/// their classes.
pub(crate) fn train_model(
    context: &Context,
    build: impl FnOnce(InputShape, Vec<String>) -> Result<Architecture, TaskError>,
    recipe: &Recipe,
) -> Result<(), TaskError> {
    let (input, classes, train_set, test_set) = read(context)?;
    let architecture = build(input, classes)?;
    let initial = initialise(&architecture, context.seed());
    let mut model = StoredModel::new(architecture, initial)?;
    let (seed, thread_budget) = (context.seed(), context.thread_budget());
    let history = train(
        &mut model,
        &train_set,
        &test_set,
        recipe,
        seed,
        thread_budget,
        |row| observe(context, recipe, row),
    )?;
    write(context, &model, &history)
}

/// Trains `network`, one bilinear layer, on a card.
pub(crate) fn train_network_on_card(
    context: &Context,
    assigned: &AssignedCard,
    math: Math,
    network: &Network,
    recipe: &Recipe,
) -> Result<(), TaskError> {
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
    let (input, classes, train_set, test_set) = read(context)?;
    let architecture = network.architecture(input, classes);
    let architecture = architecture.map_err(TrainError::from)?;
    let initial = initialise(&architecture, context.seed());
    let mut model = StoredModel::new(architecture, initial)?;
    let history = train_on_card(
        &card,
        math,
        &mut model,
        (&train_set, &test_set),
        recipe,
        context.seed(),
        |row| observe(context, recipe, row),
    )?;
    write(&context.computed_by(versions), &model, &history)
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
