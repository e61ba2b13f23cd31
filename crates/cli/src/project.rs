//! Finding things: stage programs beside this one, the pipeline file, the artifacts folder.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use eigenscope_pipeline::plan::Plan;
use eigenscope_pipeline::programs::Programs;
use eigenscope_pipeline::store::Store;
use eigenscope_pipeline::survey::{Survey, survey};
use eigenscope_pipeline::{file, targets};

use crate::arguments::{ProjectArguments, Targets};
use crate::exit::diagnosed;

/// Folder of the pipelines that can be given by name.
const PIPELINES: &str = "pipelines";

/// A pipeline ready to be worked on.
pub(crate) struct Project {
    pub(crate) programs: Programs,
    pub(crate) plan: Plan,
    pub(crate) store: Store,
    pub(crate) data_dir: PathBuf,
}

impl Project {
    /// Asks the stage programs, reads the pipeline file and checks it.
    pub(crate) fn open(arguments: &ProjectArguments, pipeline: &str) -> Result<Self> {
        let path = pipeline_file(pipeline)?;
        let program = std::env::current_exe().context("cannot find the folder of this program")?;
        let folder = program.parent().unwrap_or(Path::new("."));
        let programs = Programs::describe(folder)?;
        let plan = file::read(&path, &programs).map_err(diagnosed)?;
        Ok(Self {
            programs,
            plan,
            store: Store::new(&arguments.artifacts)?,
            data_dir: arguments.data_dir.clone(),
        })
    }

    /// As [`Project::open`], with the tasks that the patterns mean.
    pub(crate) fn open_targets(
        arguments: &ProjectArguments,
        which: &Targets,
    ) -> Result<(Self, Vec<usize>)> {
        let project = Self::open(arguments, &which.pipeline)?;
        let targets = project.select(&which.targets)?;
        Ok((project, targets))
    }

    /// The tasks that the patterns mean.
    pub(crate) fn select(&self, patterns: &[String]) -> Result<Vec<usize>> {
        targets::select(&self.plan, patterns).map_err(diagnosed)
    }

    /// State of `targets` and of all they need.
    pub(crate) fn survey(&self, targets: &[usize]) -> Survey {
        survey(&self.plan, targets, &self.store, &self.data_dir)
    }
}

fn pipeline_file(pipeline: &str) -> Result<PathBuf> {
    let path = PathBuf::from(pipeline);
    if path
        .extension()
        .is_some_and(|extension| extension == "toml")
    {
        return Ok(path);
    }
    let named = Path::new(PIPELINES).join(format!("{pipeline}.toml"));
    if named.is_file() {
        return Ok(named);
    }
    let known = known_pipelines();
    if known.is_empty() {
        bail!(
            "there is no pipeline `{pipeline}`: this folder has no `{PIPELINES}/*.toml`; give the path of a pipeline file"
        );
    }
    bail!(
        "there is no pipeline `{pipeline}` ({}); known: {}",
        named.display(),
        known.join(", ")
    );
}

fn known_pipelines() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(PIPELINES)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".toml").map(str::to_owned))
        .filter(|name| !name.ends_with(".published") && !name.ends_with(".tolerances"))
        .collect();
    names.sort();
    names
}
