//! What a build script does with the fingerprints: a table for the compiler, and when to make it again.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use crate::code::{Code, task_functions};
use crate::error::FingerprintError;

/// File in the build's output folder that `task_function!` reads.
const TABLE: &str = "task_functions.rs";

/// Writes the table of the crate being built.
///
/// # Errors
/// As [`task_functions`], and a folder that cannot be written to.
#[allow(
    clippy::print_stdout,
    reason = "cargo reads a build script's standard output"
)]
pub fn emit() -> Result<(), FingerprintError> {
    let folder = variable("CARGO_MANIFEST_DIR")?;
    let path = variable("OUT_DIR")?.join(TABLE);
    let functions = task_functions(&folder)?;
    fs::write(&path, table(&functions.code)).map_err(|error| FingerprintError::at(&path, error))?;
    for path in functions.watched {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    Ok(())
}

fn variable(name: &str) -> Result<PathBuf, FingerprintError> {
    let value = std::env::var_os(name).map(PathBuf::from);
    value.ok_or_else(|| FingerprintError::new(format!("{name} is not set")))
}

/// An expression: a list of functions, each with its fingerprint and its parts.
fn table(functions: &BTreeMap<String, Code>) -> String {
    let mut text = "&[\n".to_owned();
    for (function, Code { fingerprint, parts }) in functions {
        let parts: Vec<(&String, &String)> = parts.iter().collect();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "({function:?}, {fingerprint:?}, &{parts:?}),");
    }
    text + "]\n"
}
