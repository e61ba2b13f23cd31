//! The task kind `masks`: accuracy of a bilinear layer on images to which adversarial masks are added.

use burn::tensor::Device;
use eigenscope_artifact::tables::masks::{MaskRow, MaskScoreRow, MaskSummaryRow};
use eigenscope_artifact::{IMAGES, ImageReader, ImageRow, ImageTable, SplitName, TENSORS};
use eigenscope_models::{Architecture, BilinearWeights, StoredModel, check_images};
use eigenscope_stage::{
    Agreement, Context, Parameter, ParameterType, Role, TaskError, TaskKind, task_function,
};
use rayon::prelude::*;
use serde::Deserialize;

use crate::bilinear::{MaskCounts, MaskedModel};
use crate::compatibility::{check_classes, check_shapes};
use crate::error::MetricError;
use crate::split_images::SplitImages;
use crate::statistics::{Observations, aggregate};

/// Images handled at a time.
const BLOCK_ROWS: usize = 500;
/// Standard errors on each side of a mean, as published.
const STANDARD_ERRORS: f64 = 1.96;
/// What is added to the images, in the order of the tables.
const MASKS: [&str; 3] = ["none", "adversarial", "random"];

pub(super) fn kind() -> TaskKind {
    let summary = "accuracy, and images misclassified as the class of a mask, on images to which adversarial masks are added";
    let strengths: Vec<f64> = (1..=12).map(|step| f64::from(step) / 40.0).collect();
    TaskKind::new("masks", summary, task_function!(run))
        .parameters::<Parameters>([
            Parameter::optional(
                "strengths",
                ParameterType::set(ParameterType::positive(1e6)).filled(),
                strengths,
                "standard deviations over the pixels of what is added",
            ),
            Parameter::optional(
                "split",
                ParameterType::choice(&["train", "test"]),
                "test",
                "images to add them to",
            ),
        ])
        .reads(
            Role::one("model", TENSORS, "the model, a bilinear layer").needs(
                "bilinear",
                "only the logits of a bilinear layer are quadratic in the strength of a mask",
            ),
        )
        .reads(
            Role::one("masks", MaskRow::KIND, "masks made from its weights")
                .agrees(Agreement::artifact("masks/model", "model")),
        )
        .reads(Role::one("data", IMAGES, "images to add them to").shown_to("model"))
        .writes(MaskScoreRow::KIND)
        .writes(MaskSummaryRow::KIND)
        .memory_mib(512)
        .seconds(3.0)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    strengths: Vec<f64>,
    split: SplitName,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters { strengths, split } = context.parameters()?;
    let [model_input, masks_input, data_input] =
        ["model", "masks", "data"].map(|role| context.input(role));
    let (model_input, masks_input, data_input) = (model_input?, masks_input?, data_input?);
    let model = StoredModel::read(&model_input.path)?;
    let masks = ImageTable::<MaskRow>::read(&masks_input.path)?;
    let reader = ImageReader::open(&data_input.path)?;
    let (model_task, masks_task) = (&model_input.task, &masks_input.task);
    check_images(&model.architecture, model_task, &reader, &data_input.task)?;
    let Architecture { input, classes, .. } = &model.architecture;
    check_shapes(model_task, *input, masks_task, masks.header.shape)?;
    check_classes(model_task, classes, masks_task, &masks.header.classes)?;
    if strengths.is_empty() || masks.rows.is_empty() {
        let problem = format!("{masks_task}: there are no masks, or no strengths, to measure");
        return Err(Box::new(MetricError::TooFew(problem)));
    }
    let weights = BilinearWeights::new(&model, "a mask")?;
    let images = SplitImages::read(&reader, split, &data_input.task)?;
    let kinds = [1, 2].map(|image| of_kind(&masks.rows, image)).concat();
    let masked = MaskedModel::new(&weights, &kinds)?;
    let counts = count(&masked, &images, &strengths)?;
    let rows = scores(&masks.rows, &strengths, &counts);
    context.write(&summary(&rows)?)?;
    context.write(&rows)
}

