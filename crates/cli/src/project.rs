//! The project: stage programs, pipeline file, artifacts folder.

use std::collections::BTreeSet;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use eigenscope_pipeline::compare::{Published, Row, compare};
use eigenscope_pipeline::execute::{self, Ended, ExecuteError, Options, stderr_observer};
use eigenscope_pipeline::store::Store;
use eigenscope_pipeline::survey::{Reason, State, Survey, rescan, survey_showing};
use eigenscope_plan::pipeline_file::installed_pipelines;
use eigenscope_plan::programs::Programs;
use eigenscope_plan::progress::Progress;
use eigenscope_plan::settings::Settings;
use eigenscope_plan::{Plan, lacking_files};
use eigenscope_plan::{file, task_patterns};

use crate::arguments::{ProjectArguments, TargetArguments, Terminal};
use crate::cards;
use crate::commands::{plural, relative, tell};
use crate::exit::diagnosed;
use crate::invocation::Invocation;
use crate::planning;
use crate::settings;
use crate::wrapping::width_of_stderr;

/// Folder of the pipelines that can be given by name.
pub(crate) const PIPELINES: &str = "pipelines";

/// Data sets without files that are named.
const LACKING_SHOWN: usize = 5;

/// A pipeline ready to be worked on.
pub(crate) struct Project {
    pub(crate) programs: Programs,
    /// Of many parts; that the memory of each is given back when the process ends is of no use.
    pub(crate) plan: ManuallyDrop<Plan>,
    pub(crate) store: Store,
    pub(crate) data_dir: PathBuf,
    /// Those of the site, for its pipeline.
    pub(crate) settings: Settings,
    /// How its pipeline and its folders were given.
    pub(crate) invocation: Invocation,
    /// What of the command line or the environment asks for a device.
    device_option: Option<String>,
    /// How far its planning is, as it is shown.
    pub(crate) progress: Progress,
}

impl Project {
    /// Asks the stage programs, reads the pipeline file and checks it.
    pub(crate) fn open(arguments: &ProjectArguments, pipeline: &str) -> Result<Self> {
        let path = pipeline_file(pipeline)?;
        let settings = settings::read(&path)?;
        let programs = stage_programs(arguments)?;
        let progress = planning::show();
        let plan = eigenscope_plan::read_showing(&path, &programs, &progress).map_err(diagnosed)?;
        Ok(Self {
            programs,
            plan: ManuallyDrop::new(plan),
            store: store(arguments)?,
            data_dir: arguments.data_dir.clone(),
            settings,
            invocation: Invocation::new(arguments, pipeline),
            device_option: arguments.device_option(),
            progress,
        })
    }

    /// As [`Project::open`], with the tasks that the patterns mean.
    pub(crate) fn open_targets(
        arguments: &ProjectArguments,
        which: &TargetArguments,
    ) -> Result<(Self, Vec<usize>)> {
        let project = Self::open(arguments, &which.pipeline)?;
        let targets = project.select(&which.targets)?;
        Ok((project, targets))
    }

    /// The tasks that the patterns mean.
    pub(crate) fn select(&self, patterns: &[String]) -> Result<Vec<usize>> {
        task_patterns::select(&self.plan, patterns).map_err(diagnosed)
    }

    /// State of `targets` and of all they need.
    pub(crate) fn survey(&self, targets: &[usize]) -> Survey {
        let Self { plan, store, .. } = self;
        survey_showing(plan, targets, store, &self.data_dir, &self.progress)
    }

    /// Brings `targets` and all they need up to date, and shows on standard error how far that is.
    pub(crate) fn execute(
        &self,
        targets: &[usize],
        options: &Options,
    ) -> Result<Ended, ExecuteError> {
        let Self {
            programs,
            plan,
            store,
            ..
        } = self;
        let Terminal {
            redraws, colours, ..
        } = Terminal::of_stderr();
        let mut observer = stderr_observer(redraws, colours, width_of_stderr);
        execute::run_to_end(plan, targets, programs, store, options, observer.as_mut())
    }

