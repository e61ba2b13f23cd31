//! JSON output: one object for each command, with the version of its form.

use anyhow::Result;
use serde::Serialize;

/// Version of the JSON forms of all commands. Fields may be added without raising it.
const VERSION: u32 = 1;

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
