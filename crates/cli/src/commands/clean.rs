//! `eigenscope clean`: remove results, whether they are needed or not.

use anyhow::Result;
use eigenscope_pipeline::gc::{clean_all, clean_pipelines};

use super::{gc, tell};
use crate::arguments::{Clean, ProjectArguments};
use crate::exit;
use crate::project::{pipeline_file, store};

pub(crate) fn run(arguments: &ProjectArguments, command: &Clean) -> Result<u8> {
    let store = store(arguments)?;
    let collection = match command.pipelines.as_slice() {
        [] => clean_all(&store, command.dry_run)?,
        pipelines => {
            let names = pipelines.iter().map(|pipeline| {
                // The file may be gone while its results are not.
                if store.pipeline(pipeline).is_dir() {
                    return Ok(pipeline.clone());
                }
                let file = pipeline_file(pipeline)?;
                let name = file.file_stem().unwrap_or_default();
                Ok(name.to_string_lossy().into_owned())
            });
            let names = names.collect::<Result<_>>()?;
            clean_pipelines(&store, &names, command.dry_run)?
        }
    };
    super::print(&gc::listed(&collection.removed))?;
    tell(&gc::summary(&collection, command.dry_run));
    Ok(exit::OK)
}
