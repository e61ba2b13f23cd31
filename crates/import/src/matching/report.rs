//! A matching in words.

use std::fmt::{self, Write as _};

use super::{MAXIMUM_LAYERS, Matching, Pair, Unknown};

/// Most names that are listed of one sort.
const LISTED: usize = 20;

/// Everything that does not fit, in words.
impl fmt::Display for Matching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        let differing = self.different.iter();
        let differing: Vec<String> = differing
            .map(|(Pair { ours, theirs }, why)| match ours == theirs {
                true => format!("`{ours}` {why}"),
                false => format!("`{ours}` from `{theirs}` {why}"),
            })
            .collect();
        let unknown = self.unknown.iter();
        let unknown: Vec<String> = unknown
            .map(|Unknown { layer, why, .. }| format!("`{layer}`: {why}"))
            .collect();
        for (what, names) in [
            ("wrong names", &unknown),
            ("wrong", &differing),
            ("missing in the file", &self.missing),
            ("in the file beside tensors that are used", &self.unwanted),
            ("left over in the file", &self.left_over),
        ] {
            if !names.is_empty() {
                parts.push(format!("{what}: {}", listed(names)));
            }
        }
        parts.push(match self.used.len() {
            0 => "no tensor fits".to_owned(),
            1 => "1 tensor fits".to_owned(),
            count => format!("{count} tensors fit"),
        });
        f.write_str(&parts.join("; "))
    }
}

/// The first names, and how many more there are.
pub(crate) fn listed(names: &[String]) -> String {
    let mut text = names
        .iter()
        .take(LISTED)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > LISTED {
        let _ = write!(text, " and {} more", names.len() - LISTED);
    }
    text
}

/// The name that is most like a misspelt one, as a question; empty if none is.
pub(super) fn nearest(word: &str, known: &[String]) -> String {
    let distances = known.iter().take(MAXIMUM_LAYERS);
    let found = distances
        .map(|name| (strsim::osa_distance(word, name), name))
        .min();
    match found {
        Some((distance, name)) if distance <= word.chars().count() / 3 => {
            format!("did you mean `{name}`? ")
        }
        _ => String::new(),
    }
}
