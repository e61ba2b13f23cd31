//! Errors of reading data sets: which file, at which byte, what was expected, what was found, and what the user can do.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use eigenscope_artifact::{ArtifactError, escaped};
use eigenscope_checkpoint::CheckpointError;

use crate::download::DownloadError;

/// A data set could not be made into an artifact.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The operating system refused `operation`, a verb phrase.
    #[error("cannot {operation} {path}", path = shown(path))]
    Io {
        operation: &'static str,
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// The bytes of a file are not what its format demands.
    ///
    /// `path` is `archive!member` for a member of an archive. `part` says what the offset counts if that is not the file.
    #[error("{path}: byte {offset}{part}: {what}: expected {expected}, found {found}; {fix}", path = shown(path))]
    Malformed {
        path: PathBuf,
        offset: u64,
        part: &'static str,
        what: Box<str>,
        expected: Box<str>,
        found: Box<str>,
        fix: Cow<'static, str>,
    },
    /// A line of a table of text that is not what is expected. `line` counts from 1; `column` is in words.
    #[error("{path}: line {line}{column}: expected {expected}, found {found}; {fix}", path = shown(path), column = column.as_ref().map_or(String::new(), |column| format!(", {column}")))]
    Table {
        path: PathBuf,
        line: usize,
        column: Option<String>,
        expected: Box<str>,
        found: Box<str>,
        fix: Cow<'static, str>,
    },
    /// A gzip stream cannot be decompressed.
    #[error("{path}: byte {offset} of the decompressed content: expected more of the gzip stream, found that it is damaged or cut short; {COPY_AGAIN}", path = shown(path))]
    Gzip {
        path: PathBuf,
        offset: u64,
        #[source]
        source: std::io::Error,
    },
    /// Files that belong together do not fit together.
    #[error("{first} and {second} do not belong together: {reason}", first = shown(first), second = shown(second))]
    Mismatch {
        first: PathBuf,
        second: PathBuf,
        reason: String,
    },
    /// A published file is neither in the data directory nor could it be downloaded.
    #[error("{wanted} not found in {looked}{similar}; {download}; {place}")]
    Missing {
        wanted: String,
        looked: String,
        similar: String,
        download: Box<Unavailable>,
        place: String,
    },
    /// A file that is not the published one, or is another published one.
    #[error("{0}")]
    WrongFile(String),
    /// A folder of pictures that is arranged otherwise.
    #[error("{path}: {reason}", path = shown(path))]
    Folder { path: PathBuf, reason: String },
    /// Pictures that cannot be read, all of a data set. `list` has a line for each of the first.
    #[error("{broken} of {total} pictures cannot be read; mend or remove them:\n  {list}")]
    Pictures {
        broken: usize,
        total: usize,
        list: String,
    },
    /// An array that is not what is expected.
    #[error("{path}: array `{name}`: {reason}", path = shown(path))]
    Array {
        path: PathBuf,
        name: String,
        reason: String,
    },
    /// Labels or images of a file that do not fit the parameters.
    #[error("{path}: {reason}", path = shown(path))]
    Labels { path: PathBuf, reason: String },
    /// A file of arrays that cannot be read.
    #[error(transparent)]
    Arrays(CheckpointError),
    /// A parameter that the data or the file system do not allow.
    #[error("`{parameter}`: {reason}")]
    Parameter {
        parameter: &'static str,
        reason: String,
    },
    /// The artifact could not be written.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
}

/// Why a missing file was not downloaded.
#[derive(Debug)]
pub enum Unavailable {
    /// It will be tried.
    NotYet,
    /// Downloads are switched off.
    SwitchedOff,
    /// Nobody serves the single file.
    NotOffered,
    /// Every mirror was tried.
    Failed(DownloadError),
    /// The data directory cannot be written.
    NoPlace(ArtifactError),
}

impl std::fmt::Display for Unavailable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unavailable::NotYet => f.write_str("a run downloads them, unless `--offline` is given"),
            Unavailable::SwitchedOff => f.write_str("downloads are switched off"),
            Unavailable::NotOffered => f.write_str("it cannot be downloaded by itself"),
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
pub(crate) const TOO_LONG: &str = "the sizes in the header are wrong, or the values are not single bytes (uint8), or something was appended: write it again";
/// Advice for a file that is something else.
pub(crate) const OTHER_FILE: &str = "this is another kind of file: give the right one";

impl From<CheckpointError> for IngestError {
    /// What a damaged file looks like inside is left out.
    fn from(error: CheckpointError) -> Self {
        match error {
            CheckpointError::Damaged { path, .. } => Self::Labels {
                path,
                reason: "the file is damaged or cut short: replace it with an intact copy, or write it again with `numpy.savez`"
                    .to_owned(),
            },
            error => Self::Arrays(error),
        }
    }
}

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

/// A path in messages: control characters such as line breaks are escaped.
pub(crate) fn shown(path: impl AsRef<Path>) -> String {
    escaped(&path.as_ref().display().to_string())
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
