//! What can go wrong with an artifact file: always with its path, what was expected and what was found.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use parquet::errors::ParquetError;

use crate::{ArtifactKind, KindName, Selection};

/// An artifact could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The operating system refused.
    #[error("cannot {operation} {path}{advice}", path = path.display(), advice = advice(source))]
    Io {
        /// What was tried, as a verb phrase: "create", "rename into place".
        operation: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The reason it gave.
        #[source]
        source: std::io::Error,
    },
    /// The file is not a complete Parquet file.
    #[error("{path} is not a readable Parquet file (truncated or damaged): {reason}", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the decoder said.
        reason: String,
    },
    /// A Parquet file, but not one of ours.
    #[error("{path} is a Parquet file without the metadata entry `{entry}`; it is no artifact of eigenscope", path = path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The missing entry.
        entry: &'static str,
    },
    /// An artifact of another kind than asked for.
    #[error("{path} holds `{found}`, expected `{expected}`", path = path.display())]
    WrongKind {
        /// The file.
        path: PathBuf,
        /// The kind asked for.
        expected: String,
        /// The kind its metadata names.
        found: String,
    },
    /// An artifact whose schema version this program does not know.
    #[error(
        "{path} has schema version {found} of `{expected}`, this program reads version {}; rerun the task that made it",
        expected.version(),
        path = path.display()
    )]
    WrongVersion {
        /// The file.
        path: PathBuf,
        /// The kind, with the version that this program reads.
        expected: ArtifactKind,
        /// The version in the file.
        found: u32,
    },
    /// Columns other than the kind's schema.
    #[error("{path} does not have the columns of `{kind}`: {reason}", path = path.display())]
    WrongSchema {
        /// The file.
        path: PathBuf,
        /// Its kind.
        kind: KindName,
        /// The first difference.
        reason: String,
    },
    /// A value that the kind does not allow.
    #[error("{path}: {reason}", path = path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Row or metadata entry, what was expected and what was found.
        reason: String,
    },
    /// Eigenpairs that are not certain to be among the stored ones.
    #[error(
        "{path}, class {class}: the {asked} {selection} of {size} eigenpairs are needed, but only {stored} are \
         certain to be stored",
        path = path.display()
    )]
    TooFewEigenpairs {
        /// The file.
        path: PathBuf,
        /// Class (output index).
        class: usize,
        /// Which of them.
        selection: Selection,
        /// How many were asked for, at most `size`.
        asked: usize,
        /// How many of those are certain to be stored.
        stored: usize,
        /// Size of the interaction matrix.
        size: u32,
    },
    /// The caller handed over rows that do not fit together.
    #[error("cannot write {path}: {reason}", path = path.display())]
    Unwritable {
        /// The file that was to be written.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
}

impl ArtifactError {
    /// Wraps an operating-system error with what was tried on which path.
    pub fn io(operation: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            operation,
            path: path.to_owned(),
            source,
        }
    }

    /// The error of an encoder that writes `path`. Where the operating system refused, it says so in its own words.
    pub fn encoder(path: &Path, error: ParquetError) -> Self {
        let reason = match error {
            ParquetError::External(cause) => match cause.downcast() {
                Ok(source) => return Self::io("write", path, *source),
                Err(other) => other.to_string(),
            },
            other => other.to_string(),
        };
        Self::unwritable(path, reason)
    }

    pub(crate) fn damaged(path: &Path, reason: impl std::fmt::Display) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }

    pub(crate) fn invalid(path: &Path, reason: impl Into<String>) -> Self {
        Self::Invalid {
            path: path.to_owned(),
            reason: reason.into(),
        }
    }

    pub(crate) fn unwritable(path: &Path, reason: impl Into<String>) -> Self {
        Self::Unwritable {
            path: path.to_owned(),
            reason: reason.into(),
        }
    }
}

/// What the user can do about a file that cannot be read or written; empty where that is not known.
pub fn advice(error: &std::io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "; free some space there (finished results are kept)"
        }
        ErrorKind::FileTooLarge => {
            "; raise the limit on the size of files (`ulimit -f`), or use a file system without one"
        }
        _ => match error.raw_os_error() {
            // ENFILE and EMFILE, which have no kind of their own.
            Some(23 | 24) if cfg!(unix) => "; raise the limit on open files (`ulimit -n`)",
            _ => "",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_of_the_operating_system_is_part_of_the_error() {
        let full = std::io::Error::from(ErrorKind::StorageFull);
        let error = ArtifactError::encoder(Path::new("table.parquet"), full.into());
        assert_eq!(
            error.to_string(),
            "cannot write table.parquet; free some space there (finished results are kept)"
        );
        let source = std::error::Error::source(&error).expect("a source");
        assert!(source.to_string().contains("no storage space"), "{source}");
    }
}
