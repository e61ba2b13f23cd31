//! Warnings about readable names that lead to outdated results.

use std::path::{Component, Path};

use anyhow::Result;
use eigenscope_pipeline::survey::State;

use super::relative;
use crate::arguments::ProjectArguments;
use crate::project::{Project, store};

/// The warning about a result that is shown by its readable name, if it is not the one that is up to date.
pub(crate) fn notes(arguments: &ProjectArguments, path: &Path) -> Vec<String> {
    // Whoever looks at a result need not have its pipeline.
    found(arguments, path).unwrap_or_else(|error| {
        tracing::debug!(
            "cannot tell whether {} is up to date: {error}",
            path.display()
        );
        Vec::new()
    })
}

fn found(arguments: &ProjectArguments, path: &Path) -> Result<Vec<String>> {
    let store = store(arguments)?;
    let path = std::path::absolute(path)?;
    let root = store.root().canonicalize()?;
    let below = path.strip_prefix(store.root()).or(path.strip_prefix(&root));
    let mut names = below?.components().map(|part| match part {
        Component::Normal(name) => name.to_str(),
        _ => None,
    });
    let (Some(Some(pipeline)), Some(Some(link))) = (names.next(), names.next()) else {
        return Ok(Vec::new());
    };
    let Some(key) = store.linked(pipeline, link) else {
        return Ok(Vec::new());
    };
    let files = store.pipeline_files()?.into_iter();
    let files = files.filter(|file| file.file_stem() == Some(pipeline.as_ref()) && file.exists());
    let mut notes = Vec::new();
    for file in files {
        let file = relative(&file);
        let project = Project::open(arguments, &file)?;
        project.tell_unusable_files();
        let tasks = &project.plan.tasks;
        let is_named =
            |id: &str| id == link || store.link(pipeline, id).file_name() == Some(link.as_ref());
        let Some(index) = tasks.iter().position(|task| is_named(&task.id)) else {
            notes.push(format!("note: {file} has no task `{link}` any more"));
            continue;
        };
        let id = &tasks[index].id;
        notes.push(match project.survey(&[index]).get(index) {
            Some(State::Current { key: current, .. }) if *current == key => {
                return Ok(Vec::new());
            }
            Some(State::Current { .. }) => format!(
                "note: this is not the result of {id} in {file} as it is now: `{}` lets the name lead there",
                project.invocation.command("run")
            ),
            _ => format!(
                "note: {id} is not up to date for {file} as it is now: see `{}`",
                project.invocation.command_of("explain", id)
            ),
        });
    }
    Ok(notes)
}
