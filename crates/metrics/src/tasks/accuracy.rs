//! The task kind `accuracy`: how well a model does on images, wherever it comes from.

use burn::tensor::Device;
use eigenscope_artifact::tables::training::AccuracyRow;
use eigenscope_artifact::{IMAGES, ImageReader, SplitName, TENSORS};
use eigenscope_models::{StoredModel, check_images, evaluate_batches, evaluation_rows};
use eigenscope_stage::{
    Context, Parameter, ParameterType, Role, TaskError, TaskKind, task_function,
};
use serde::Deserialize;

use crate::MetricError;
use crate::split_images::SplitImages;

pub(super) fn kind() -> TaskKind {
    let summary =
        "loss and accuracy of a model, trained, imported or edited, on the images of a split";
    TaskKind::new("accuracy", summary, task_function!(run))
        .parameters::<Parameters>([Parameter::optional(
            "split",
            ParameterType::choice(&["train", "test"]),
            "test",
            "images to show to the model",
        )])
        .reads(Role::one("model", TENSORS, "the model"))
        .reads(Role::one("data", IMAGES, "images to show to it").shown_to("model"))
        .writes(AccuracyRow::KIND)
        .memory_mib(384)
        .seconds(2.0)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    split: SplitName,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters { split } = context.parameters()?;
    let (model_input, data_input) = (context.input("model")?, context.input("data")?);
    let model = StoredModel::read(&model_input.path)?;
    let reader = ImageReader::open(&data_input.path)?;
    check_images(
        &model.architecture,
        &model_input.task,
        &reader,
        &data_input.task,
    )?;
    let images = SplitImages::read(&reader, split, &data_input.task)?;
    let device = Device::flex();
    let loaded = model.load(&device)?;
    let rows = evaluation_rows(&model.architecture);
    let starts = (0..images.len()).step_by(rows);
    let batches = starts.map(|start| {
        let end = (start + rows).min(images.len());
        (images.inputs(start..end), &images.labels[start..end])
    });
    let evaluation = evaluate_batches(&loaded, batches, &device)?;
    if evaluation.loss_nats.is_nan() {
        return Err(MetricError::Numerics(format!(
            "the outputs of {} on these images are no numbers: its weights are too large, or it divides by a variance that is not positive",
            model_input.task
        ))
        .into());
    }
    let count = |number: usize| u32::try_from(number).map_err(|_| "more images than 2^32");
    context.write(&[AccuracyRow {
        images: count(evaluation.images)?,
        correct: count(evaluation.correct)?,
        accuracy_fraction: evaluation.accuracy_fraction(),
        loss_nats: evaluation.loss_nats,
    }])
}
