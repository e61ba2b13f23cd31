//! What a running task tells the orchestrator: one JSON object a line on standard output.

use std::path::Path;

use eigenscope_artifact::{Digest, FileDigest};
use serde::{Deserialize, Serialize};

/// A message from a running task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Event {
    /// Work done so far.
    Progress {
        /// Units done.
        done: u64,
        /// Units in all.
        total: u64,
        /// What is counted: "epochs", "bytes", "models".
        unit: String,
        /// Current state, such as loss and accuracy.
        message: String,
    },
    /// Something the user should know although the task goes on.
    Warning {
        /// One line.
        message: String,
    },
    /// A file outside the store that the result depends on.
    File(ExternalFile),
    /// A place outside the store where a file would have been read, had there been one.
    Absent {
        /// Path relative to the data directory, or absolute.
        path: String,
    },
    /// Some of the pictures of a folder that is reported as a [`File`](Event::File), in order. They say what has changed in a folder that
    /// is found to be another one.
    Pictures {
        /// The path of the folder, as it is reported.
        folder: String,
        /// The next of its pictures.
        pictures: Vec<FolderPicture>,
    },
    /// Why the task failed.
    Failed {
        /// The error and its causes, outermost first.
        messages: Vec<String>,
    },
    /// What the process used, told at its end.
    Usage {
        /// User and system time of all threads, in seconds.
        cpu_seconds: f64,
        /// Largest resident set, in bytes.
        peak_bytes: u64,
    },
}

/// A file of the user's, or a folder of pictures, as it was when a task read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExternalFile {
    /// Path relative to the data directory, or absolute.
    pub path: String,
    /// Length in bytes.
    pub bytes: u64,
    /// Digest of all bytes.
    pub blake3: Digest,
    /// Paths of the files of which the task would read the first that it finds, if this one were gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instead: Vec<String>,
}

impl ExternalFile {
    /// A file that nothing stands in for.
    pub fn new(path: impl Into<String>, digest: FileDigest) -> Self {
        Self {
            path: path.into(),
            bytes: digest.bytes,
            blake3: digest.blake3,
            instead: Vec::new(),
        }
    }

    /// Its length and digest.
    pub fn digest(&self) -> FileDigest {
        FileDigest {
            bytes: self.bytes,
            blake3: self.blake3,
        }
    }
}

/// A picture in a folder: its path inside, its length in bytes, and the start of the digest of its bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FolderPicture(pub String, pub u64, pub String);

impl FolderPicture {
    /// The picture at `path` inside the folder.
    pub fn new(path: &Path, digest: FileDigest) -> Self {
        let path = path.to_string_lossy().into_owned();
        Self(path, digest.bytes, digest.blake3.short())
    }
}
