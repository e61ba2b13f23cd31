//! What keeps a fingerprint from being computed.

use std::fmt;
use std::path::Path;

/// A file cannot be read, or holds code that cannot be followed: which one, and why.
#[derive(Debug)]
pub struct FingerprintError(String);

impl FingerprintError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    pub(crate) fn at(path: &Path, reason: impl fmt::Display) -> Self {
        Self(format!("{}: {reason}", path.display()))
    }
}

impl fmt::Display for FingerprintError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for FingerprintError {}
