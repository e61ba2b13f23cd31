//! The task kind `truncation-summary`: truncation curves averaged over seeds.

use eigenscope_artifact::tables::bilinear::{TruncationRow, TruncationSummaryRow};
use eigenscope_artifact::{read_records, write_labelled};
use eigenscope_stage::{Context, Role, TaskError, TaskKind, task_function};

use crate::bilinear::truncation_summary;
use crate::statistics::{Group, Over, over_parameter};

pub(super) fn kind() -> TaskKind {
    let summary =
        "mean truncation curve of each hidden size over seeds, with 90% Student-t half-widths";
    TaskKind::new("truncation-summary", summary, task_function!(run))
        .parameters::<Over>([over_parameter("truncations", &["hidden"])])
        .reads(Role::many(
            "truncations",
            TruncationRow::KIND,
            "truncation curves, of any number of models",
        ))
        .writes(TruncationSummaryRow::KIND)
        .memory_mib(128)
        .seconds(0.5)
}

fn run(context: &Context) -> Result<(), TaskError> {
    let Over { over } = context.parameters()?;
    let mut curves = Vec::new();
    for input in context.inputs("truncations")? {
        curves.push((input, read_records::<TruncationRow>(&input.path)?));
    }
    let mut rows = Vec::new();
    for group in Group::all(curves, &over, &["hidden"])? {
        group.check(&over, |curve| curve.first().map(|row| row.hidden))?;
        let curves = group.members.iter().map(|(_, curve)| curve.as_slice());
        rows.extend(group.label(truncation_summary(curves)?));
    }
    let path = context.output(TruncationSummaryRow::KIND)?;
    let about = context.about("truncations")?;
    write_labelled(path, &rows, Some(&about), context.provenance())?;
    Ok(())
}
