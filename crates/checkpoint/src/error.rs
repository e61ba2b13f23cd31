//! What can go wrong with a file of somebody else: always with its path, the place in it, what was expected and how to go on.

use std::path::{Path, PathBuf};

/// A file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The operating system refused.
    #[error("cannot {operation} {path}", path = path.display())]
    Io {
        /// What was tried, as a verb phrase: "open", "read".
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// The reason it gave.
        #[source]
        source: std::io::Error,
    },
    /// A file of another kind than can be read.
    #[error("{path} is {found}; {advice}", path = path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What it is, with an article: "a page of HTML".
        found: String,
        /// What the user can do.
        advice: String,
    },
    /// A file that ends too early or contradicts itself or its format.
    #[error("{path} is damaged or not what it seems: {place}: {reason}", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in it: an entry, a tensor, a byte.
        place: String,
        /// What was expected and what was found.
        reason: String,
    },
    /// A file that asks for more than is granted to any file.
    #[error("{path}: {place}: {found}, more than the limit of {limit}", path = path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Where in it.
        place: String,
        /// What was found, with its unit.
        found: String,
        /// The limit, with its unit.
        limit: String,
    },
    /// Something valid that is not supported.
    #[error("{path}: {place}: {reason}", path = path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// Where in it.
        place: String,
        /// What it is and what to do.
        reason: String,
    },
    /// Tensors in several places, in none, or not where they were looked for.
    #[error("{path}: {reason}", path = path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// What was looked for, and the places that hold tensors.
        reason: String,
        /// Dotted paths of these places.
        candidates: Vec<String>,
    },
    /// The caller asked for something to be written that the format cannot hold.
    #[error("cannot write {what}: {reason}")]
    Unwritable {
        /// The file or array.
        what: String,
        /// Why not.
        reason: String,
    },
}

impl CheckpointError {
    /// The error of an operating system about `path`.
    pub fn io(operation: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            operation,
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn foreign(
        path: &Path,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::Foreign {
            path: path.to_owned(),
            found: found.into(),
            advice: advice.into(),
        }
    }

    pub(crate) fn damaged(
        path: &Path,
        place: impl Into<String>,
        reason: impl Into<String>,
    ) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            place: place.into(),
            reason: reason.into(),
        }
    }

    pub(crate) fn too_large(
        path: &Path,
        place: impl Into<String>,
        found: impl Into<String>,
        limit: impl Into<String>,
    ) -> Self {
        Self::TooLarge {
            path: path.to_owned(),
            place: place.into(),
            found: found.into(),
            limit: limit.into(),
        }
    }

    pub(crate) fn unsupported(
        path: &Path,
        place: impl Into<String>,
        reason: impl Into<String>,
    ) -> Self {
        Self::Unsupported {
            path: path.to_owned(),
            place: place.into(),
            reason: reason.into(),
        }
    }

    pub(crate) fn unwritable(what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Unwritable {
            what: what.into(),
            reason: reason.into(),
        }
    }
}

/// `text` in a message: at most 80 characters, control characters escaped.
pub(crate) fn shown(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(80)
        .flat_map(|character| match character.is_control() {
            true => character.escape_default().collect::<Vec<_>>(),
            false => vec![character],
        })
        .collect();
    if text.chars().nth(80).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_a_file_are_short_and_printable_in_messages() {
        assert_eq!(shown("conv1.weight"), "conv1.weight");
        assert_eq!(shown("a\u{1b}[31m\nb"), "a\\u{1b}[31m\\nb");
        assert_eq!(shown(&"x".repeat(1000)).chars().count(), 81);
    }
}
