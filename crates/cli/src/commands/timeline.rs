//! `eigenscope timeline`: a picture of one run.

use anyhow::{Result, bail};
use eigenscope_pipeline::timeline;

use super::output;
use crate::arguments::{ProjectArguments, Timeline};
use crate::exit;
use crate::project::Project;

pub(crate) fn run(arguments: &ProjectArguments, command: &Timeline) -> Result<u8> {
    let Project {
        programs,
        plan,
        store,
        ..
    } = Project::open(arguments, &command.pipeline)?;
    let default = || store.pipeline(&plan.name).join("timeline.svg");
    let path = command.output.clone().unwrap_or_else(default);
    let is_stream = output::is_stdout(&path)
        || path
            .metadata()
            .is_ok_and(|found| !found.is_file() && !found.is_dir());
    let is_svg = path.extension().is_some_and(|end| end == "svg");
    if !is_stream && !is_svg {
        bail!(
            "{} does not end in .svg: name the SVG to write; a PNG and a PDF appear beside it",
            path.display()
        );
    }
    let drawing = timeline::draw(&store, &programs, &plan.name, command.run.as_deref())?;
    output::write(&path, &drawing.svg)?;
    if !is_stream {
        output::write(&path.with_extension("png"), &drawing.png)?;
        output::write(&path.with_extension("pdf"), &drawing.pdf)?;
    }
    super::tell(&format!("run {}", drawing.run));
    if !output::is_stdout(&path) {
        super::print(&format!("{}\n", path.display()))?;
    }
    Ok(exit::OK)
}
