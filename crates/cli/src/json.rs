//! JSON output: one object for each command, with the version of its form.

use std::io::{BufWriter, Write};

use anyhow::Result;
use serde::Serialize;

use crate::commands::printed;

/// Version of the JSON forms of all commands. Fields may be added without raising it.
pub(crate) const VERSION: u32 = 1;

#[derive(Serialize)]
struct Versioned<'a, T> {
    version: u32,
    #[serde(flatten)]
    content: &'a T,
}

/// The fields of `content` after the version, on several lines.
pub(crate) fn text(content: &impl Serialize) -> Result<String> {
    let version = VERSION;
    Ok(serde_json::to_string_pretty(&Versioned { version, content })? + "\n")
}

/// Prints the same text. It need not fit in memory; a closed pipe is no error.
pub(crate) fn print(content: &impl Serialize) -> Result<()> {
    crate::planning::end();
    let version = VERSION;
    let mut out = BufWriter::new(std::io::stdout().lock());
    let written = serde_json::to_writer_pretty(&mut out, &Versioned { version, content })
        .map_err(std::io::Error::from)
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush());
    printed(written).map(drop)
}
