//! The task kind `confusion`: which classes a model takes for which others.

use eigenscope_artifact::tables::embeddings::{ClassAccuracyRow, ConfusionRow};
use eigenscope_artifact::{EMBEDDINGS, Embeddings};
use eigenscope_stage::{Context, Role, TaskError, TaskKind, task_function};

use crate::embeddings::{class_accuracies, confusion};

pub(super) fn kind() -> TaskKind {
    let summary = "images by class and predicted class, and the accuracy on every class";
    TaskKind::new("confusion", summary, task_function!(run))
        .reads(Role::one(
            "embeddings",
            EMBEDDINGS,
            "embeddings, which come with the predictions",
        ))
        .writes(ConfusionRow::KIND)
        .writes(ClassAccuracyRow::KIND)
        .memory_mib(64)
        .seconds(0.5)
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Embeddings {
        header,
        labels,
        predicted,
        ..
    } = Embeddings::read(context.path("embeddings")?)?;
    let rows = confusion(&labels, &predicted, header.classes.len());
    context.write(&rows)?;
    context.write(&class_accuracies(&rows, &header.classes))
}
