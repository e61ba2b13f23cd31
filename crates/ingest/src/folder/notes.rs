//! What is said about a folder: what was left out, and which pictures cannot be read.

use std::path::{Path, PathBuf};

use eigenscope_artifact::{LeftOut, PictureFolder};

use super::{FileAt, pass, path_of};
use crate::error::IngestError;

/// Names in a note about one kind of files at most.
const SHOWN: usize = 5;
/// Broken pictures in a message at most.
const SHOWN_BROKEN: usize = 20;

/// A folder that the user gave.
#[derive(Debug)]
pub(crate) struct Root {
    pub(crate) path: PathBuf,
    pub(crate) used_as: Use,
    pub(crate) listing: PictureFolder,
}

/// What a folder holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Folders of both splits, or folders of classes.
    Whole,
    /// Folders of classes, for training.
    Train,
    /// Folders of classes, for testing.
    Test,
}

impl Root {
    /// A note about what was left out; `None` if that is nothing.
    pub(super) fn left_out(&self) -> Option<String> {
        let left_out = &self.listing.left_out;
        let of = |kind: &dyn Fn(LeftOut) -> bool, what: &str| {
            let found = left_out.iter().filter(|(_, why)| kind(*why));
            let paths: Vec<&Path> = found.map(|(path, _)| path.as_path()).collect();
            (!paths.is_empty()).then(|| format!("{what} ({})", shown(&paths)))
        };
        let clauses = [
            of(&|why| why == LeftOut::Hidden, "hidden files of the system"),
            of(
                &|why| why == LeftOut::NotAPicture,
                "files not named as pictures",
            ),
            of(&|why| why == LeftOut::Empty, "folders without pictures"),
            of(
                &|why| matches!(why, LeftOut::Special(_)),
                "pipes, devices and the like",
            ),
        ];
        let clauses: Vec<String> = clauses.into_iter().flatten().collect();
        (!clauses.is_empty()).then(|| {
            format!(
                "left out of {}: {}",
                self.path.display(),
                clauses.join("; ")
            )
        })
    }
}

fn shown(paths: &[&Path]) -> String {
    let names: Vec<String> = paths
        .iter()
        .take(SHOWN)
        .map(|path| path.display().to_string())
        .collect();
    match paths.len().saturating_sub(SHOWN) {
        0 => names.join(", "),
        rest => format!("{} and {rest} more", names.join(", ")),
    }
}

/// Pictures that cannot be read, with the reasons.
#[derive(Debug, Default)]
pub(super) struct Failures(Vec<(PathBuf, String)>);

impl Failures {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn push(&mut self, path: PathBuf, reason: String) {
        self.0.push((path, reason));
    }

    /// Adds those of another look at the same folders.
    pub(super) fn join(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Adds a file that could not be read or decoded.
    pub(super) fn add(&mut self, roots: &[Root], file: FileAt, read: &pass::Read) {
        if let Some(Err(reason)) = &read.picture {
            self.push(path_of(roots, file), reason.clone());
        }
    }

    /// The error about all of them, of `total` pictures.
    pub(super) fn into_error(mut self, total: usize) -> IngestError {
        self.0.sort();
        self.0.dedup();
        let lines = self.0.iter().take(SHOWN_BROKEN);
        let mut list: Vec<String> = lines
            .map(|(path, reason)| format!("{}: {reason}", path.display()))
            .collect();
        if let Some(rest @ 1..) = self.0.len().checked_sub(SHOWN_BROKEN) {
            list.push(format!("and {rest} more"));
        }
        IngestError::Pictures {
            broken: self.0.len(),
            total: total.max(self.0.len()),
            list: list.join("\n  "),
        }
    }
}
