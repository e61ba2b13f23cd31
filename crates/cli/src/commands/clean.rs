//! `eigenscope clean`: removes results, needed or not.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Result, bail};
use eigenscope_pipeline::gc::{clean_all, clean_pipelines};
use eigenscope_pipeline::store::{Store, is_pipeline_name};

use super::{gc, relative, tell};
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
                let name = |file: &Path| {
                    let stem = file.file_stem().unwrap_or_default();
                    stem.to_string_lossy().into_owned()
                };
                let given = match pipeline.ends_with(".toml") {
                    true => name(Path::new(pipeline)),
                    false => pipeline.clone(),
                };
                match is_pipeline_name(&given) && store.pipeline(&given).is_dir() {
                    true => Ok(given),
                    false => Ok(name(&pipeline_file(pipeline)?)),
                }
            });
            let names = names.collect::<Result<_>>()?;
            refuse_shared_names(&store, &names)?;
            clean_pipelines(&store, &names, command.dry_run)?
        }
    };
    super::print_lines(&gc::listed(&collection.removed))?;
    tell(&gc::summary(&collection, command.dry_run));
    Ok(exit::OK)
}

/// Refuses names that several pipeline files with results here have: one folder holds the links of all of them, so
/// their results cannot be distinguished.
fn refuse_shared_names(store: &Store, names: &BTreeSet<String>) -> Result<()> {
    let files = store.pipeline_files()?;
    for name in names {
        let named = files
            .iter()
            .filter(|file| file.file_stem() == Some(name.as_ref()) && file.exists());
        let named: Vec<String> = named.map(|file| relative(file)).collect();
        if named.len() > 1 {
            bail!(
                "nothing is removed: {} share the name `{name}`, and so their results; rename one, or remove what one no longer \
                 needs with `eigenscope gc` and the names of the pipelines to keep",
                named.join(" and ")
            );
        }
    }
    Ok(())
}
