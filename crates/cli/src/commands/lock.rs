//! `eigenscope lock`: write down what every task of a pipeline computes.

use anyhow::Result;
use eigenscope_pipeline::verify::LockFile;

use super::tell;
use crate::arguments::{Lock, ProjectArguments};
use crate::exit;
use crate::project::Project;

pub(crate) fn run(arguments: &ProjectArguments, command: &Lock) -> Result<u8> {
    let project = Project::open(arguments, &command.pipeline)?;
    let plan = &project.plan;
    let lock = LockFile::of(plan, &project.survey(&project.select(&[])?), &project.store)?;
    let path = LockFile::beside(&plan.file);
    lock.write(&path, &plan.name)?;
    let tasks = lock.task.len();
    tell(&format!(
        "{} locked in {}",
        super::tasks_are(tasks),
        path.display()
    ));
    Ok(exit::OK)
}
