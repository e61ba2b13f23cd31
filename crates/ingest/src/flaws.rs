//! Pictures of a data set that cannot be read, and pictures with errors in their data.

use std::path::{Path, PathBuf};

use crate::error::{IngestError, shown};
use crate::folder::Root;
use crate::picture::{Depth, Picture};

/// Broken pictures in a message at most.
const SHOWN_BROKEN: usize = 20;
/// Pictures in a warning at most.
const SHOWN: usize = 5;

/// Where a picture is: a file, or a row of a table.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Spot {
    path: PathBuf,
    row: Option<usize>,
}

impl Spot {
    pub(crate) fn file(path: PathBuf) -> Self {
        Self { path, row: None }
    }

    pub(crate) fn row(path: &Path, row: usize) -> Self {
        Self {
            path: path.to_owned(),
            row: Some(row),
        }
    }
}

impl std::fmt::Display for Spot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&shown(&self.path))?;
        match self.row {
            Some(row) => write!(f, ": row {row}"),
            None => Ok(()),
        }
    }
}

/// What is wrong with the pictures of a data set.
#[derive(Debug, Default)]
pub(crate) struct Flaws {
    /// Those that cannot be read, with the reasons.
    refused: Vec<(Spot, String)>,
    /// Those whose data have errors that the decoder passed over.
    passed_over: Vec<Spot>,
    /// What those of 16 bits use of these.
    depth: Depth,
}

impl Flaws {
    /// Entries of folders that the operating system refuses to tell of.
    pub(crate) fn unreadable(roots: &[Root]) -> Self {
        let mut flaws = Self::default();
        for root in roots {
            for (path, error) in &root.listing.unreadable {
                flaws.refuse(Spot::file(root.path.join(path)), error.to_string());
            }
        }
        flaws
    }

    pub(crate) fn refuse(&mut self, spot: Spot, reason: String) {
        self.refused.push((spot, reason));
    }

    /// Adds what is wrong with a picture that was read.
    pub(crate) fn note(&mut self, picture: &Picture, spot: impl FnOnce() -> Spot) {
        self.depth.join(picture.depth);
        if picture.is_flawed {
            self.passed_over.push(spot());
        }
    }

    /// Returns true if all pictures can be read.
    pub(crate) fn none_refused(&self) -> bool {
        self.refused.is_empty()
    }

    /// Adds those of another look at the same pictures.
    pub(crate) fn join(&mut self, other: Self) {
        self.refused.extend(other.refused);
        self.passed_over.extend(other.passed_over);
        self.depth.join(other.depth);
    }

    /// Refuses a data set of `total` pictures if some cannot be read.
    ///
    /// # Errors
    /// The error about all of them.
    pub(crate) fn check(&mut self, total: usize) -> Result<(), IngestError> {
        match self.none_refused() {
            true => Ok(()),
            false => Err(std::mem::take(self).into_error(total)),
        }
    }

    /// The error about all pictures that cannot be read, of `total`.
    pub(crate) fn into_error(mut self, total: usize) -> IngestError {
        self.refused.sort();
        self.refused.dedup();
        let lines = self.refused.iter().take(SHOWN_BROKEN);
        let mut list: Vec<String> = lines
            .map(|(spot, reason)| format!("{spot}: {reason}"))
            .collect();
        if let Some(rest @ 1..) = self.refused.len().checked_sub(SHOWN_BROKEN) {
            list.push(format!("and {rest} more"));
        }
        IngestError::Pictures {
            broken: self.refused.len(),
            total: total.max(self.refused.len()),
            list: list.join("\n  "),
        }
    }

    /// Warnings about errors that were passed over, and about pictures that are nearly black because they use few of 16 bits.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = String> {
        self.passed_over().into_iter().chain(self.depth.warning())
    }

    fn passed_over(&self) -> Option<String> {
        let spots = self.passed_over.iter().take(SHOWN);
        let mut names: Vec<String> = spots.map(Spot::to_string).collect();
        if let Some(rest @ 1..) = self.passed_over.len().checked_sub(SHOWN) {
            names.push(format!("and {rest} more"));
        }
        (!names.is_empty()).then(|| {
            format!(
                "{} pictures have errors in their JPEG data, which are passed over as Pillow does it; their pixels may be wrong there: {}",
                self.passed_over.len(),
                names.join(", ")
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_broken_pictures_are_named_in_order_and_once() {
        let mut flaws = Flaws::default();
        for row in [10, 2] {
            flaws.refuse(Spot::row(Path::new("b.parquet"), row), "damaged".to_owned());
        }
        let mut others = Flaws::default();
        others.refuse(Spot::file(PathBuf::from("a.png")), "empty".to_owned());
        others.refuse(Spot::row(Path::new("b.parquet"), 2), "damaged".to_owned());
        flaws.join(others);
        assert_eq!(flaws.warnings().count(), 0);
        let error = flaws.check(7).expect_err("three are broken").to_string();
        let (_, list) = error.split_once("\n  ").expect("a list");
        assert!(error.starts_with("3 of 7 pictures"), "{error}");
        assert_eq!(
            list,
            "a.png: empty\n  b.parquet: row 2: damaged\n  b.parquet: row 10: damaged"
        );
    }

    #[test]
    fn what_was_passed_over_is_a_warning() {
        let mut flaws = Flaws::default();
        let picture = Picture {
            size: [1, 1],
            pixels: vec![0],
            is_flawed: true,
            depth: Depth::default(),
        };
        (0..7).for_each(|row| flaws.note(&picture, || Spot::row(Path::new("t"), row)));
        assert!(flaws.check(9).is_ok());
        let warning = flaws.warnings().next().expect("seven have errors");
        assert!(warning.starts_with("7 pictures"), "{warning}");
        assert!(warning.ends_with("t: row 4, and 2 more"), "{warning}");
    }
}
