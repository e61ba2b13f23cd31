//! A scratch folder to compute in: an artifacts folder of its own, which vanishes with this value.

use std::io::ErrorKind;

use eigenscope_artifact::atomic::TEMPORARY_PREFIX;
use tempfile::TempDir;

use crate::store::{Key, Store, StoreError, symlink};

/// A folder whose name lets the next run remove it should this process be killed.
pub(super) struct Scratch {
    _folder: TempDir,
    pub(super) store: Store,
}

impl Scratch {
    /// A folder inside the artifacts folder or, where that cannot be written to, among the system's temporary files.
    pub(super) fn new(store: &Store) -> Result<Self, StoreError> {
        let root = store.root();
        let mut builder = tempfile::Builder::new();
        let prefix = format!("{TEMPORARY_PREFIX}verify-");
        builder.prefix(&prefix);
        let folder = builder
            .tempdir_in(root)
            .or_else(|source| match source.kind() {
                ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
                    let temporary = std::env::temp_dir();
                    builder
                        .tempdir_in(&temporary)
                        .map_err(|source| StoreError::io("create a folder in", &temporary, source))
                }
                _ => Err(StoreError::io("create a folder in", root, source)),
            })?;
        // Nobody else knows this folder.
        let store = Store::new(folder.path())?.without_lock();
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
