//! `eigenscope accept`: declare existing results valid for changed code.

use std::collections::BTreeSet;

use anyhow::Result;
use eigenscope_pipeline::accept::{Acceptance, Refused, accept};

use super::{tallied, tell};
use crate::arguments::{Accept, ProjectArguments};
use crate::exit;
use crate::project::Project;

pub(crate) fn run(arguments: &ProjectArguments, command: &Accept) -> Result<u8> {
    let project = Project::open(arguments, &command.pipeline)?;
    let targets = project.select(&command.targets)?;
    let acceptance = accept(
        &project.plan,
        &targets,
        &project.store,
        &project.data_dir,
        command.dry_run,
    )?;
    super::print_lines(&listed(&project, &acceptance))?;
    for Refused { task, reasons, .. } in &acceptance.refused {
        let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
        let task = &project.plan.tasks[*task].id;
        tell(&format!("refused {task}: {}", reasons.join("; ")));
    }
    let former = acceptance
        .refused
        .iter()
        .flat_map(|refused| &refused.former);
    for former in former.collect::<BTreeSet<_>>() {
        tell(&format!("note: {former}"));
    }
    tell(&summary(&acceptance, command.dry_run));
    Ok(match acceptance.refused.is_empty() {
        true => exit::OK,
        false => exit::FAILED,
    })
}

/// One line for every accepted result.
fn listed(project: &Project, acceptance: &Acceptance) -> String {
    let lines = acceptance.accepted.iter().map(|accepted| {
        let task = &project.plan.tasks[accepted.task].id;
        format!("{task}: {}\n", accepted.reason)
    });
    lines.collect()
}

fn summary(acceptance: &Acceptance, dry_run: bool) -> String {
    let accepted = match dry_run {
        true => "would be accepted",
        false => "accepted without being computed again",
    };
    let counts = tallied([
        (acceptance.accepted.len(), accepted),
        (acceptance.current.len(), "up to date"),
        (acceptance.refused.len(), "refused"),
    ]);
    format!("tasks: {counts}")
}
