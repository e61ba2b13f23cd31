//! What changed in the code of a task kind: the parts that differ, in words.

use std::collections::BTreeSet;
use std::fmt;

use eigenscope_plan::CodeParts;

/// A part of the code that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeChange {
    /// A file, or an outside package.
    pub part: String,
    /// What it was, if it was part of it.
    pub old: Option<String>,
    /// What it is, if it is part of it.
    pub new: Option<String>,
}

/// All parts that differ.
pub(super) fn code_changes(old: &CodeParts, new: &CodeParts) -> Vec<CodeChange> {
    let parts: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    parts
        .into_iter()
        .filter(|part| old.get(*part) != new.get(*part))
        .map(|part| CodeChange {
            part: part.clone(),
            old: old.get(part).cloned(),
            new: new.get(part).cloned(),
        })
        .collect()
}

impl fmt::Display for CodeChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = &self.part;
        let is_file = part.contains('/');
        match (&self.old, &self.new) {
            (Some(old), Some(new)) if !is_file => match (version(old), version(new)) {
                (old, new) if old == new => write!(f, "what {part} {new} is built from"),
                (old, new) => write!(f, "{part} {old} to {new}"),
            },
            (None, Some(_)) => write!(f, "{part} (new)"),
            (Some(_), None) => write!(f, "{part} (no longer used)"),
            _ => f.write_str(part),
        }
    }
}

/// The version of an outside package stands before its digest.
fn version(built: &str) -> &str {
    built.split(' ').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(parts: &[(&str, &str)]) -> CodeParts {
        let parts = parts.iter();
        parts
            .map(|(part, digest)| ((*part).to_owned(), (*digest).to_owned()))
            .collect()
    }

    #[test]
    fn changes_are_named_by_file_and_version() {
        let old = parts(&[
            ("burn", "0.22.1 aa"),
            ("crates/a/src/b.rs", "1"),
            ("crates/a/src/c.rs", "1"),
            ("crates/a/src/d.rs", "1"),
            ("faer", "0.24.0 aa"),
            ("serde", "1.0.0 aa"),
        ]);
        let new = parts(&[
            ("burn", "0.22.1 bb"),
            ("crates/a/src/b.rs", "2"),
            ("crates/a/src/c.rs", "1"),
            ("crates/a/src/e.rs", "1"),
            ("faer", "0.24.1 bb"),
            ("serde", "1.0.0 aa"),
        ]);
        let changes = code_changes(&old, &new);
        let words: Vec<String> = changes.iter().map(ToString::to_string).collect();
        let expected = [
            "what burn 0.22.1 is built from",
            "crates/a/src/b.rs",
            "crates/a/src/d.rs (no longer used)",
            "crates/a/src/e.rs (new)",
            "faer 0.24.0 to 0.24.1",
        ];
        assert_eq!(words, expected);
    }
}
