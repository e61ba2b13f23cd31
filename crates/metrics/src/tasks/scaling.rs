//! The task kind `scaling`: where training ends by the number of training images, and the power law of the test loss.
//!
//! Means are over the models of one group that differ in `seed` alone (or in another label named by `over`); each group
//! has its own power law. The labels that say how much of a data set is used are no groups, but the axis.
//!
//! A history does not say how many images there were. It says which artifact of images it was trained on, by
//! the digest of its content; that artifact is looked for among those read as `data`, and its training
//! images are counted. So the number is that of the images, not one worked out from a rounded fraction. Where an epoch takes a part
//! of them, the number is that of the images of an epoch.

use std::collections::HashMap;

use eigenscope_artifact::tables::scaling::{PowerLawRow, ScalingRow};
use eigenscope_artifact::tables::training::{FinalRow, HistoryRow};
use eigenscope_artifact::{
    Digest, IMAGES, ImageReader, SplitName, read_records, summarise, write_labelled,
};
use eigenscope_stage::{Agreement, Context, Input, Role, TaskError, TaskKind, task_function};

use crate::error::MetricError;
use crate::statistics::{Group, Over, over_parameter, words};
use crate::training::{final_row, power_law, scaling};

/// Labels that say how much of a data set is used.
const SIZES: [&str; 3] = ["train_count", "train_fraction", EPOCH_FRACTION];

/// Parameter of a training, and its label: the part of the training images that an epoch takes.
const EPOCH_FRACTION: &str = "epoch_fraction";

pub(super) fn kind() -> TaskKind {
    let summary =
        "final loss and accuracy by number of training images, and the power law of the test loss";
    TaskKind::new("scaling", summary, task_function!(run))
        .parameters::<Over>([over_parameter("histories", &SIZES)])
        .reads(Role::many(
            "histories",
            HistoryRow::KIND,
            "training histories on data sets of several sizes",
        ))
        .reads(
            Role::many(
                "data",
                IMAGES,
                "the data sets that they were trained on, whose training images are counted",
            )
            .agrees(Agreement::among("histories/data", "data")),
        )
        .writes(ScalingRow::KIND)
        .writes(PowerLawRow::KIND)
        .memory_mib(64)
        .seconds(0.5)
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Over { over } = context.parameters()?;
    let mut counts = HashMap::new();
    for input in context.inputs("data")? {
        let images = ImageReader::open(&input.path)?.count(SplitName::Train)?;
        counts.insert(input.content, images);
    }
    let mut ends = Vec::new();
    for input in context.inputs("histories")? {
        let images = training_images(input, &counts)?;
        ends.push((
            input,
            (images, final_row(input, &read_records(&input.path)?)?),
        ));
    }
    let (mut all, mut laws) = (Vec::new(), Vec::new());
    for group in Group::all(ends, &over, &SIZES)? {
        group.check(&over, |(images, _)| *images)?;
        let ends: Vec<(u32, FinalRow)> = group.members.iter().map(|(_, end)| end.clone()).collect();
        let rows = scaling(&ends)?;
        match power_law(&rows) {
            Ok(law) => laws.extend(group.label(vec![law])),
            Err(error @ MetricError::Undefined(_)) => {
                let place = match words(&group.labels) {
                    labels if labels.is_empty() => labels,
                    labels => format!(" for {labels}"),
                };
                context.warn(format!("no power law{place}: {error}"));
            }
            Err(error) => return Err(error.into()),
        }
        all.extend(group.label(rows));
    }
    let provenance = context.provenance();
    let about = context.about("histories")?;
    write_labelled(
        context.output(ScalingRow::KIND)?,
        &all,
        Some(&about),
        provenance,
    )?;
    write_labelled(context.output(PowerLawRow::KIND)?, &laws, None, provenance)?;
    Ok(())
}

/// Number of images of an epoch of the training of `history`, of the data sets in `counts` by the digest of their content.
fn training_images(history: &Input, counts: &HashMap<Digest, u32>) -> Result<u32, MetricError> {
    let provenance = summarise(&history.path)?.provenance;
    let part = provenance.parameters.get(EPOCH_FRACTION);
    let part = part.and_then(|part| part.as_f64()).unwrap_or(1.0);
    let Some(data) = provenance
        .inputs
        .into_iter()
        .find(|input| input.role == "data")
    else {
        return Err(MetricError::Mismatch(format!(
            "{} does not say which images it was trained on",
            history.task
        )));
    };
    let count = counts.get(&data.content);
    // As trainings count them: at least one of several.
    let count = count.map(|&images| {
        let of_epoch = (f64::from(images) * part).round() as u32;
        of_epoch.clamp(images.min(1), images)
    });
    count.ok_or_else(|| {
        MetricError::Mismatch(format!(
            "{} was trained on the images of `{}`, which are not among `data`",
            history.task,
            history.present_id(&data.task)
        ))
    })
}
