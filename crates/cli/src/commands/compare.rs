//! `eigenscope compare`: our numbers against the published ones.

use std::path::Path;

use anyhow::{Result, bail};
use eigenscope_pipeline::compare::{self, Published};

use super::{plural, relative, tell};
use crate::arguments::{Compare, ProjectArguments};
use crate::exit::{self, diagnosed};
use crate::json;
use crate::project::Project;
use crate::wrapping::width_of_stdout;

pub(crate) fn run(arguments: &ProjectArguments, command: &Compare) -> Result<u8> {
    let project = Project::open(arguments, &command.pipeline)?;
    let path = command
        .published
        .clone()
        .unwrap_or_else(|| compare::beside(&project.plan));
    if !path.exists() {
        bail!(
            "there are no published numbers for this pipeline: {} does not exist; name a file with --published",
            path.display()
        );
    }
    let published = compare::read(&path, &project.plan).map_err(diagnosed)?;
    tell_left_out(&published, &path);
    if published.numbers.is_empty() {
        bail!(
            "there are no published numbers for this pipeline: write its own into {}, or name a file with --published",
            relative(&compare::own(&project.plan))
        );
    }
    let survey = project.survey(&project.select(&[])?);
    project.tell_other_device(&survey);
    let rows = project.compare(&published, &survey);
    let report = compare::Report::new(&published, &rows);
    match command.json {
        true => super::print(&json::text(&report)?)?,
        false => super::print_lines(&compare::text(&published, &rows, width_of_stdout()))?,
    }
    Ok(if report.holds { exit::OK } else { exit::FAILED })
}

/// Says how many numbers of an extended pipeline do not apply.
pub(crate) fn tell_left_out(published: &Published, path: &Path) {
    let count = published.left_out;
    if count > 0 {
        tell(&format!(
            "{count} {} of {} {} left out: this pipeline does not have the tables or labels that they are about",
            plural(count, "number"),
            relative(path),
            if count == 1 { "is" } else { "are" },
        ));
    }
}
