//! The task kind `truncation`: test accuracy of a bilinear layer with only its strongest eigenpairs.

use eigenscope_artifact::tables::bilinear::TruncationRow;
use eigenscope_artifact::{EIGENPAIRS, Eigenpairs, IMAGES, ImageReader, SplitName, TENSORS};
use eigenscope_models::{Architecture, BilinearWeights, StoredModel, check_images};
use eigenscope_stage::{
    Agreement, Context, Parameter, ParameterType, Role, TaskError, TaskKind, task_function,
};
use serde::Deserialize;

use crate::about::about_test;
use crate::bilinear::{TopEigenpairs, TruncatedPredictions};
use crate::compatibility::{check_classes, check_shapes, check_sizes};
use crate::error::MetricError;
use crate::split_images::SplitImages;

pub(super) fn kind() -> TaskKind {
    let summary = "test accuracy with only the strongest eigenpairs of every class";
    TaskKind::new("truncation", summary, task_function!(run))
        .parameters::<Parameters>([Parameter::optional(
            "kept",
            ParameterType::at_least(1),
            30,
            "largest number of eigenpairs kept per class; smaller ones down to 0 are evaluated too",
        )])
        .reads(
            Role::one(
                "model",
                TENSORS,
                "the full model, a bilinear layer without bias",
            )
            .needs(
                "bilinear",
                "only the logits of a bilinear layer are sums over eigenpairs",
            )
            .needs(
                "bias-free",
                "what a bias adds to the logits is not in the eigenpairs",
            ),
        )
        .reads(
            Role::one("eigenpairs", EIGENPAIRS, "its eigenpairs")
                .agrees(Agreement::artifact("eigenpairs/model", "model"))
                .has_eigenpairs("kept"),
        )
        .reads(Role::one("data", IMAGES, "images to test on").shown_to("model"))
        .writes(TruncationRow::KIND)
        .memory_mib(384)
        .seconds(1.0)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    kept: usize,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters { kept } = context.parameters()?;
    let inputs = ["model", "eigenpairs", "data"].map(|role| context.input(role));
    let [model_input, pairs_input, data_input] = inputs;
    let (model_input, pairs_input, data_input) = (model_input?, pairs_input?, data_input?);
    let model = StoredModel::read(&model_input.path)?;
    let pairs = Eigenpairs::read(&pairs_input.path)?;
    let images = ImageReader::open(&data_input.path)?;
    let bilinear = model.architecture.bilinear("truncation")?;
    if bilinear.gate.bias {
        return Err(Box::new(MetricError::Undefined(format!(
            "{}: a bilinear layer with a bias is not the sum of its eigenpairs, so truncating it is not defined",
            model_input.task
        ))));
    }
    let (model_task, pairs_task) = (&model_input.task, &pairs_input.task);
    check_images(&model.architecture, model_task, &images, &data_input.task)?;
    let Architecture { input, classes, .. } = &model.architecture;
    check_shapes(model_task, *input, pairs_task, pairs.header.shape)?;
    check_classes(model_task, classes, pairs_task, &pairs.header.classes)?;
    let size = pairs.header.size;
    check_sizes(model_task, bilinear.hidden(), pairs_task, size)?;
    let weights = BilinearWeights::new(&model, "truncation")?;
    let top = TopEigenpairs::new(&pairs, kept)?.with_linear_part(&weights);
    let images = SplitImages::read(&images, SplitName::Test, &data_input.task)?;
    let correct = TruncatedPredictions::count(&model, &top, &images)?;
    let about = about_test(context, classes)?;
    context.write_about(&rows(size, &correct, images.len()), &about)
}

fn rows(hidden: u32, correct: &TruncatedPredictions, images: usize) -> Vec<TruncationRow> {
    let full_accuracy = correct.full as f64 / images as f64;
    let rows = correct.truncated.iter().enumerate();
    let rows = rows.map(|(kept, &correct)| {
        let accuracy = correct as f64 / images as f64;
        TruncationRow {
            hidden,
            kept: kept as u32,
            correct: correct as u32,
            images: images as u32,
            accuracy_fraction: accuracy,
            error_fraction: 1.0 - accuracy,
            accuracy_drop_fraction: full_accuracy - accuracy,
        }
    });
    rows.collect()
}
