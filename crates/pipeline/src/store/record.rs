//! `task.json`: what a result was made from and what it consists of.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use eigenscope_artifact::atomic::write_file;
use eigenscope_artifact::{Digest, FileDigest, Kind};
use eigenscope_stage::ExternalFile;
use serde::{Deserialize, Serialize};

use super::{Ingredients, StoreError};

/// Version of `task.json`; a record of another version is not read.
pub const RECORD_VERSION: u32 = 1;

/// Name of the record in a result's folder.
pub(crate) const RECORD_NAME: &str = "task.json";

/// The record of one result. It holds no time, host or place: equal results have equal records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Version of this format.
    pub version: u32,
    /// Id of the task that made the result (another pipeline may use it under another id).
    pub task: String,
    /// What it was made from.
    pub ingredients: Ingredients,
    /// Fingerprints of the code that computed the result, and of code that it was accepted for since, oldest first. None: it
    /// was computed by the code of the ingredients.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted_from: Vec<String>,
    /// The outputs.
    pub outputs: BTreeMap<Kind, OutputRecord>,
    /// Files outside the store that were read, in the order of their paths.
    pub external_files: Vec<ExternalFile>,
    /// What the task warned about.
    pub warnings: Vec<String>,
}

/// One output file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputRecord {
    /// Size and digest of the file.
    pub file: FileDigest,
    /// Digest of the content, which later tasks depend on. For a figure, the digest of the file.
    pub content: Digest,
}

/// The part of every version's record that says which version it is.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

impl Record {
    /// Reads the record in `folder`; `None` if there is none.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>, String> {
        let bytes = match std::fs::read(folder.join(RECORD_NAME)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        match serde_json::from_slice(&bytes) {
            Ok(Self { version, .. }) if version != RECORD_VERSION => Err(other_version(version)),
            Ok(record) => Ok(Some(record)),
            Err(error) => Err(match serde_json::from_slice(&bytes) {
                Ok(Versioned { version }) if version != RECORD_VERSION => other_version(version),
                _ => error.to_string(),
            }),
        }
    }

    /// Writes the record into `folder` in one step.
    pub(crate) fn write(&self, folder: &Path) -> Result<(), StoreError> {
        let path = folder.join(RECORD_NAME);
        let mut text = serde_json::to_vec_pretty(self)
            .map_err(|error| StoreError::io("write", &path, error.into()))?;
        text.push(b'\n');
        Ok(write_file(&path, &text)?)
    }
}

fn other_version(version: u32) -> String {
    format!("it has version {version}, this program reads version {RECORD_VERSION}")
}
