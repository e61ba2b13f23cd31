//! What every training task does: read the images, train, write weights and history.

use eigenscope_artifact::{ImageReader, InputShape, Kind, Split, write_records};
use eigenscope_models::{Architecture, ModelError, StoredModel};
use eigenscope_stage::{
    Amount, Context, Demand, Feature, KindDescription, Parameter, ParameterType, Relation,
    Resources, Role, TaskError, TaskFunction, TaskKind, quantities,
};

use crate::data_set::DataSet;
use crate::error::TrainError;
use crate::fit::{Recipe, fit};
use crate::initialise::initialise;

/// A training task kind.
pub(crate) fn training_kind(
    name: &str,
    summary: &str,
    parameters: Vec<Parameter>,
    provides: Vec<Feature>,
    demands: Vec<Demand>,
    run: TaskFunction,
) -> TaskKind {
    let data = Role::one("data", Kind::Images, "images to train and test on");
    TaskKind {
        description: KindDescription {
            name: name.to_owned(),
            summary: summary.to_owned(),
            parameters,
            roles: vec![demands.into_iter().fold(data, Role::demands)],
            outputs: vec![Kind::Tensors, Kind::History],
            provides: provides
                .into_iter()
                .chain(Feature::of_images("data"))
                .collect(),
            random: true,
            resources: Resources {
                threads: 1,
                memory_mib: 512,
                seconds: 60.0,
                ..Resources::default()
            },
        },
        run,
    }
}

/// Images with sides of at least `side` pixels; `because` is a short clause.
pub(crate) fn sides(side: &Amount, because: &str) -> Vec<Demand> {
    let sides = [quantities::HEIGHT, quantities::WIDTH];
    let demand = |quantity| Demand::new(side.clone(), Relation::AtMost, quantity, because);
    sides.map(demand).to_vec()
}

/// The parameter `epochs`.
pub(crate) fn epochs(default: u32) -> Parameter {
    Parameter::optional(
        "epochs",
        count(1_000_000),
        default,
        "passes over the training images",
    )
    .proportional(f64::from(default))
}

/// Summary of `batch` where no image is left out.
pub(crate) const LAST_BATCH: &str = "images a step; the last batch of an epoch may be smaller";

/// The parameter `batch`.
pub(crate) fn batch(default: u32, summary: &str) -> Parameter {
    Parameter::optional("batch", count(1 << 24), default, summary)
}

/// The parameter `learning_rate`.
pub(crate) fn learning_rate(default: f64, summary: &str) -> Parameter {
    Parameter::optional(
        "learning_rate",
        ParameterType::between(0.0, 1e6),
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

/// Trains a model on the task's images by `recipe`. `network` makes its architecture of the inputs' shape and the classes.
pub(crate) fn train(
    context: &Context,
    network: impl FnOnce(InputShape, Vec<String>) -> Result<Architecture, ModelError>,
    recipe: &Recipe,
) -> Result<(), TaskError> {
    let (input, classes, train, test) = read(context)?;
    let architecture = network(input, classes).map_err(|source| too_small(input, source))?;
    let initial = initialise(&architecture, context.seed());
    let mut model = StoredModel::new(architecture, initial)?;
    let (seed, allowance) = (context.seed(), context.allowance());
    let history = fit(&mut model, &train, &test, recipe, seed, allowance, |row| {
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
    })?;
    model.write(context.output(Kind::Tensors)?, context.provenance())?;
    write_records(
        context.output(Kind::History)?,
        &history,
        context.provenance(),
    )?;
    Ok(())
}

/// Says of images without room for a convolution how large they are themselves.
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
    let path = &context.input("data")?.path;
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
