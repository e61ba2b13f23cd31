//! `eigenscope compare`: our numbers against the published ones.

use anyhow::{Result, bail};
use eigenscope_pipeline::compare;

use crate::arguments::{Compare, ProjectArguments};
use crate::exit::{self, diagnosed};
use crate::project::Project;

pub(crate) fn run(arguments: &ProjectArguments, command: &Compare) -> Result<u8> {
    let project = Project::open(arguments, &command.pipeline)?;
    let path = command
        .published
        .clone()
        .unwrap_or_else(|| compare::beside(&project.plan.file));
    if !path.exists() {
        bail!(
            "there are no published numbers for this pipeline: {} does not exist; name a file with --published",
            path.display()
        );
    }
    let published = compare::read(&path, &project.plan).map_err(diagnosed)?;
    let survey = project.survey(&project.select(&[])?);
    let rows = project.compare(&published, &survey);
    let text = if command.json {
        compare::json(&rows)? + "\n"
    } else {
        compare::text(&rows)
    };
    super::print(&text)?;
    let holds = rows.iter().all(|row| row.verdict.holds());
    Ok(if holds { exit::OK } else { exit::FAILED })
}
