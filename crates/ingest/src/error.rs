//! What can go wrong with a data set: which file, at which byte, what was expected, what was found,
//! and what the user can do about it.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use eigenscope_artifact::ArtifactError;

use crate::download::DownloadError;

/// A data set could not be made into an artifact.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The operating system refused.
    #[error("cannot {operation} {path}", path = path.display())]
    Io {
        /// What was tried, as a verb phrase.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// The reason it gave.
        #[source]
        source: std::io::Error,
    },
    /// The bytes of a file are not what its format demands.
    #[error("{path}: byte {offset}{part}: {what}: expected {expected}, found {found}; {fix}", path = path.display())]
    Malformed {
        /// The file; for a member of an archive, `archive!member`.
        path: PathBuf,
        /// Position of the offending bytes.
        offset: u64,
        /// What the position counts when it is not the file itself.
        part: &'static str,
        /// Which field or rule.
        what: Box<str>,
        /// What the format demands there.
        expected: Box<str>,
        /// What stands there.
        found: Box<str>,
        /// What the user can do.
        fix: Cow<'static, str>,
    },
    /// A gzip stream cannot be decompressed.
    #[error("{path}: byte {offset} of the decompressed content: expected more of the gzip stream, found that it is damaged or cut short; {COPY_AGAIN}", path = path.display())]
    Gzip {
        /// The file.
        path: PathBuf,
        /// Bytes decompressed before the damage.
        offset: u64,
        /// What the decoder said.
        #[source]
        source: std::io::Error,
    },
    /// Files that belong together do not fit together.
    #[error("{first} and {second} do not belong together: {reason}", first = first.display(), second = second.display())]
    Mismatch {
        /// One file.
        first: PathBuf,
        /// The other file.
        second: PathBuf,
        /// What differs, and what the user can do.
        reason: String,
    },
    /// A published file is neither in the data directory nor could it be downloaded.
    #[error("{wanted} not found in {looked}{similar}; {download}; {place}")]
    Missing {
        /// The data set and its missing files.
        wanted: String,
        /// Where they were looked for.
        looked: String,
        /// What else is there, as a clause.
        similar: String,
        /// Why it was not downloaded.
        download: Box<Unavailable>,
        /// How to place them by hand.
        place: String,
    },
    /// A file named by a parameter is not there.
    #[error("`{parameter}`: there is no file {path}; give a path relative to the data directory or an absolute one", path = path.display())]
    NoSuchFile {
        /// The parameter.
        parameter: &'static str,
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A published file stands in place of another one.
    #[error("{path} is {known}: {fix}", path = path.display())]
    InPlaceOfAnother {
        /// The file.
        path: PathBuf,
        /// What it is.
        known: String,
        /// What the user can do.
        fix: String,
    },
    /// A downloaded file is not the published one.
    #[error("{what} of {path} is {found}, published is {expected}", path = path.display())]
    NotPublished {
        /// Where it came from.
        path: PathBuf,
        /// What was compared: SHA-256, shape.
        what: &'static str,
        /// The published value.
        expected: String,
        /// The value of this file.
        found: String,
    },
    /// A parameter that the data do not allow.
    #[error("`{parameter}`: {reason}")]
    Parameter {
        /// The parameter.
        parameter: &'static str,
        /// What is allowed and what was given.
        reason: String,
    },
    /// The artifact could not be written.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
}

/// Why a missing file was not downloaded.
#[derive(Debug)]
pub enum Unavailable {
    /// Downloads are switched off.
    SwitchedOff,
    /// Every mirror was tried.
    Failed(DownloadError),
    /// The data directory cannot be written.
    NoPlace(ArtifactError),
}

impl std::fmt::Display for Unavailable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unavailable::SwitchedOff => f.write_str("downloads are switched off"),
            Unavailable::Failed(error) => write!(f, "the download failed: {error}"),
            Unavailable::NoPlace(error) => {
                write!(f, "there is no place for a download: {error}")?;
                std::error::Error::source(error).map_or(Ok(()), |cause| write!(f, ": {cause}"))
            }
        }
    }
}

/// Advice for a file that is incomplete or damaged.
pub(crate) const COPY_AGAIN: &str =
    "the file is damaged or incomplete: remove it and copy or download it again";
/// Advice for a file with fewer bytes than its header promises.
pub(crate) const CUT_SHORT: &str =
    "the file is cut short, or the sizes in its header are wrong: copy or write it again";
/// Advice for a file with more bytes than its header promises.
pub(crate) const TOO_LONG: &str =
    "something was appended, or the sizes in the header are wrong: copy or write it again";
/// Advice for a file that is something else.
pub(crate) const OTHER_FILE: &str = "this is another kind of file: give the right one";

impl IngestError {
    pub(crate) fn io(operation: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            operation,
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn parameter(parameter: &'static str, reason: impl Into<String>) -> Self {
        Self::Parameter {
            parameter,
            reason: reason.into(),
        }
    }
}

/// The message of an error and those of its causes.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
