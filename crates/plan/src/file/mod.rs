//! Files that users write, in TOML: read with a span for every value, checked against described types, and reported
//! with all their errors at once.

mod brackets;
mod check;
mod describe;
mod edits;
mod error;
mod suggest;
mod syntax;

use std::io::Read;
use std::path::Path;

use eigenscope_artifact::regular;

pub(crate) use check::{default, value};
pub use check::{fields, unknown_key, wrong_type};
pub(crate) use describe::describe as type_in_words;
pub use edits::{ChangedLine, Edits};
pub use error::{FileError, FileErrors, Problems, Sources, Span, named};
pub use suggest::{closest, did_you_mean, listed, shorten};
pub(crate) use syntax::from_json;
pub use syntax::{Entry, Node, Raw, deserialize, document};

/// Largest file that is read, in bytes.
pub const MAXIMUM_BYTES: u64 = 1 << 20;

/// Reads the text of the file at `path`.
///
/// # Errors
/// The file cannot be read, is longer than [`MAXIMUM_BYTES`], or is not UTF-8.
pub fn read_text(path: &Path) -> Result<String, FileErrors> {
    read_source(path).map_err(|error| FileErrors::unreadable(path, error))
}

/// As [`read_text`], for a file that another one names.
pub(crate) fn read_source(path: &Path) -> Result<String, FileError> {
    let mut bytes = Vec::new();
    regular::open(path)
        .and_then(|file| file.take(MAXIMUM_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|cause| {
            FileError::new("unreadable", "the file cannot be read").caused_by(cause)
        })?;
    if bytes.len() as u64 > MAXIMUM_BYTES {
        let message = format!("the file is longer than {MAXIMUM_BYTES} bytes");
        return Err(FileError::new("too_long", message));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = error.as_bytes().iter().take(valid);
        let line = 1 + before.filter(|&&byte| byte == b'\n').count();
        let message = format!("the file is not UTF-8 text, first in line {line}");
        FileError::new("not_text", message)
    })
}
