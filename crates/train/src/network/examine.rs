//! What follows from a list of steps before the network is trained.

use eigenscope_models::Architecture;
use eigenscope_models::steps::{StepErrors, StepList};
use eigenscope_stage::{
    Amount, Demand, Examination, Examined, Fault, Feature, Relation, TaskError, quantities,
};
use serde_json::Value;

use super::{NAME, Parameters};
use crate::description::seconds_of;
use crate::error::TrainError;
use crate::on_card;
use crate::training::{LastBatch, epoch_images, lone_image};

pub(super) fn examine(examination: &Examination<'_>) -> Result<Examined, TaskError> {
    let parameters: Parameters = examination.parameters()?;
    let known = examination.known("data");
    let mut examined = Examined::default();
    examined.faults.extend(parameters.faults());
    let images = known.quantity(quantities::TRAINING_IMAGES);
    let images = images.and_then(|images| usize::try_from(images).ok());
    if parameters.last_batch == LastBatch::Dropped {
        match images {
            Some(images) => examined.faults.extend(too_few(&parameters, images)),
            None => examined = examined.demands("data", whole_batch()),
        }
    }
    let steps = match StepList::parse(&Value::Array(parameters.steps.clone())) {
        Ok(steps) => steps,
        Err(errors) => return Ok(refused(examined, &errors)),
    };
    let (Some(input), Some(classes)) = (known.input_shape(), known.named_classes()) else {
        return Ok(examined.provides(unsized_features(&steps)));
    };
    Ok(match steps.architecture(NAME, input, classes) {
        Err(errors) => refused(examined, &errors),
        Ok(architecture) => sized(examined, &parameters, &architecture, images),
    })
}

/// As many images as a batch has.
fn whole_batch() -> Demand {
    let because = "an epoch has at least one whole batch; a partial one is dropped";
    let batch = Amount::parameter("batch");
    Demand::new(
        batch,
        Relation::AtMost,
        quantities::TRAINING_IMAGES,
        because,
    )
}

/// The fault of an epoch without a whole batch.
fn too_few(parameters: &Parameters, images: usize) -> Option<Fault> {
    let images = epoch_images(images, parameters.epoch_fraction);
    let batch = parameters.batch;
    let error = TrainError::TooFewImages { images, batch };
    (images < batch).then(|| Fault::at("/batch", error.to_string()))
}

/// The answer where the shape of the images is known, and perhaps how many training images there are.
fn sized(
    mut examined: Examined,
    parameters: &Parameters,
    architecture: &Architecture,
    images: Option<usize>,
) -> Examined {
    if let Some(images) = images {
        let images = epoch_images(images, parameters.epoch_fraction);
        let fault = lone_image(
            architecture,
            images,
            parameters.batch,
            parameters.last_batch,
        );
        examined
            .faults
            .extend(fault.map(|message| Fault::at("/batch", message)));
    }
    let images = images.unwrap_or(MNIST_IMAGES);
    examined.seconds = Some(seconds_of(
        architecture,
        images as f64,
        parameters.epoch_fraction * f64::from(parameters.epochs),
    ));
    examined.memory_mib = Some(memory_mib(architecture, images, parameters.batch));
    // The size that images have before their transforms is not known here; most are stored as large as they are used.
    let stored = architecture.input.len();
    examined.card_memory_mib = on_card::memory_mib(architecture, stored, parameters.batch, images);
    let outputs = architecture.flat_layers();
    let outputs =
        outputs.map(|(name, outputs)| Feature::layer_outputs(name, Amount::Fixed(outputs)));
    examined
        .provides(features(architecture))
        .provides(outputs.collect::<Vec<_>>())
}

/// Training images where they are not known.
const MNIST_IMAGES: usize = 60_000;

/// Peak memory: the data set, four numbers for each parameter, and twice the values of all steps of a batch and of an
/// evaluation.
fn memory_mib(architecture: &Architecture, images: usize, batch: usize) -> u64 {
    let parameters = architecture.parameters().into_iter();
    let parameters: usize = parameters
        .map(|parameter| parameter.shape.iter().product::<usize>())
        .sum();
    let values: usize = architecture.values();
    let inputs = architecture.input.len().saturating_mul(images + images / 5);
    let training = values.saturating_mul(2 * batch.min(images));
    let total = inputs
        .saturating_add(parameters.saturating_mul(4))
        .saturating_add(training);
    64 + (4 * total as u64) / (1 << 20)
}

/// Properties, and names of layers.
fn features(architecture: &Architecture) -> Vec<Feature> {
    let flags = architecture.properties().into_iter().map(Feature::flag);
    let of_layers = Feature::of_layers(
        &architecture.layer_names(),
        &architecture.drawable_layers(),
        &architecture.convolutions(),
    );
    flags.chain(of_layers).collect()
}

/// Features of a network for images of unknown size: those that it has for images of some size.
fn unsized_features(steps: &StepList) -> Vec<Feature> {
    let usual = Architecture::of_usual_images(&[1, 3], |input, classes| {
        steps.architecture(NAME, input, classes).ok()
    });
    match usual {
        Some(architecture) => features(&architecture),
        None => {
            let names = steps.layer_names();
            Feature::of_layers(&names, &names, &[])
        }
    }
}

/// Adds a fault at each step that is wrong.
fn refused(mut examined: Examined, errors: &StepErrors) -> Examined {
    let faults = errors.all().iter().map(|error| Fault {
        path: format!("/steps{}", error.pointer()),
        of_key: error.of_key,
        message: error.message.clone(),
        help: error.help.clone(),
    });
    examined.faults.extend(faults);
    examined
}
