//! Folders of what was submitted to a cluster: what jobs that outlive a run find there keeps their work from being removed.

use std::path::{Path, PathBuf};

use super::{Key, Store, entries};
use eigenscope_artifact::atomic::TEMPORARY_PREFIX;

impl Store {
    /// The folder of all batches.
    pub(crate) fn batches_folder(&self) -> PathBuf {
        self.root().join(".slurm")
    }

    /// The folders of the batches that have not been dealt with, the oldest first.
    pub(crate) fn batches(&self) -> Vec<PathBuf> {
        let mut batches: Vec<PathBuf> = entries(&self.batches_folder())
            .filter(|path| path.is_dir() && !is_hidden(path))
            .collect();
        batches.sort();
        batches
    }

    /// First characters of the paths of all work folders of a task of a batch.
    pub(crate) fn batch_work_prefix(&self, key: Key, batch: &str, number: usize) -> PathBuf {
        let name = format!("{TEMPORARY_PREFIX}{}-{batch}-{number}-", key.short());
        self.results().join(name)
    }

    /// The work folders that belong to a batch.
    pub(crate) fn batch_work_folders(&self, batch: &str) -> Vec<PathBuf> {
        let folders = entries(&self.results());
        folders.filter(|path| is_work_of(path, batch)).collect()
    }
}

/// Returns whether a path is that of a work folder of a batch.
pub(super) fn is_work_of(path: &Path, batch: &str) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with(TEMPORARY_PREFIX) && name.contains(&format!("-{batch}-"))
}

fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.as_encoded_bytes().starts_with(b".")
}
