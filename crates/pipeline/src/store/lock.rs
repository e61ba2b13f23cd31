//! One run at a time in an artifacts folder.
//!
//! The kernel releases the lock when the process that holds it ends, however it ends: it is never stale.

use std::fs::{DirEntry, File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use eigenscope_artifact::atomic::TEMPORARY_PREFIX;

use super::{Store, StoreError};

/// Held while tasks run; released when dropped.
#[derive(Debug)]
pub struct RunLock {
    file: File,
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // Closing the file would do, were there not a moment in which a child that another thread is
        // starting has it open too. Failing to unlock, it is still closed.
        let _ = self.file.unlock();
    }
}

impl Store {
    /// Takes the lock, or says who holds it. What a killed run left half done is removed.
    pub fn lock(&self) -> Result<RunLock, StoreError> {
        let lock = self.lock_as_it_is()?;
        self.remove_leftovers();
        Ok(lock)
    }

    /// As [`Store::lock`], but removes nothing.
    pub(crate) fn lock_as_it_is(&self) -> Result<RunLock, StoreError> {
        for folder in [self.root().to_owned(), self.results()] {
            std::fs::create_dir_all(&folder)
                .map_err(|source| StoreError::io("create the folder", &folder, source))?;
        }
        let path = self.root().join(".lock");
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|source| StoreError::io("write", &path, source))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Who it is makes the message better; that it is locked is certain without.
                let _ = file.read_to_string(&mut holder);
                return Err(StoreError::Locked {
                    root: self.root().to_owned(),
                    pid: holder.trim().parse().ok(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(StoreError::io("lock", &path, source)),
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(|source| StoreError::io("write", &path, source))?;
        Ok(RunLock { file })
    }

    /// Removes what a killed run left half done. The lock is held.
    pub(crate) fn remove_leftovers(&self) {
        self.leftovers().iter().for_each(|path| remove(path));
    }

    /// Temporary files and folders. With the lock held, they are those of runs that were killed.
    pub(crate) fn leftovers(&self) -> Vec<PathBuf> {
        let folders = entries(self.root()).filter(|path| path.is_dir());
        let folders = folders.chain([self.root().to_owned()]);
        folders
            .flat_map(|folder| [folder.join("figures"), folder])
            .flat_map(|folder| listed(&folder))
            .filter(is_temporary)
            .map(|entry| entry.path())
            .collect()
    }
}

fn remove(path: &Path) {
    tracing::debug!(path = %path.display(), "removing what a killed run left");
    let removed = match path.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => remove_work_folder(path),
        _ => std::fs::remove_file(path),
    };
    if let Err(error) = removed {
        tracing::warn!("cannot remove {}: {error}", path.display());
    }
}

/// Under another name first: a child of the killed run, which may live for some milliseconds more, then finds no folder to put
/// a file into, and the folder is empty when it is removed.
fn remove_work_folder(path: &Path) -> std::io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push("-removed");
    std::fs::rename(path, &name)?;
    std::fs::remove_dir_all(&name)
}

fn is_temporary(entry: &DirEntry) -> bool {
    let name = entry.file_name();
    name.as_encoded_bytes()
        .starts_with(TEMPORARY_PREFIX.as_bytes())
}

/// What is in a folder; nothing if it cannot be read.
pub(crate) fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    listed(folder).map(|entry| entry.path())
}

fn listed(folder: &Path) -> impl Iterator<Item = DirEntry> + use<> {
    std::fs::read_dir(folder).into_iter().flatten().flatten()
}
