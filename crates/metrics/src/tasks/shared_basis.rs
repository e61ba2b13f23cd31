//! The task kind `shared-basis`: accuracy of a bilinear layer whose classes share one basis, by its rank.

use burn::tensor::Device;
use eigenscope_artifact::tables::interactions::SharedBasisRow;
use eigenscope_artifact::{
    IMAGES, ImageReader, SHARED_BASES, SharedBasesHeader, SplitName, TENSORS, TensorReader,
};
use eigenscope_models::{
    Architecture, BilinearWeights, StoredModel, check_images, evaluate, evaluation_rows,
};
use eigenscope_stage::{Agreement, Context, Role, TaskError, TaskKind, task_function};
use rayon::prelude::*;

use crate::about::about_test;
use crate::bilinear::SharedBasisModel;
use crate::compatibility::{check_classes, check_shapes, check_sizes};
use crate::error::MetricError;
use crate::split_images::SplitImages;

/// Images handled at a time.
const BLOCK_ROWS: usize = 1000;

pub(super) fn kind() -> TaskKind {
    let summary = "test accuracy of a bilinear layer whose classes share one basis, by the number of its vectors";
    TaskKind::new("shared-basis", summary, task_function!(run))
        .reads(
            Role::one(
                "model",
                TENSORS,
                "the full model, a bilinear layer without bias",
            )
            .needs(
                "bilinear",
                "only the logits of a bilinear layer are quadratic forms",
            )
            .needs(
                "bias-free",
                "what a bias adds to the logits is not in the quadratic forms",
            ),
        )
        .reads(
            Role::one("bases", SHARED_BASES, "its shared bases")
                .agrees(Agreement::artifact("bases/model", "model")),
        )
        .reads(Role::one("data", IMAGES, "images to test on").shown_to("model"))
        .writes(SharedBasisRow::KIND)
        .memory_mib(384)
        .seconds(2.0)
}

fn run(context: &Context) -> Result<(), TaskError> {
    let [model_input, bases_input, data_input] =
        ["model", "bases", "data"].map(|role| context.input(role));
    let (model_input, bases_input, data_input) = (model_input?, bases_input?, data_input?);
    let model = StoredModel::read(&model_input.path)?;
    let bases = TensorReader::open(&bases_input.path, SHARED_BASES)?;
    let header: SharedBasesHeader = bases.header()?;
    let reader = ImageReader::open(&data_input.path)?;
    let (model_task, bases_task) = (&model_input.task, &bases_input.task);
    let weights = BilinearWeights::new(&model, "a shared basis")?;
    if weights.bias.is_some() {
        return Err(Box::new(MetricError::Undefined(format!(
            "{model_task}: a bilinear layer with a bias is not a quadratic form, so its accuracy in a shared basis is not defined"
        ))));
    }
    check_images(&model.architecture, model_task, &reader, &data_input.task)?;
    let Architecture { input, classes, .. } = &model.architecture;
    check_shapes(model_task, *input, bases_task, header.shape)?;
    check_classes(model_task, classes, bases_task, &header.classes)?;
    check_sizes(model_task, weights.hidden, bases_task, header.hidden)?;
    let images = SplitImages::read(&reader, SplitName::Test, &data_input.task)?;
    let count = images.len() as f64;
    let full = correct_of_blocks(&images, |inputs, labels, device| {
        let rows = evaluation_rows(&model.architecture);
        Ok(evaluate(&model.load(device)?, inputs, labels, rows, device)?.correct)
    })?;
    let mut rows = Vec::with_capacity(header.ranks.len());
    for (rank, share) in header.ranks {
        let basis = bases.read_one(&format!("basis-{rank}"))?;
        let cores = bases.read_one(&format!("core-{rank}"))?;
        let shared = SharedBasisModel::new(&weights, &basis, &cores)?;
        let correct = correct_of_blocks(&images, |inputs, labels, device| {
            shared.correct(inputs, labels, device)
        })?;
        rows.push(SharedBasisRow {
            rank,
            share,
            correct: correct as u32,
            images: images.len() as u32,
            accuracy_fraction: correct as f64 / count,
            full_accuracy_fraction: full as f64 / count,
        });
    }
    context.write_about(&rows, &about_test(context, classes)?)
}

/// Sums what `correct` counts over blocks of images, on the threads of the current rayon pool.
fn correct_of_blocks(
    images: &SplitImages,
    correct: impl Fn(&[f32], &[u16], &Device) -> Result<usize, MetricError> + Sync,
) -> Result<usize, MetricError> {
    let blocks: Vec<Result<usize, MetricError>> = images
        .labels
        .par_chunks(BLOCK_ROWS)
        .enumerate()
        .map(|(number, labels)| {
            let first = number * BLOCK_ROWS;
            let inputs = images.inputs(first..first + labels.len());
            correct(&inputs, labels, &Device::flex())
        })
        .collect();
    blocks.into_iter().sum()
}
