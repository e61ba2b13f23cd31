//! The task kind `rainbow`: networks whose weights are drawn at random with the covariances of a trained one.
//!
//! How much of a network's accuracy do the covariances of its weights hold? Defined for networks without biases and
//! gates.

use eigenscope_artifact::tables::rainbow::{RainbowRow, RainbowSummaryRow};
use eigenscope_artifact::{About, IMAGES, TENSORS};
use eigenscope_models::StoredModel;
use eigenscope_stage::{
    Context, Feature, Parameter, ParameterType, Role, TaskError, TaskKind, task_function,
};
use serde::Deserialize;

use super::alignment::linear_samples;
use crate::error::DecomposeError;
use crate::image_batches::open_images;
use crate::networks::{LinearSamples, RainbowSampler};

/// Networks drawn side by side: what the trained network reads is computed once for all of them, and memory grows
/// with them.
const DRAWN_TOGETHER: u32 = 10;

pub(super) fn kind() -> TaskKind {
    let draws = ParameterType::Integer {
        minimum: 1,
        maximum: 1_000_000,
    };
    let summary = "test accuracy of networks drawn with the weight covariances of a trained one";
    TaskKind::new("rainbow", summary, task_function!(run))
        .parameters::<Parameters>([
            Parameter::optional("draws", draws, 10, "networks drawn"),
            linear_samples(),
        ])
        .reads(
            Role::one(
                "model",
                TENSORS,
                "weights of a network without biases and gates",
            )
            .needs(
                "ungated",
                "a gate multiplies pairs of rows, and rows drawn one by one are no pairs",
            )
            .needs(
                "bias-free",
                "a covariance of weights says nothing about a bias",
            ),
        )
        .reads(Role::one("data", IMAGES, "images to align and to test on").shown_to("model"))
        .writes(RainbowRow::KIND)
        .writes(RainbowSummaryRow::KIND)
        .writes(TENSORS)
        .provides([Feature::inherited("model")])
        .random()
        .threads(4)
        .memory_mib(1152)
        .seconds(40.0)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    draws: u32,
    linear_samples: LinearSamples,
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Parameters {
        draws,
        linear_samples,
    } = context.parameters()?;
    let model = StoredModel::read(context.path("model")?)?;
    let images = open_images(context, &[("model", &model.architecture)])?;
    let sampler = RainbowSampler::new(&model, &images, linear_samples)?;
    let (rows, first) = draw_and_test(context, &sampler, draws)?;
    let (trained, tested) = sampler.correct(std::slice::from_ref(&model))?;
    let trained = f64::from(trained[0]) / f64::from(tested);
    context.write(&rows)?;
    let about = About {
        classes: Some(model.architecture.classes.len() as u64),
        ..About::default()
    };
    context.write_about(&[summary(trained, &rows)], &about)?;
    let first = first.ok_or("no network was drawn")?;
    first.write(context.output(TENSORS)?, context.provenance())?;
    Ok(())
}

/// Every draw with its test accuracy, and the first network drawn.
fn draw_and_test(
    context: &Context,
    sampler: &RainbowSampler<'_>,
    draws: u32,
) -> Result<(Vec<RainbowRow>, Option<StoredModel>), DecomposeError> {
    let (mut rows, mut first) = (Vec::new(), None);
    let (mut done, total) = (0, u64::from(draws) * sampler.layers().len() as u64);
    for start in (0..draws).step_by(DRAWN_TOGETHER as usize) {
        let together = start..draws.min(start.saturating_add(DRAWN_TOGETHER));
        let networks = sampler.draw(context.seed(), together.clone(), || {
            done += together.len() as u64;
            context.progress(done, total, "layers", "");
        })?;
        let (correct, images) = sampler.correct(&networks)?;
        rows.extend(together.zip(correct).map(|(draw, correct)| RainbowRow {
            draw: draw + 1,
            correct,
            images,
            accuracy_fraction: f64::from(correct) / f64::from(images),
        }));
        first = first.or(networks.into_iter().next());
    }
    Ok((rows, first))
}

/// Mean and spread of the draws, of which there is at least one.
fn summary(trained: f64, rows: &[RainbowRow]) -> RainbowSummaryRow {
    let accuracies = || rows.iter().map(|row| row.accuracy_fraction);
    let count = rows.len() as f64;
    let mean = accuracies().sum::<f64>() / count;
    let squares: f64 = accuracies().map(|accuracy| (accuracy - mean).powi(2)).sum();
    RainbowSummaryRow {
        draws: rows.len() as u32,
        trained_accuracy_fraction: trained,
        generated_accuracy_mean_fraction: mean,
        generated_accuracy_std_fraction: (rows.len() > 1).then(|| (squares / (count - 1.0)).sqrt()),
        generated_accuracy_min_fraction: accuracies().fold(f64::INFINITY, f64::min),
        generated_accuracy_max_fraction: accuracies().fold(f64::NEG_INFINITY, f64::max),
    }
}
