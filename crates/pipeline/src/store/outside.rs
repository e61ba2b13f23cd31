//! What a task has read outside the store, and where it looked for files that were not there.

use std::collections::BTreeMap;
use std::path::Path;

use eigenscope_artifact::atomic::write_file;
use eigenscope_artifact::regular;
use eigenscope_stage::{ExternalFile, FolderPicture};
use serde::{Deserialize, Serialize};

use super::{Key, Store, StoreError};

/// Name of the file in a result's folder that lists the pictures of the folders that were read. It only serves to say what has changed in
/// a folder: one that is missing or broken costs that sentence and nothing else.
pub(super) const PICTURES_NAME: &str = "pictures.json";

/// What a task has reported of the files of the user's.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outside {
    /// The files and folders that were read.
    pub files: Vec<ExternalFile>,
    /// Places where a file would have been read, had there been one.
    pub absent: Vec<String>,
    /// The pictures of the folders among `files`, by the folders' paths.
    pub pictures: Pictures,
}

/// Lists of pictures by the paths of their folders.
type Pictures = BTreeMap<String, Vec<FolderPicture>>;

impl Outside {
    /// Puts what was reported into the order of the paths, each once.
    pub(super) fn sort(&mut self) {
        self.files.sort_by(|one, other| one.path.cmp(&other.path));
        self.files.dedup();
        self.absent.sort_unstable();
        self.absent.dedup();
    }

    /// Writes the lists of pictures into the folder of a result, if there are some.
    pub(super) fn write_pictures(&self, folder: &Path) -> Result<(), StoreError> {
        if self.pictures.is_empty() {
            return Ok(());
        }
        let path = folder.join(PICTURES_NAME);
        let text = serde_json::to_vec(&self.pictures)
            .map_err(|error| StoreError::io("write", &path, error.into()))?;
        Ok(write_file(&path, &text)?)
    }
}

impl Store {
    /// The pictures of a folder as they were when the result with this key was made from them, if that is known.
    pub(crate) fn pictures(&self, key: Key, folder: &str) -> Option<Vec<FolderPicture>> {
        let text = regular::read(&self.folder(key).join(PICTURES_NAME)).ok()?;
        let mut known: Pictures = serde_json::from_slice(&text).ok()?;
        known.remove(folder)
    }
}
