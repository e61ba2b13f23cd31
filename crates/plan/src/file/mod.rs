//! Files that users write, in TOML: read with a span for every value, checked against described types, and reported
//! with all their errors at once.

mod check;
mod describe;
mod error;
mod suggest;
mod syntax;

use std::io::Read;
use std::path::Path;

use eigenscope_artifact::regular;

pub(crate) use check::{default, value};
pub use check::{fields, unknown_key, wrong_type};
pub use error::{FileError, FileErrors, Problems, Sources, Span, named};
pub use suggest::{closest, did_you_mean, listed, shorten};
pub(crate) use syntax::from_json;
pub use syntax::{Entry, Node, Raw, document};

/// Largest file that is read, in bytes.
pub const MAXIMUM_BYTES: u64 = 1 << 20;

/// Reads the text of the file at `path`.
///
/// # Errors
/// The file cannot be read, is longer than [`MAXIMUM_BYTES`], or is not UTF-8.
pub fn read_text(path: &Path) -> Result<String, FileErrors> {
    let fail = |error| Err(FileErrors::unreadable(path, error));
    let mut bytes = Vec::new();
    let read =
        regular::open(path).and_then(|file| file.take(MAXIMUM_BYTES + 1).read_to_end(&mut bytes));
    if let Err(cause) = read {
        return fail(FileError::new("unreadable", "the file cannot be read").caused_by(cause));
    }
    if bytes.len() as u64 > MAXIMUM_BYTES {
        let message = format!("the file is longer than {MAXIMUM_BYTES} bytes");
        return fail(FileError::new("too_long", message));
    }
    String::from_utf8(bytes).or_else(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = error.as_bytes().iter().take(valid);
        let line = 1 + before.filter(|&&byte| byte == b'\n').count();
        let message = format!("the file is not UTF-8 text, first in line {line}");
        fail(FileError::new("not_text", message))
    })
}
