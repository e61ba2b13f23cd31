//! The format version of a file, checked before the rest of the file is read.

use serde::Deserialize;

/// The part of every version's file that says which version it is.
#[derive(Deserialize)]
pub(crate) struct Versioned {
    version: u32,
}

impl Versioned {
    pub(crate) fn new(version: u32) -> Self {
        Self { version }
    }

    /// Refuses any version but the one that this program reads.
    pub(crate) fn expect(&self, read: u32) -> Result<(), String> {
        match self.version {
            version if version == read => Ok(()),
            version => Err(format!(
                "it has version {version}, this program reads version {read}"
            )),
        }
    }
}
