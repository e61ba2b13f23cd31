//! One run at a time in an artifacts folder.
//!
//! The kernel releases the lock when the process that holds it ends, however it ends: it is never stale. On some network file
//! systems each machine has locks of its own; what keeps runs on two machines apart there is in `holder`.

use std::fs::{DirEntry, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use eigenscope_artifact::atomic::TEMPORARY_PREFIX;
use eigenscope_artifact::{output, regular};

use super::batches::is_work_of;
use super::file_system::{FileSystem, has_no_locks};
use super::holder::{Holder, Pulse, SILENCE};
use super::{Store, StoreError, create_folder};
use crate::host::host_name;

/// Held while tasks run; released when dropped.
#[derive(Debug)]
pub struct RunLock {
    /// `None` if the store is used without a lock.
    file: Option<File>,
    /// Tells other machines that the holder lives.
    pulse: Option<Pulse>,
}

impl RunLock {
    /// Of a store that is used without one.
    fn none() -> Self {
        Self {
            file: None,
            pulse: None,
        }
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        drop(self.pulse.take());
        if let Some(file) = &self.file {
            // Closing the file would do, were there not a moment in which a child that another thread is
            // starting has it open too. Failing to unlock, it is still closed.
            let _ = file.unlock();
        }
    }
}

impl Store {
    /// Takes the lock, or says who holds it. What a killed run left half done is removed.
    pub fn lock(&self) -> Result<RunLock, StoreError> {
        let lock = self.lock_as_it_is()?;
        self.remove_leftovers(&AtomicBool::new(false));
        Ok(lock)
    }

    /// As [`Store::lock`], but removes nothing.
    pub(crate) fn lock_as_it_is(&self) -> Result<RunLock, StoreError> {
        for folder in [self.root().to_owned(), self.results()] {
            create_folder(&folder)?;
        }
        if !self.locking {
            return Ok(RunLock::none());
        }
        let path = self.lock_file();
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        let (file, is_ours) = match self.open_lock(&options) {
            Ok(file) => (file, true),
            // Another user's file can be locked all the same.
            Err(source) if source.kind() == ErrorKind::PermissionDenied && path.exists() => {
                let file = self.open_lock(File::options().read(true));
                (file.map_err(|source| self.foreign(source))?, false)
            }
            Err(source) => return Err(StoreError::io("write", &path, source)),
        };
        self.taken(file.try_lock())?;
        let host = host_name();
        if let Some(other) = Holder::read(&path)
            && other.is_elsewhere(&host)
            && other.is_alive(&path, SILENCE)
        {
            return Err(self.locked(Some(other)));
        }
        let pulse = is_ours
            .then(|| Pulse::start(&file, host))
            .transpose()
            .map_err(|source| StoreError::io("write", &path, source))?;
        Ok(RunLock {
            file: Some(file),
            pulse,
        })
    }

    /// As [`Store::lock_as_it_is`], for a command that changes nothing: several of them may hold it, and a store that cannot be
    /// written to needs none.
    pub(crate) fn lock_for_reading(&self) -> Result<RunLock, StoreError> {
        let path = self.lock_file();
        let file = match self.open_lock(File::options().read(true)) {
            Ok(file) if self.locking => file,
            Ok(_) => return Ok(RunLock::none()),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(RunLock::none()); // No run has been here.
            }
            Err(source) => return Err(StoreError::io("read", &path, source)),
        };
        match self.taken(file.try_lock_shared()) {
            // Some file systems lock only what can be written to, so nobody can write here.
            Err(StoreError::NoLocks { .. }) => Ok(RunLock::none()),
            taken => taken.map(|()| RunLock {
                file: Some(file),
                pulse: None,
            }),
        }
    }

    fn lock_file(&self) -> PathBuf {
        self.root().join(".lock")
    }

    fn open_lock(&self, options: &OpenOptions) -> std::io::Result<File> {
        let path = self.lock_file();
        regular::check_writable(&path)?;
        options.open(path)
    }

    /// What an attempt to lock the file came to.
    fn taken(&self, locked: Result<(), TryLockError>) -> Result<(), StoreError> {
        match locked {
            Ok(()) => Ok(()),
            // Who it is makes the message better; that it is locked is certain without.
            Err(TryLockError::WouldBlock) => Err(self.locked(Holder::read(&self.lock_file()))),
            Err(TryLockError::Error(source)) if has_no_locks(&source) => Err(StoreError::NoLocks {
                root: self.root().to_owned(),
                file_system: FileSystem::of(self.root()),
                source,
            }),
            Err(TryLockError::Error(source)) => {
                Err(StoreError::io("lock", &self.lock_file(), source))
            }
        }
    }

    fn locked(&self, holder: Option<Holder>) -> StoreError {
        let elsewhere = holder
            .as_ref()
            .filter(|holder| holder.is_elsewhere(&host_name()));
        StoreError::Locked {
            root: self.root().to_owned(),
            host: elsewhere.map(|holder| holder.host.clone()),
            pid: holder.map(|holder| holder.pid),
        }
    }

    /// The error for a lock file of another user that cannot even be read.
    fn foreign(&self, source: std::io::Error) -> StoreError {
        let path = self.lock_file();
        match owner(&path) {
            Some(owner) => StoreError::Foreign {
                path,
                owner,
                source,
            },
            None => StoreError::io("open", &path, source),
        }
    }

    /// Removes what a killed run left half done, until `cancel` is set. The lock is held.
    pub(crate) fn remove_leftovers(&self, cancel: &AtomicBool) {
        let found: Vec<PathBuf> = self.each_leftover(cancel).collect();
        found.iter().for_each(|path| remove(path));
    }

    /// Temporary files and folders. With the lock held, they are those of runs that were killed. Without a lock that cannot be
    /// known, so there are none. What belongs to a batch that jobs may still be working on is none either.
    pub(crate) fn leftovers(&self) -> Vec<PathBuf> {
        self.each_leftover(&AtomicBool::new(false)).collect()
    }

    /// An iterator over the same paths that ends once `cancel` is set: folders with millions of entries take seconds.
    fn each_leftover(&self, cancel: &AtomicBool) -> impl Iterator<Item = PathBuf> {
        let batches: Vec<String> = self
            .batches()
            .iter()
            .filter_map(|batch| Some(batch.file_name()?.to_str()?.to_owned()))
            .collect();
        let is_in_use = move |path: &Path| batches.iter().any(|batch| is_work_of(path, batch));
        let root = self.locking.then(|| self.root().to_owned());
        let folders = root
            .iter()
            .flat_map(|root| entries(root))
            .filter(|path| path.is_dir());
        let folders: Vec<PathBuf> = folders.chain(root.clone()).collect();
        folders
            .into_iter()
            .flat_map(|folder| [folder.join("figures"), folder])
            .flat_map(|folder| listed(&folder))
            .take_while(|_| !cancel.load(Ordering::Relaxed))
            .filter(is_temporary)
            .map(|entry| entry.path())
            // Pages and pictures are written without the lock.
            .filter(move |path| !output::is_being_written(path) && !is_in_use(path))
    }
}

/// Id of the user that a file belongs to.
#[cfg(unix)]
fn owner(path: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    path.metadata().ok().map(|found| found.uid())
}

#[cfg(not(unix))]
fn owner(_: &Path) -> Option<u32> {
    None
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