    /// Which tasks of `survey` have results of another device only than the one that was asked for beside the pipeline file, in a sentence.
    pub(crate) fn of_other_device(&self, survey: &Survey) -> Option<String> {
        let option = self.device_option.as_ref()?;
        let is_of_other = |state: &State| {
            let mut reasons = state.reasons().iter();
            reasons.any(|reason| matches!(reason, Reason::DeviceChanged { .. }))
        };
        let count = survey
            .iter()
            .filter(|(_, state)| is_of_other(state))
            .count();
        let tasks = match count {
            0 => return None,
            1 => "1 task has a result".to_owned(),
            count => format!("{count} tasks have results"),
        };
        Some(format!(
            "{tasks} of another device, and none of the one that `{option}` asks for"
        ))
    }

    /// Notes that what a command reads is not all there for the device that was asked for.
    pub(crate) fn tell_other_device(&self, survey: &Survey) {
        if let Some(text) = self.of_other_device(survey) {
            tell(&format!("note: {text}"));
        }
    }

    /// Refuses targets that have to be made from a file that cannot be used, with its place in the pipeline file.
    pub(crate) fn refuse_unusable_files(&self, targets: &[usize]) -> Result<()> {
        let lacks_file = |task: usize| self.plan.tasks[task].lacks_file;
        if !(0..self.plan.tasks.len()).any(lacks_file) {
            return Ok(());
        }
        let survey = self.survey(targets);
        let mut states = survey.iter();
        if states.any(|(task, state)| lacks_file(task) && !state.is_current()) {
            let programs = self.programs.clone().requiring_files();
            eigenscope_plan::read(&self.plan.file, &programs).map_err(diagnosed)?;
        }
        Ok(())
    }

    /// Says which files a run would lack, in a line for each data set.
    pub(crate) fn tell_lacking_files(&self, not_current: impl IntoIterator<Item = usize>) {
        let lacking = match lacking_files(&self.programs, &self.plan, not_current) {
            Ok(lacking) => lacking,
            // Reading the pipeline file or the run says what is wrong with the program.
            Err(error) => return tracing::debug!("cannot tell which files are missing: {error}"),
        };
        for (task, text) in lacking.iter().take(LACKING_SHOWN) {
            tell(&format!(
                "missing data: {}: {text}",
                self.plan.tasks[*task].id
            ));
        }
        match lacking.len().saturating_sub(LACKING_SHOWN) {
            0 => {}
            more => tell(&format!(
                "missing data: {more} more {}",
                plural(more, "data set")
            )),
        }
    }

    /// Says which files of the user's cannot be used, for commands that go on with what is stored.
    pub(crate) fn tell_unusable_files(&self) {
        let tasks = self.plan.tasks.iter().filter(|task| task.lacks_file);
        for task in tasks {
            for warning in &task.warnings {
                tell(&format!("note: {}: {warning}", task.id));
            }
        }
    }

    /// Says that the folder of readable names is shared with another pipeline file.
    pub(crate) fn tell_shared_name(&self) -> Result<()> {
        let Self { plan, store, .. } = self;
        for other in store.of_same_name(&plan.file)? {
            let (own, other) = (relative(&plan.file), relative(&other));
            tell(&format!(
                "note: {own} and {other} have one name, and share the folder {}: its links of equal task names and its page are those of the \
                 file that wrote last, now {own}. No result is lost; `eigenscope run {other}` leads the links back. Rename one file to keep both",
                relative(&store.pipeline(&plan.name))
            ));
        }
        Ok(())
    }

    /// The same, without going by size and times of files.
    pub(crate) fn rescan(&self, targets: &[usize]) -> Survey {
        let Self { plan, store, .. } = self;
        rescan(plan, targets, store, &self.data_dir, &self.progress)
    }

    /// Our numbers against published ones. Only results that are up to date count: a number of other code or data is
    /// no reproduction.
    pub(crate) fn compare(&self, published: &Published, survey: &Survey) -> Vec<Row> {
        compare(&self.plan, published, &|task, kind| {
            let key = survey.get(task).filter(|state| state.is_current())?.key()?;
            Some(self.store.output(key, kind))
        })
    }
}

pub(crate) fn store(arguments: &ProjectArguments) -> Result<Store> {
    let store = Store::new(&arguments.artifacts)?;
    Ok(match arguments.no_lock {
        true => store.without_lock(),
        false => store,
    })
}

