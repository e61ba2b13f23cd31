//! The table of all tasks.

/// Anchor of a task in the table.
pub(super) fn anchor(task: &usize) -> String {
    format!("task-{task}")
}

/// The first digits of a digest.
pub(super) fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}
