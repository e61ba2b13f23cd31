//! Digests of files that have not changed since they were computed.
//!
//! A file is taken as unchanged if size, modification and change time, and inode are the same. This only
//! saves reading it again; what a digest should be is recorded elsewhere. A file touched less than two
//! seconds before it was read is not remembered: a later change could carry the same times. An output that
//! has just been placed is an exception: the only program that knew its folder has ended.

use std::collections::HashMap;
use std::fs::Metadata;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use eigenscope_artifact::atomic::write_file;
use eigenscope_artifact::{ArtifactError, FileDigest, digest_file};
use serde::{Deserialize, Serialize};

use super::Store;

const VERSION: u32 = 1;

/// Coarsest steps of file times that are in use.
const SETTLED: Duration = Duration::from_secs(2);

/// The digests that are known, in memory.
#[derive(Debug)]
pub(crate) struct Stamps {
    root: PathBuf,
    files: HashMap<String, Stamped>,
    changed: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StampFile<Files> {
    version: u32,
    files: Files,
}

/// The digest of a file and how the file looked before it was read.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stamped {
    stamp: Stamp,
    pub(crate) digest: FileDigest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stamp {
    bytes: u64,
    modified_ns: u64,
    changed_ns: u64,
    inode: u64,
}

impl Stamps {
    /// Reads what is known. A file that cannot be understood is ignored with a warning: it only costs time.
    pub(crate) fn load(store: &Store) -> Self {
        let path = path(store.root());
        let files = match std::fs::read(&path) {
            Ok(bytes) => match serde_json::from_slice::<StampFile<_>>(&bytes) {
                Ok(file) if file.version == VERSION => Ok(file.files),
                Ok(file) => Err(format!("it has version {}", file.version)),
                Err(error) => Err(error.to_string()),
            },
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(HashMap::new()),
            Err(error) => Err(error.to_string()),
        };
        Self {
            root: store.root().to_owned(),
            changed: files.is_err(),
            files: files.unwrap_or_else(|reason| {
                tracing::warn!("ignoring {}: {reason}", path.display());
                HashMap::new()
            }),
        }
    }

    /// Digest of the file at `path`, read only if it may have changed.
    pub(crate) fn digest(&mut self, path: &Path) -> Result<FileDigest, ArtifactError> {
        let before = Stamp::of(path)?;
        let name = self.name(path);
        if let Some(known) = self.files.get(&name)
            && known.stamp == before
        {
            return Ok(known.digest);
        }
        let stamped = Stamped::of(path)?;
        if Stamp::of(path)? == stamped.stamp && stamped.stamp.is_settled() {
            self.files.insert(name, stamped);
            self.changed = true;
        } else {
            self.changed |= self.files.remove(&name).is_some();
        }
        Ok(stamped.digest)
    }

    /// Remembers an output that has just been placed at `path`; `stamped` was taken after its program had
    /// ended. Where the file system counts whole seconds this would be too early.
    pub(crate) fn remember(&mut self, path: &Path, stamped: Stamped) {
        if stamped.stamp.is_fine() {
            self.files.insert(self.name(path), stamped);
            self.changed = true;
        }
    }

    /// Lets the file at `path` be read the next time its digest is asked for.
    pub(crate) fn forget(&mut self, path: &Path) {
        self.changed |= self.files.remove(&self.name(path)).is_some();
    }

    /// Lets every file be read.
    pub(crate) fn forget_all(&mut self) {
        self.changed |= !self.files.is_empty();
        self.files.clear();
    }

    /// Saves what is known for the next time. A failure costs only time.
    pub(crate) fn save(&mut self) {
        if !self.changed {
            return;
        }
        let root = &self.root;
        self.files.retain(|name, _| root.join(name).exists());
        let file = StampFile {
            version: VERSION,
            files: &self.files,
        };
        let path = path(root);
        let saved = serde_json::to_vec(&file)
            .map_err(|error| error.to_string())
            .and_then(|bytes| write_file(&path, &bytes).map_err(|error| error.to_string()));
        match saved {
            Ok(()) => self.changed = false,
            Err(error) => tracing::debug!("digests not saved: {error}"),
        }
    }

