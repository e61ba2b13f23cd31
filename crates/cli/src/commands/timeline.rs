//! `eigenscope timeline`: a picture of one run.

use anyhow::Result;
use eigenscope_pipeline::timeline;

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
    let output = command.output.clone().unwrap_or_else(default);
    let run = timeline::draw(
        &store,
        &programs,
        &plan.name,
        command.run.as_deref(),
        &output,
    )?;
    super::tell(&format!("run {run}"));
    super::print(&format!("{}\n", output.display()))?;
    Ok(exit::OK)
}
