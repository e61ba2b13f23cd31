//! Sizes of files and folders, and what removing them frees.

use std::collections::HashMap;
use std::fs::Metadata;
use std::path::Path;

use crate::store::entries;

/// Adds up what is freed. A file with several names is freed with the last of them.
#[derive(Debug, Default)]
pub(super) struct Freed {
    bytes: u64,
    /// Names still to be removed of a file with several.
    names: HashMap<(u64, u64), u64>,
}

impl Freed {
    /// Size of the files at or below `path`; 0 for files that cannot be inspected.
    pub(super) fn add(&mut self, path: &Path) -> u64 {
        let Ok(metadata) = path.symlink_metadata() else {
            return 0;
        };
        if metadata.is_dir() {
            return entries(path).map(|path| self.add(&path)).sum();
        }
        let (file, names) = identity(&metadata);
        let left = self.names.entry(file).or_insert(names);
        *left = left.saturating_sub(1);
        if names == 1 || *left == 0 {
            self.bytes += metadata.len();
        }
        metadata.len()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// The identity of a file, and how many names it has.
#[cfg(unix)]
fn identity(metadata: &Metadata) -> ((u64, u64), u64) {
    use std::os::unix::fs::MetadataExt;
    ((metadata.dev(), metadata.ino()), metadata.nlink())
}

#[cfg(not(unix))]
fn identity(_: &Metadata) -> ((u64, u64), u64) {
    ((0, 0), 1)
}