/// The masks in one column of images, each with its class.
fn of_kind(rows: &[ImageRow<MaskRow>], image: usize) -> Vec<(u16, &[f32])> {
    let masks = rows
        .iter()
        .map(|row| (row.row.class as u16, row.images[image].as_slice()));
    masks.collect()
}

/// Counts over all images, block by block on the threads of the current rayon pool.
fn count(
    model: &MaskedModel,
    images: &SplitImages,
    strengths: &[f64],
) -> Result<MaskCounts, MetricError> {
    let blocks: Vec<Result<MaskCounts, MetricError>> = images
        .labels
        .par_chunks(BLOCK_ROWS)
        .enumerate()
        .map(|(number, labels)| {
            let first = number * BLOCK_ROWS;
            let inputs = images.inputs(first..first + labels.len());
            model.count(&inputs, labels, strengths, &Device::flex())
        })
        .collect();
    let mut all = MaskCounts::default();
    for counts in blocks {
        all.add(counts?);
    }
    Ok(all)
}

fn scores(
    masks: &[ImageRow<MaskRow>],
    strengths: &[f64],
    counts: &MaskCounts,
) -> Vec<MaskScoreRow> {
    let fraction = |count: u32| f64::from(count) / f64::from(counts.images);
    let score = |kind: &str, mask: &MaskRow, strength: f64, correct, misclassified| MaskScoreRow {
        mask: kind.to_owned(),
        class: mask.class,
        rank: mask.rank,
        strength,
        correct,
        misclassified,
        images: counts.images,
        accuracy_fraction: fraction(correct),
        misclassified_fraction: fraction(misclassified),
    };
    let mut rows = Vec::new();
    for ImageRow { row, .. } in masks {
        let misclassified = counts.plain_misclassified[row.class as usize];
        rows.push(score(
            MASKS[0],
            row,
            0.0,
            counts.plain_correct,
            misclassified,
        ));
    }
    for (kind, name) in MASKS[1..].iter().enumerate() {
        for (number, ImageRow { row, .. }) in masks.iter().enumerate() {
            let start = (kind * masks.len() + number) * strengths.len();
            for (position, &strength) in strengths.iter().enumerate() {
                let place = start + position;
                let (correct, misclassified) = (counts.correct[place], counts.misclassified[place]);
                rows.push(score(name, row, strength, correct, misclassified));
            }
        }
    }
    rows
}

/// Means over the masks of one kind and strength.
fn summary(rows: &[MaskScoreRow]) -> Result<Vec<MaskSummaryRow>, MetricError> {
    let mut strengths: Vec<f64> = rows.iter().map(|row| row.strength).collect();
    strengths.sort_by(f64::total_cmp);
    strengths.dedup();
    let mut observations = Observations::<2, 2>::default();
    for row in rows {
        let kind = MASKS.iter().position(|name| *name == row.mask);
        let place = strengths
            .iter()
            .position(|strength| *strength == row.strength);
        let (Some(kind), Some(place)) = (kind, place) else {
            continue;
        };
        let values = [row.accuracy_fraction, row.misclassified_fraction];
        observations.push([kind as u32, place as u32], values);
    }
    let summaries = aggregate(observations)?.into_iter().map(|group| {
        let [kind, place] = group.keys.map(|key| key as usize);
        let half_width = |deviation: Option<f64>| {
            deviation.map(|deviation| STANDARD_ERRORS * deviation / f64::from(group.count).sqrt())
        };
        let [accuracy, misclassified] = group.deviations.map(half_width);
        MaskSummaryRow {
            mask: MASKS[kind].to_owned(),
            strength: strengths[place],
            masks: group.count,
            accuracy_mean_fraction: group.means[0],
            accuracy_half_width_fraction: accuracy,
            misclassified_mean_fraction: group.means[1],
            misclassified_half_width_fraction: misclassified,
        }
    });
    Ok(summaries.collect())
}
