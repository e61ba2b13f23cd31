//! `eigenscope report`: all figures and the comparison in one HTML file.

use std::path::Path;

use anyhow::{Result, bail};
use eigenscope_pipeline::compare;
use eigenscope_pipeline::ledger::Durations;
use eigenscope_pipeline::report::{self, Compared, Request};
use eigenscope_pipeline::survey::State;

use super::{output, relative, tell};
use crate::arguments::{ProjectArguments, Report};
use crate::exit::{self, diagnosed};
use crate::project::Project;

/// Name of the page in the pipeline's folder of results.
const PAGE: &str = "report.html";

pub(crate) fn run(arguments: &ProjectArguments, command: &Report) -> Result<u8> {
    let project = Project::open(arguments, &command.pipeline)?;
    project.tell_unusable_files();
    let folder = project.store.pipeline(&project.plan.name);
    let path = command.output.clone().unwrap_or_else(|| folder.join(PAGE));
    if command.split.is_none() && path.is_dir() {
        bail!(
            "{} is a folder; name the file to write, or use --split",
            path.display()
        );
    }
    let beside = compare::beside(&project.plan);
    let published = match &command.published {
        Some(path) => Some(path.as_path()),
        None => beside.exists().then_some(beside.as_path()),
    };
    let survey = project.survey(&project.select(&[])?);
    // The page of another device is not to be replaced by one that lacks its results.
    match project.of_other_device(&survey) {
        Some(text) if command.output.is_none() && command.split.is_none() && path.exists() => {
            bail!(
                "{text}: the page would lack them. Leave `--device` or `EIGENSCOPE_DEVICE` out, run `{}` first, or name another file with --output",
                project.invocation.command("run")
            )
        }
        _ => project.tell_other_device(&survey),
    }
    let comparison = match published {
        Some(path) => {
            let published = compare::read(path, &project.plan).map_err(diagnosed)?;
            super::compare::tell_left_out(&published, path);
            (!published.numbers.is_empty()).then(|| Compared {
                file: relative(path),
                rows: project.compare(&published, &survey),
                published,
            })
        }
        None => None,
    };
    let request = Request {
        plan: &project.plan,
        survey: &survey,
        store: &project.store,
        is_split: command.split.is_some(),
        shown_root: relative(project.store.root()),
        pipeline_files: pipeline_files(&project),
        run_command: words(arguments, "run", &command.pipeline),
        export_command: words(arguments, "export", &command.pipeline),
        durations: command.with_times.then(|| Durations::load(&project.store)),
        comparison,
    };
    match &command.split {
        Some(folder) => {
            if let Some(parent) = folder.parent() {
                output::create_folder(parent)?;
            }
            report::folder(&request, &project.programs, folder)?;
        }
        None => {
            let page = report::page(&request, &project.programs)?;
            output::write(&path, &page)?;
            if command.output.is_none() {
                project.tell_shared_name()?;
            }
        }
    }
    let stale = survey
        .iter()
        .filter(|(_, state)| !State::is_current(state))
        .count();
    if stale > 0 {
        tell(&format!(
            "{stale} of {} tasks are not up to date: the report says so and leaves their figures out; \
             `{}` says why",
            project.plan.tasks.len(),
            project.invocation.command("status")
        ));
    }
    match &command.split {
        Some(folder) => super::print(&format!("{}\n", relative(&folder.join("index.html"))))?,
        None if !output::is_stdout(&path) => super::print(&format!("{}\n", relative(&path)))?,
        None => {}
    }
    Ok(exit::OK)
}

/// The pipeline file and those that it extends.
fn pipeline_files(project: &Project) -> Vec<String> {
    let plan = &project.plan;
    let files = std::iter::once(&plan.file).chain(&plan.extended);
    files.map(|file| relative(file)).collect()
}

/// The words of a command about tasks of the pipeline, from this folder.
fn words(arguments: &ProjectArguments, name: &str, pipeline: &str) -> Vec<String> {
    let mut words = vec!["eigenscope".to_owned(), name.to_owned()];
    if arguments.artifacts != Path::new("artifacts") {
        words.push("--artifacts".to_owned());
        words.push(arguments.artifacts.display().to_string());
    }
    words.push(pipeline.to_owned());
    words
}
