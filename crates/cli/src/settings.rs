//! Where the settings of a site are, and what the command line makes of them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use eigenscope_pipeline::execute::slurm::SlurmOptions;
use eigenscope_plan::settings::{self, ExecutorName, FILE_NAME, Settings};

use crate::arguments::{Executor, ProjectArguments, Run};
use crate::commands::tell;
use crate::exit::diagnosed;
use crate::project::PIPELINES;

/// The settings for a pipeline file: those beside it, or beside the folder `pipelines` that it is in, then those of the user.
pub(crate) fn read(pipeline: &Path) -> Result<Settings> {
    let folder = pipeline.parent().unwrap_or(Path::new(""));
    let absolute = std::path::absolute(pipeline).unwrap_or_else(|_| pipeline.to_owned());
    let is_in_pipelines = absolute
        .parent()
        .and_then(Path::file_name)
        .is_some_and(|name| name == PIPELINES);
    let project = match is_in_pipelines {
        true => absolute
            .parent()
            .and_then(Path::parent)
            .map(|root| root.join(FILE_NAME)),
        false => Some(folder.join(FILE_NAME)),
    };
    let inside = folder.join(FILE_NAME);
    if is_in_pipelines && inside.exists() && project.as_ref().is_some_and(|path| !path.exists()) {
        tell(&format!(
            "note: {} is taken for a pipeline: settings stand beside the folder `{PIPELINES}`, not in it",
            inside.display()
        ));
    }
    let files = project.into_iter().chain(user_settings());
    let files: Vec<PathBuf> = files.filter(|path| path.exists()).collect();
    settings::read(&files).map_err(diagnosed)
}

/// The file of the user's settings: `eigenscope/config.toml` in `XDG_CONFIG_HOME`, else in `.config` of `HOME`.
fn user_settings() -> Option<PathBuf> {
    let named = |variable| std::env::var_os(variable).filter(|value| !value.is_empty());
    let folder = named("XDG_CONFIG_HOME").map(PathBuf::from);
    let folder = folder.filter(|folder| folder.is_absolute());
    let folder = folder.or_else(|| Some(PathBuf::from(named("HOME")?).join(".config")))?;
    Some(folder.join("eigenscope").join("config.toml"))
}

/// How a run uses Slurm, if it does.
pub(crate) fn slurm(
    settings: &Settings,
    arguments: &ProjectArguments,
    command: &Run,
) -> Result<Option<SlurmOptions>> {
    let is_slurm = match command.executor {
        Some(executor) => executor == Executor::Slurm,
        None => settings.executor == ExecutorName::Slurm,
    };
    if !is_slurm {
        if command.detach {
            bail!("`--detach` leaves jobs to Slurm: give `--executor slurm` as well");
        }
        if command.retries.is_some() {
            bail!("`--retries` tries jobs of Slurm again: give `--executor slurm` as well");
        }
        return Ok(None);
    }
    let mut settings = settings.slurm.clone();
    // As sbatch takes it: its limits are asked for.
    let of_environment = || std::env::var("SBATCH_PARTITION").ok();
    settings.partition = settings.partition.or_else(of_environment);
    settings.retries = command.retries.map_or(settings.retries, u32::from);
    let program = std::env::current_exe().context("cannot find this program")?;
    let mut element_command = vec![program, PathBuf::from("__element")];
    if let Some(folder) = &arguments.cuda_libraries {
        let folder = std::path::absolute(folder).context("cannot find the folder of libraries")?;
        element_command.extend([PathBuf::from("--cuda-libraries"), folder]);
    }
    Ok(Some(SlurmOptions {
        settings,
        element_command,
        detach: command.detach,
    }))
}
