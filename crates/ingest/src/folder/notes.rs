//! What is said about a folder: what was left out of it.

use std::path::{Path, PathBuf};

use eigenscope_artifact::{LeftOut, PictureFolder};

use crate::error::shown;

/// Names in a note about one kind of files at most.
const SHOWN: usize = 5;

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
    pub(crate) fn left_out(&self) -> Option<String> {
        let left_out = &self.listing.left_out;
        let of = |kind: &dyn Fn(LeftOut) -> bool, what: &str| {
            let found = left_out.iter().filter(|(_, why)| kind(*why));
            let paths: Vec<&Path> = found.map(|(path, _)| path.as_path()).collect();
            (!paths.is_empty()).then(|| format!("{what} ({})", listed(&paths)))
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
        (!clauses.is_empty())
            .then(|| format!("left out of {}: {}", shown(&self.path), clauses.join("; ")))
    }
}

fn listed(paths: &[&Path]) -> String {
    let names: Vec<String> = paths.iter().take(SHOWN).map(shown).collect();
    match paths.len().saturating_sub(SHOWN) {
        0 => names.join(", "),
        rest => format!("{} and {rest} more", names.join(", ")),
    }
}
