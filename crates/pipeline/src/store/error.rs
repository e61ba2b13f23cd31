//! What can go wrong with the artifacts folder as a whole: always with the path and what to do.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use eigenscope_artifact::ArtifactError;

/// The artifacts folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system refused.
    #[error("cannot {operation} {path}{advice}", path = path.display(), advice = advice(source))]
    Io {
        /// What was tried, as a verb phrase.
        operation: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The reason it gave.
        #[source]
        source: std::io::Error,
    },
    /// A file could not be written or read for another reason.
    #[error(transparent)]
    Artifact(ArtifactError),
    /// A result that was taken as intact, by its size and times, when the run began.
    #[error(
        "{path} is damaged, although its size and times say that it has not changed; run again to have it made again",
        path = path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// Another run holds the lock.
    #[error(
        "another run{holder} is using {path}; wait until it ends or stop it",
        holder = pid.map(|pid| format!(" (process {pid})")).unwrap_or_default(),
        path = root.display(),
    )]
    Locked {
        /// The artifacts folder.
        root: PathBuf,
        /// The process that holds it, when it has said so.
        pid: Option<u32>,
    },
    /// A pipeline name or task id that cannot be a file name here.
    #[error("`{name}` cannot be a file name in the artifacts folder: {reason}")]
    Name {
        /// The name.
        name: String,
        /// Why not.
        reason: &'static str,
    },
}

impl StoreError {
    /// Wraps an operating-system error with what was tried on which path.
    pub(crate) fn io(operation: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            operation,
            path: path.to_owned(),
            source,
        }
    }
}

impl From<ArtifactError> for StoreError {
    fn from(error: ArtifactError) -> Self {
        match error {
            ArtifactError::Io {
                operation,
                path,
                source,
            } => Self::io(operation, &path, source),
            other => Self::Artifact(other),
        }
    }
}

/// What the user can do about it.
fn advice(error: &std::io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
            "; make the folder writable or choose another artifacts folder"
        }
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            "; a file stands where a folder is needed: move it away or choose another artifacts folder"
        }
        _ => eigenscope_artifact::advice(error),
    }
}
