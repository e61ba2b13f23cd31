//! Kinds of artifact: what a file holds, by name and version of the schema.
//!
//! A kind is declared beside the code that writes and reads it: with [`records!`](crate::record) for the rows of a table, as
//! a constant for arrays. Nothing lists them all. Code that handles any artifact works with [`KindName`]s.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Longest name of a kind, in bytes.
const MAX_NAME_BYTES: usize = 64;

/// A figure as vector graphics.
pub const SVG: ArtifactKind = ArtifactKind::new("svg", 1);
/// A figure as pixels.
pub const PNG: ArtifactKind = ArtifactKind::new("png", 1);
/// A figure as a page with its fonts.
pub const PDF: ArtifactKind = ArtifactKind::new("pdf", 1);
/// A figure for the pages of a report.
pub const INTERACTIVE: ArtifactKind = ArtifactKind::new("interactive", 1);

/// The forms of a figure that are pictures to look at.
pub const PICTURES: [ArtifactKind; 3] = [SVG, PNG, PDF];

/// A kind of artifact that this program writes and reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArtifactKind {
    name: &'static str,
    version: u32,
}

impl ArtifactKind {
    /// Declares a kind. The version of its schema is raised whenever the columns or their meaning change.
    ///
    /// # Panics
    /// `name` is not the name of a kind (see [`KindName`]). In a constant that is an error of the compiler.
    pub const fn new(name: &'static str, version: u32) -> Self {
        assert!(is_name(name.as_bytes()), "not the name of a kind");
        Self { name, version }
    }

    /// Returns the name in metadata, task files and messages.
    pub const fn name(self) -> &'static str {
        self.name
    }

    /// Returns the version of the schema.
    pub const fn version(self) -> u32 {
        self.version
    }

    /// Returns the file name of an output of this kind in the folder of its task.
    pub fn file_name(self) -> String {
        KindName::from(self).file_name()
    }
}

impl fmt::Display for ArtifactKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// The name of a kind of artifact, known to this program or not: lowercase letters, digits and single dashes between them, at
/// most 64 bytes. An output of the kind has the name as its file stem.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct KindName(String);

impl KindName {
    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the file name of an output of this kind in the folder of its task.
    pub fn file_name(&self) -> String {
        let stem = if self.is_table() {
            self.as_str()
        } else {
            "figure"
        };
        format!("{stem}.{}", self.extension())
    }

    /// Returns the extension of the file name.
    pub fn extension(&self) -> &'static str {
        match self.as_str() {
            "svg" => "svg",
            "png" => "png",
            "pdf" => "pdf",
            "interactive" => "json",
            _ => "parquet",
        }
    }

    /// Returns `true` if the file is a Parquet table; figures are not.
    pub fn is_table(&self) -> bool {
        self.extension() == "parquet"
    }

    /// Returns `true` if the file is a picture to look at: SVG, PNG or PDF.
    pub fn is_picture(&self) -> bool {
        PICTURES.iter().any(|kind| *self == *kind)
    }
}

impl From<ArtifactKind> for KindName {
    fn from(kind: ArtifactKind) -> Self {
        Self(kind.name.to_owned())
    }
}

impl PartialEq<ArtifactKind> for KindName {
    fn eq(&self, kind: &ArtifactKind) -> bool {
        self.0 == kind.name
    }
}

impl Borrow<str> for KindName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KindName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for KindName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::try_from(name.to_owned())
    }
}

impl TryFrom<String> for KindName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        match is_name(name.as_bytes()) {
            true => Ok(Self(name)),
            false => Err(format!(
                "`{}` is not the name of a kind of artifact: lowercase letters, digits and single dashes, at most \
                 {MAX_NAME_BYTES} bytes",
                name.chars()
                    .take(MAX_NAME_BYTES)
                    .collect::<String>()
                    .escape_debug()
            )),
        }
    }
}

/// Returns whether `name` is the name of a kind.
const fn is_name(name: &[u8]) -> bool {
    let mut after_dash = true;
    let mut index = 0;
    while index < name.len() {
        let is_dash = name[index] == b'-';
        let is_known = is_dash || name[index].is_ascii_lowercase() || name[index].is_ascii_digit();
        if !is_known || (is_dash && after_dash) {
            return false;
        }
        after_dash = is_dash;
        index += 1;
    }
    !after_dash && name.len() <= MAX_NAME_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_file_stems() {
        let longest = "a".repeat(MAX_NAME_BYTES);
        for name in ["images", "r-squared", "top-5", "2d", &longest] {
            let kind: KindName = name.parse().expect("a name");
            assert_eq!(kind.file_name(), format!("{name}.parquet"));
        }
        let too_long = "a".repeat(MAX_NAME_BYTES + 1);
        for name in [
            "", "-", "-a", "a-", "a--b", "A", "a b", "a_b", "..", "a/b", "ä", &too_long,
        ] {
            let error = name.parse::<KindName>().expect_err("not a name");
            assert!(error.contains("is not the name of a kind"), "{error}");
        }
    }

    #[test]
    fn figures_share_a_file_stem() {
        let files = [SVG, PNG, PDF, INTERACTIVE].map(|kind| KindName::from(kind).file_name());
        assert_eq!(
            files,
            ["figure.svg", "figure.png", "figure.pdf", "figure.json"]
        );
    }

    #[test]
    fn a_name_is_a_text_in_json_and_is_checked_when_read() {
        let name = KindName::from(SVG);
        assert_eq!(serde_json::to_string(&name).expect("JSON"), "\"svg\"");
        let read: KindName = serde_json::from_str("\"svg\"").expect("a name");
        assert_eq!(read, name);
        assert!(serde_json::from_str::<KindName>("\"../svg\"").is_err());
    }
}
