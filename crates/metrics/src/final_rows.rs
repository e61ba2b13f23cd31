//! The task kind `final`: where the training of every model ended.

use eigenscope_artifact::{FinalRow, HistoryRow, Kind, Labelled, read_records, write_labelled};
use eigenscope_stage::{
    Context, Input, KindDescription, Resources, Role, TaskError, TaskKind, task_function,
};

use crate::error::MetricError;
use crate::labels;

/// The task kind.
pub fn kind() -> TaskKind {
    TaskKind {
        description: KindDescription {
            name: "final".to_owned(),
            summary: "loss and accuracy of every model after its last epoch".to_owned(),
            parameters: Vec::new(),
            roles: vec![Role::many("histories", Kind::History, "training histories")],
            outputs: vec![Kind::Final],
            provides: Vec::new(),
            random: false,
            resources: Resources {
                threads: 1,
                memory_mib: 64,
                seconds: 0.5,
                ..Resources::default()
            },
        },
        run: task_function!(run),
    }
}

fn run(context: &Context) -> Result<(), TaskError> {
    let mut rows = Vec::new();
    for input in context.inputs("histories")? {
        let row = final_row(input, &read_records(&input.path)?)?;
        let mut labels = input.labels.clone();
        labels.retain(|name, _| !["hidden", "seed"].contains(&name.as_str()));
        rows.push(Labelled { labels, row });
    }
    rows.sort_by_key(|Labelled { row, .. }| (row.hidden, row.seed));
    write_labelled(context.output(Kind::Final)?, &rows, context.provenance())?;
    Ok(())
}

/// The last epoch of `history`, with the id of the training task and its labels `hidden` and `seed` where it
/// has them: a history does not know its model, so a size that is not swept over is missing.
///
/// # Errors
/// An empty history, or a label that is not a whole number.
pub fn final_row(input: &Input, history: &[HistoryRow]) -> Result<FinalRow, MetricError> {
    let last = history.last().ok_or_else(|| MetricError::NoEpoch {
        task: input.task.clone(),
    })?;
    Ok(FinalRow {
        model: input.task.clone(),
        hidden: labels::hidden(input)?,
        seed: labels::seed(input)?,
        epochs: last.epoch,
        train_loss_nats: last.train_loss_nats,
        train_accuracy_fraction: last.train_accuracy_fraction,
        test_loss_nats: last.test_loss_nats,
        test_accuracy_fraction: last.test_accuracy_fraction,
    })
}