/// The plans of all pipelines of this folder, and of those named.
pub(crate) fn all_plans(arguments: &ProjectArguments, named: &[String]) -> Result<Vec<Plan>> {
    let programs = stage_programs(arguments)?;
    let known = known_pipelines();
    let paths: BTreeSet<PathBuf> = known
        .iter()
        .chain(named)
        .map(|pipeline| pipeline_file(pipeline))
        .collect::<Result<_>>()?;
    if paths.is_empty() {
        bail!(
            "this folder has no `{PIPELINES}/*.toml`: go to the folder of the project, or name its pipeline files"
        );
    }
    for path in &paths {
        settings::read(path)?;
    }
    let progress = planning::show();
    let plans = paths
        .iter()
        .map(|path| eigenscope_plan::read_showing(path, &programs, &progress));
    plans.map(|plan| plan.map_err(diagnosed)).collect()
}

/// The plan of one pipeline.
pub(crate) fn plan(arguments: &ProjectArguments, pipeline: &str) -> Result<Plan> {
    let programs = stage_programs(arguments)?;
    eigenscope_plan::read(&pipeline_file(pipeline)?, &programs).map_err(diagnosed)
}

/// The program that reads and writes models.
pub(crate) fn import_program() -> Result<PathBuf> {
    Ok(eigenscope_plan::programs::import_program(&program_folder()?))
}

/// Asks the stage programs beside this program what they can do.
pub(crate) fn stage_programs(arguments: &ProjectArguments) -> Result<Programs> {
    let programs = Programs::describe(&program_folder()?)?;
    Ok(programs
        .with_data_dir(&arguments.data_dir)
        .on_device(arguments.device()?, cards::has_card))
}

/// The folder of this program, which has the other programs in it.
pub(crate) fn program_folder() -> Result<PathBuf> {
    let program = std::env::current_exe().context("cannot find the folder of this program")?;
    Ok(program.parent().unwrap_or(Path::new(".")).to_owned())
}

pub(crate) fn pipeline_file(pipeline: &str) -> Result<PathBuf> {
    let path = PathBuf::from(pipeline);
    if path
        .extension()
        .is_some_and(|extension| extension == "toml")
    {
        return match path.try_exists() {
            Ok(false) => Err(no_such_file(&path)),
            // Reading says what else is wrong.
            _ => Ok(path),
        };
    }
    let name = format!("{pipeline}.toml");
    let mut named = pipeline_folders().map(|folder| folder.join(&name));
    if let Some(file) = named.find(|file| file.is_file()) {
        return Ok(file);
    }
    let known = known_pipelines();
    if known.is_empty() {
        bail!(
            "there is no pipeline `{pipeline}`: this folder has no `{PIPELINES}/*.toml`; give the path of a pipeline file"
        );
    }
    let known = file::did_you_mean("pipelines", pipeline, known.iter().map(String::as_str));
    bail!("there is no pipeline `{pipeline}` ({PIPELINES}/{name}): {known}");
}

/// The error about a pipeline file that is not there: with files of like names beside it, or pipelines.
fn no_such_file(path: &Path) -> anyhow::Error {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let folder = path.parent().unwrap_or(Path::new(""));
    let beside = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    let beside = std::fs::read_dir(beside).into_iter().flatten();
    let beside: Vec<String> = beside
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".toml"))
        .collect();
    let known = known_pipelines();
    let stem = name.trim_end_matches(".toml");
    let similar = file::closest(&name, beside.iter().map(String::as_str));
    let similar = similar.map(|name| folder.join(name).display().to_string());
    let meant = similar
        .or_else(|| file::closest(stem, known.iter().map(String::as_str)).map(str::to_owned))
        .map_or_else(String::new, |meant| format!(": did you mean `{meant}`?"));
    let known = match known.is_empty() {
        true => String::new(),
        false => format!(" (pipelines that are known by name: {})", known.join(", ")),
    };
    anyhow!("there is no file {}{meant}{known}", path.display())
}

/// Folders of the pipelines that can be given by name, the first one first: that of the project, and that of an installed program.
fn pipeline_folders() -> impl Iterator<Item = PathBuf> {
    [PathBuf::from(PIPELINES)]
        .into_iter()
        .chain(installed_pipelines())
}

/// Names of the pipelines in the folders of pipelines.
pub(crate) fn known_pipelines() -> Vec<String> {
    let names: BTreeSet<String> = pipeline_folders()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".toml").map(str::to_owned))
        .filter(|name| !name.ends_with(".published") && !name.ends_with(".tolerances"))
        .collect();
    names.into_iter().collect()
}
