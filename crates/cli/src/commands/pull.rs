//! `eigenscope pull`: take results from where they are shared.

use std::sync::Arc;

use anyhow::{Result, bail};
use eigenscope_pipeline::execute::Options;
use eigenscope_pipeline::watch::RunOutcome;
use eigenscope_plan::settings;

use super::{run, tell};
use crate::arguments::{ProjectArguments, Pull};
use crate::budget::{self, SecondSignal};
use crate::exit;
use crate::project::Project;
use crate::sharing::{Shared, tell_misses};

pub(crate) fn run(arguments: &ProjectArguments, command: &Pull) -> Result<u8> {
    let (project, targets) = Project::open_targets(arguments, &command.targets)?;
    let Some(sharing) = Shared::new(&project.settings).sharing()? else {
        bail!(
            "there is nothing to take results from: name a [remote] or [[stores]] in {} beside the pipelines",
            settings::FILE_NAME
        );
    };
    let sharing = Arc::new(sharing);
    let mut options = Options::new(&project.data_dir);
    budget::listen(&mut options, None, SecondSignal::IsIgnored)?;
    options.compute = false;
    options.sharing = Some(Arc::clone(&sharing));
    options.progress = project.progress.clone();
    let ended = project.execute(&targets, &options)?;
    tell(&run::summary(&ended.outcome));
    tell_misses(&project, &ended.outcome, &sharing);
    let outcome = RunOutcome::of(&ended, options.compute);
    match ended.broken {
        Some(error) => Err(error.into()),
        None => Ok(exit::of_run(outcome)),
    }
}