    /// Files in the store are named relative to it, so that it can be moved.
    fn name(&self, path: &Path) -> String {
        let name = path.strip_prefix(&self.root).unwrap_or(path);
        name.to_string_lossy().into_owned()
    }
}

fn path(root: &Path) -> PathBuf {
    root.join(".stamps.json")
}

impl Stamped {
    /// Looks at a file, then reads it.
    pub(crate) fn of(path: &Path) -> Result<Self, ArtifactError> {
        let stamp = Stamp::of(path)?;
        let digest = digest_file(path)?;
        Ok(Self { stamp, digest })
    }
}

impl Stamp {
    fn of(path: &Path) -> Result<Self, ArtifactError> {
        std::fs::metadata(path)
            .map(|metadata| Self::from_metadata(&metadata))
            .map_err(|source| ArtifactError::io("read", path, source))
    }

    fn from_metadata(metadata: &Metadata) -> Self {
        let modified_ns = metadata
            .modified()
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
            .map_or(0, nanoseconds);
        let (changed_ns, inode) = changed_and_inode(metadata);
        Self {
            bytes: metadata.len(),
            modified_ns,
            changed_ns,
            inode,
        }
    }

    /// Whether the times have parts of a second.
    fn is_fine(self) -> bool {
        [self.modified_ns, self.changed_ns]
            .iter()
            .all(|time| !time.is_multiple_of(1_000_000_000))
    }

    /// Whether a change from now on is sure to have other times.
    fn is_settled(self) -> bool {
        SystemTime::now()
            .checked_sub(SETTLED)
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
            .is_some_and(|limit| nanoseconds(limit) > self.modified_ns.max(self.changed_ns))
    }
}

/// Whole nanoseconds; they fit until the year 2554.
fn nanoseconds(since: Duration) -> u64 {
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(unix)]
fn changed_and_inode(metadata: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    let nanoseconds =
        i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec());
    (u64::try_from(nanoseconds).unwrap_or(0), metadata.ino())
}

#[cfg(not(unix))]
fn changed_and_inode(_: &Metadata) -> (u64, u64) {
    (0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write_old(path: &Path, bytes: &[u8]) {
        std::fs::write(path, bytes).expect("written");
        let hour_ago = SystemTime::now() - Duration::from_secs(3600);
        let file = std::fs::File::options().write(true).open(path);
        file.expect("opened").set_modified(hour_ago).expect("set");
    }

    #[test]
    fn a_file_just_written_is_not_remembered() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::new(folder.path()).expect("a store");
        let path = folder.path().join("a");
        write_old(&path, b"one"); // Old by its modification time, new by its change time.
        let mut stamps = Stamps::load(&store);
        stamps.digest(&path).expect("readable");
        assert!(stamps.files.is_empty());
    }

    #[test]
    fn a_known_digest_is_used_only_for_the_same_stamp() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::new(folder.path()).expect("a store");
        let path = folder.path().join("a");
        std::fs::write(&path, b"one").expect("written");
        let stamp = Stamp::of(&path).expect("there");
        let digest = digest_file(Path::new("/dev/null")).expect("readable");
        let mut stamps = Stamps::load(&store);
        stamps
            .files
            .insert("a".to_owned(), Stamped { stamp, digest });
        stamps.changed = true;
        stamps.save();
        let mut stamps = Stamps::load(&store);
        assert_eq!(stamps.digest(&path).expect("readable"), digest);
        std::fs::write(&path, b"two").expect("written");
        let found = stamps.digest(&path).expect("readable");
        assert_eq!(found.blake3, eigenscope_artifact::Digest::of(b"two"));
    }

    #[test]
    fn a_corrupt_file_is_ignored() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::new(folder.path()).expect("a store");
        std::fs::write(path(store.root()), b"{\"version\": 1, \"fil").expect("written");
        let mut stamps = Stamps::load(&store);
        assert!(stamps.files.is_empty());
        stamps.save();
        assert!(
            std::fs::read(path(store.root()))
                .expect("there")
                .ends_with(b"}")
        );
    }
}
