//! Declaration of figure kinds, and writing of figures.

use eigenscope_artifact::{INTERACTIVE, PNG, SVG, atomic};
use eigenscope_stage::{Context, TaskError, TaskFunction, TaskKind};

use eigenscope_figure::{Figure, interactive, png, svg};

/// Pixels of the PNG for each px of the drawing.
const PNG_SCALE: f64 = 2.0;

/// Declares a kind of figure, which is written in three forms.
pub(super) fn figure_kind(name: &str, summary: &str, run: TaskFunction) -> TaskKind {
    TaskKind::new(name, summary, run)
        .writes(SVG)
        .writes(PNG)
        .writes(INTERACTIVE)
}

/// Draws a figure and writes its three files. The SVG holds the provenance of the task.
pub(super) fn write(context: &Context, mut figure: Figure) -> Result<(), TaskError> {
    figure.metadata = serde_json::to_string(context.provenance())?;
    let for_pages = serde_json::to_vec(&interactive(&figure)?)?;
    let drawing = svg(&figure)?;
    let picture = png(&drawing, PNG_SCALE)?;
    atomic::write_file(context.output(SVG)?, drawing.as_bytes())?;
    atomic::write_file(context.output(PNG)?, &picture)?;
    atomic::write_file(context.output(INTERACTIVE)?, &for_pages)?;
    Ok(())
}
