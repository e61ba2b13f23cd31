//! The pipeline files that have results here.
//!
//! The readable links of a pipeline stand in a folder of its name. Two files of one name share that folder, so the name does
//! not tell whose results a store holds.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use eigenscope_artifact::atomic::write_file;
use eigenscope_artifact::regular;
use serde::{Deserialize, Serialize};

use super::{Store, StoreError};
use crate::version::Versioned;

/// Version of the format; a file of another version is not read.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pipelines {
    version: u32,
    /// Paths relative to the artifacts folder, so that both can be moved together.
    files: BTreeSet<PathBuf>,
}

impl Store {
    /// The pipeline files that have had results here, as absolute paths.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn pipeline_files(&self) -> Result<BTreeSet<PathBuf>, StoreError> {
        let path = self.pipelines_record();
        let text = match regular::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeSet::new()),
            Err(source) => return Err(StoreError::io("read", &path, source)),
        };
        let pipelines = parse(&text).map_err(|reason| StoreError::pipelines(&path, &reason))?;
        let root = canonical(self.root());
        let files = pipelines.files.iter();
        Ok(files.map(|file| canonical(&root.join(file))).collect())
    }

    /// The other pipeline files of this name that are there and have had results here: they share its folder of links.
    ///
    /// # Errors
    /// The record cannot be read.
    pub fn of_same_name(&self, file: &Path) -> Result<Vec<PathBuf>, StoreError> {
        let own = canonical(file);
        let files = self.pipeline_files()?.into_iter();
        let others = files.filter(|other| {
            other.file_stem() == own.file_stem() && *other != own && other.exists()
        });
        Ok(others.collect())
    }

    /// Records that a pipeline file has results here. The lock is held.
    pub(crate) fn record_pipeline(&self, file: &Path) -> Result<(), StoreError> {
        // A damaged record is replaced: what it held is lost anyway.
        let mut files = self.pipeline_files().unwrap_or_default();
        match files.insert(canonical(file)) {
            true => self.write_pipelines(&files),
            false => Ok(()),
        }
    }

    /// Replaces the record. The lock is held.
    pub(crate) fn write_pipelines(&self, files: &BTreeSet<PathBuf>) -> Result<(), StoreError> {
        let path = self.pipelines_record();
        let root = canonical(self.root());
        let pipelines = Pipelines {
            version: VERSION,
            files: files.iter().map(|file| relative(file, &root)).collect(),
        };
        let text = serde_json::to_vec_pretty(&pipelines)
            .map_err(|error| StoreError::io("write", &path, error.into()))?;
        Ok(write_file(&path, &text)?)
    }

    pub(super) fn pipelines_record(&self) -> PathBuf {
        self.root().join(".pipelines.json")
    }
}

fn parse(text: &[u8]) -> Result<Pipelines, String> {
    let broken = |error: serde_json::Error| error.to_string();
    let versioned: Versioned = serde_json::from_slice(text).map_err(broken)?;
    versioned.expect(VERSION)?;
    serde_json::from_slice(text).map_err(broken)
}

/// The path without links; of a file that is gone, as far as its folders are there.
pub(crate) fn canonical(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    if let Ok(found) = absolute.canonicalize() {
        return found;
    }
    match (absolute.parent(), absolute.file_name()) {
        (Some(folder), Some(name)) => canonical(folder).join(name),
        // A path that ends in `..`, or the root.
        _ => absolute,
    }
}

/// `path` as seen from `folder`; both are absolute and without links.
fn relative(path: &Path, folder: &Path) -> PathBuf {
    let shared = path.components().zip(folder.components());
    let shared = shared.take_while(|(one, other)| one == other).count();
    let up = folder
        .components()
        .skip(shared)
        .map(|_| Component::ParentDir);
    up.chain(path.components().skip(shared)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipeline_files_are_known_after_both_have_been_moved() {
        let folder = tempfile::tempdir().expect("a folder");
        let old = folder.path().join("old");
        std::fs::create_dir_all(old.join("artifacts")).expect("created");
        std::fs::create_dir_all(old.join("pipelines")).expect("created");
        let store = Store::new(&old.join("artifacts")).expect("a store");
        assert_eq!(store.pipeline_files().expect("none"), BTreeSet::new());
        for name in ["pipelines/p.toml", "p.toml", "p.toml"] {
            store.record_pipeline(&old.join(name)).expect("recorded");
        }
        let new = folder.path().join("new");
        std::fs::rename(&old, &new).expect("moved");
        let store = Store::new(&new.join("artifacts")).expect("a store");
        let new = canonical(&new);
        assert_eq!(
            store.pipeline_files().expect("two"),
            BTreeSet::from([new.join("p.toml"), new.join("pipelines/p.toml")])
        );
    }

    #[test]
    fn a_damaged_record_is_named_and_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::new(folder.path()).expect("a store");
        for text in ["{", r#"{"version": 2, "files": []}"#] {
            std::fs::write(store.pipelines_record(), text).expect("written");
            let error = store.pipeline_files().expect_err("refused").to_string();
            assert!(error.contains(".pipelines.json"), "{error}");
        }
        let file = folder.path().join("p.toml");
        store.record_pipeline(&file).expect("recorded");
        let files = store.pipeline_files().expect("readable");
        assert_eq!(files, BTreeSet::from([canonical(&file)]));
    }
}
