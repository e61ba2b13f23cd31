//! Errors of the artifacts folder, each with the path and what to do.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use eigenscope_artifact::ArtifactError;

use super::FileSystem;

/// The artifacts folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("cannot {operation} {path}{advice}", path = path.display(), advice = advice(source))]
    Io {
        /// What was tried, as a verb phrase.
        operation: &'static str,
        path: PathBuf,
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
    Damaged { path: PathBuf },
    /// Another run holds the lock.
    #[error(
        "another run{holder} is using {path}; wait until it ends or stop it",
        holder = holder(*pid, host.as_deref()),
        path = root.display(),
    )]
    Locked {
        root: PathBuf,
        /// The process that holds it, when it has said so.
        pid: Option<u32>,
        /// The machine of the process, if it is another one.
        host: Option<String>,
    },
    /// The file system of the artifacts folder cannot lock files.
    #[error(
        "cannot lock {path}{file_system}: its file system has no locks, so two runs in it would not notice each other; choose \
         an artifacts folder on another one (`--artifacts`), or give `--no-lock` and see to it that nothing else uses this one",
        path = root.display(),
        file_system = file_system.as_ref().map(|found| format!(" ({found})")).unwrap_or_default(),
    )]
    NoLocks {
        root: PathBuf,
        /// Its file system, if that is known.
        file_system: Option<FileSystem>,
        #[source]
        source: std::io::Error,
    },
    /// A file of another user, which cannot be opened.
    #[error(
        "cannot open {path}: it belongs to another user (number {owner}), who keeps it private; ask for access to the folder, \
         or choose another artifacts folder (`--artifacts`)",
        path = path.display()
    )]
    Foreign {
        path: PathBuf,
        /// Number of the user.
        owner: u32,
        #[source]
        source: std::io::Error,
    },
    /// A path or name that cannot be used as it is, and what to do about it.
    #[error("{0}")]
    Refused(String),
}

impl StoreError {
    /// Returns whether the folder can perhaps be read, but not written to.
    pub(crate) fn is_read_only(&self) -> bool {
        matches!(self, Self::Io { source, .. } if matches!(
            source.kind(),
            ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied
        ))
    }

    /// A link in the path of the artifacts folder that leads nowhere.
    pub(super) fn dangling_link(link: &Path, target: &Path) -> Self {
        let (link, target) = (link.display(), target.display());
        Self::Refused(format!(
            "{link} is a link to {target}, which does not exist; mount or create that folder, or remove the link"
        ))
    }

    /// A file or folder in place of a link.
    pub(super) fn not_a_link(path: &Path) -> Self {
        let path = path.display();
        Self::Refused(format!(
            "{path} is not a link, so it is not replaced: move it away to have the result linked there"
        ))
    }

    /// A second store that is not there.
    pub(crate) fn no_second_store(path: &Path) -> Self {
        let path = path.display();
        Self::Refused(format!(
            "there is no folder {path}, from which results are to be taken: mount or create it, or leave it out of the settings"
        ))
    }

    /// A record of pipeline files that is damaged.
    pub(super) fn pipelines(path: &Path, reason: &str) -> Self {
        let path = path.display();
        Self::Refused(format!(
            "cannot tell which pipeline files have results here: {path}: {reason}; if you remove it, only the pipelines that \
             run from then on are known"
        ))
    }

    /// A pipeline name or task id that cannot be a file name.
    pub(super) fn name(name: &str, reason: &str) -> Self {
        Self::Refused(format!(
            "`{name}` cannot be a file name in the artifacts folder: {reason}"
        ))
    }

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

/// Who holds the lock, as far as is known.
fn holder(pid: Option<u32>, host: Option<&str>) -> String {
    match (pid, host) {
        (None, _) => String::new(),
        (Some(pid), None) => format!(" (process {pid})"),
        (Some(pid), Some(host)) => format!(" (process {pid} on {host})"),
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
