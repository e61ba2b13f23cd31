//! Declaration of figure kinds, and writing of figures.

use eigenscope_artifact::{INTERACTIVE, PNG, SVG, atomic};
use eigenscope_stage::{
    Context, Parameter, Resources, Role, TaskError, TaskFunction, TaskKind, TaskKindDescription,
};

use eigenscope_figure::{Figure, interactive, png, svg};

/// Pixels of the PNG for each px of the drawing.
const PNG_SCALE: f64 = 2.0;

/// Declares a kind of figure.
pub(super) fn figure_kind(
    name: &str,
    summary: &str,
    parameters: Vec<Parameter>,
    roles: Vec<Role>,
    run: TaskFunction,
) -> TaskKind {
    TaskKind {
        description: TaskKindDescription {
            name: name.to_owned(),
            summary: summary.to_owned(),
            parameters,
            roles,
            outputs: vec![SVG.into(), PNG.into(), INTERACTIVE.into()],
            provides: Vec::new(),
            random: false,
            resources: Resources::default(),
        },
        run,
    }
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
