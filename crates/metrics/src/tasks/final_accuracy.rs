//! The task kind `final`: where the training of every model ended.

use eigenscope_artifact::tables::training::{FinalRow, HistoryRow};
use eigenscope_artifact::{Labelled, read_records, write_labelled};
use eigenscope_stage::{Context, Role, TaskError, TaskKind, task_function};

use crate::training::final_row;

pub(super) fn kind() -> TaskKind {
    let summary = "loss and accuracy of every model after its last epoch";
    TaskKind::new("final-accuracy", summary, task_function!(run))
        .formerly("final")
        .reads(Role::many(
            "histories",
            HistoryRow::KIND,
            "training histories",
        ))
        .writes(FinalRow::KIND)
        .memory_mib(64)
        .seconds(0.5)
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
    let path = context.output(FinalRow::KIND)?;
    write_labelled(path, &rows, None, context.provenance())?;
    Ok(())
}
