//! Edits of files, and what they change in the code of a task function.

use std::fs;
use std::path::Path;

use eigenscope_fingerprint::Code;

/// Replaces a piece of a file.
#[track_caller]
pub(crate) fn replace(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).expect("readable");
    assert!(text.contains(from), "{} has no `{from}`", path.display());
    fs::write(path, text.replacen(from, to, 1)).expect("written");
}

/// The parts that differ; none exactly if the fingerprints are equal.
#[track_caller]
pub(crate) fn changes(before: &Code, after: &Code) -> Vec<String> {
    let names = before.parts.keys().chain(after.parts.keys());
    let mut changed: Vec<String> = names
        .filter(|name| before.parts.get(*name) != after.parts.get(*name))
        .cloned()
        .collect();
    changed.sort();
    changed.dedup();
    assert_eq!(changed.is_empty(), before.fingerprint == after.fingerprint);
    changed
}
