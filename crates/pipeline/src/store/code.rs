//! What the code of earlier results consisted of, kept once for all results of the same code.
//!
//! A record names code by its fingerprint; the parts behind it are only needed to say what has changed since. A file
//! that is missing or broken costs that sentence and nothing else.

use std::path::PathBuf;

use eigenscope_artifact::atomic::write_file;
use eigenscope_artifact::regular;

use super::{Store, StoreError, create_folder};
use eigenscope_plan::CodeParts;

impl Store {
    /// Keeps the parts of the code with this fingerprint.
    pub(crate) fn keep_code(&self, fingerprint: &str, parts: &CodeParts) -> Result<(), StoreError> {
        let Some(path) = self.code_file(fingerprint) else {
            return Ok(());
        };
        if path.exists() {
            return Ok(());
        }
        create_folder(&self.code_folder())?;
        let mut text = serde_json::to_vec_pretty(parts)
            .map_err(|error| StoreError::io("write", &path, error.into()))?;
        text.push(b'\n');
        Ok(write_file(&path, &text)?)
    }

    /// The parts of the code with this fingerprint, if they are known.
    pub(crate) fn code(&self, fingerprint: &str) -> Option<CodeParts> {
        let text = regular::read(&self.code_file(fingerprint)?).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Folder of what is known about code.
    pub(crate) fn code_folder(&self) -> PathBuf {
        self.root().join("code")
    }

    /// A fingerprint that is none, in a record that is not ours, names no file.
    fn code_file(&self, fingerprint: &str) -> Option<PathBuf> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let plain = !fingerprint.is_empty() && fingerprint.bytes().all(is_plain);
        plain.then(|| self.code_folder().join(format!("{fingerprint}.json")))
    }
}
