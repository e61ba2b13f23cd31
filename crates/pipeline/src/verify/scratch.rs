//! A scratch folder to compute in: an artifacts folder of its own, which vanishes with this value.

use eigenscope_artifact::atomic::TEMPORARY_PREFIX;
use tempfile::TempDir;

use crate::store::{Key, Store, StoreError, symlink};

/// A folder inside the artifacts folder, of the name that the next run removes should this process be killed.
pub(super) struct Scratch {
    _folder: TempDir,
    pub(super) store: Store,
}

impl Scratch {
    pub(super) fn new(store: &Store) -> Result<Self, StoreError> {
        let root = store.root();
        let folder = tempfile::Builder::new()
            .prefix(&format!("{TEMPORARY_PREFIX}verify-"))
            .tempdir_in(root)
            .map_err(|source| StoreError::io("create a folder in", root, source))?;
        let store = Store::new(folder.path())?;
        let results = store.results();
        std::fs::create_dir(&results)
            .map_err(|source| StoreError::io("create the folder", &results, source))?;
        Ok(Self {
            _folder: folder,
            store,
        })
    }

    /// Lets tasks in the scratch folder read a result of the real one.
    pub(super) fn borrow(&self, store: &Store, key: Key) -> Result<(), StoreError> {
        let link = self.store.folder(key);
        if link.is_symlink() {
            return Ok(()); // Two tasks with one key.
        }
        symlink(&store.folder(key), &link)
            .map_err(|source| StoreError::io("create the link", &link, source))
    }
}
