//! Anchors of tasks: figures are found by their names, other tasks by their rows in the table.

use std::collections::BTreeSet;

use eigenscope_report_file::ReportFile;

/// Identifiers of other parts of the page.
const TAKEN: [&str; 11] = [
    "contents",
    "main",
    "published",
    "figures",
    "models",
    "run",
    "graph",
    "tasks",
    "theme",
    "filter",
    "found",
];

/// Anchors of all tasks, all different.
pub(super) fn all(file: &ReportFile) -> Vec<String> {
    let mut taken: BTreeSet<String> = TAKEN.map(str::to_owned).into();
    let tasks = file.tasks.iter().enumerate();
    let anchors = tasks.map(|(index, task)| {
        let name = match &task.figure {
            None => return row(&index),
            Some(name) => plain(name),
        };
        let is_free = |anchor: &String| {
            !taken.contains(anchor) && ![ROW, SOURCE].iter().any(|of| anchor.starts_with(of))
        };
        let mut anchor = match is_free(&name) {
            true => name,
            false => format!("figure-{index}"),
        };
        while !is_free(&anchor) {
            anchor.push('_');
        }
        taken.insert(anchor.clone());
        anchor
    });
    anchors.collect()
}

const ROW: &str = "task-";
const SOURCE: &str = "rows-";

/// Anchor of the rows of a table that figures are drawn from.
pub(super) fn source(position: usize) -> String {
    format!("{SOURCE}{position}")
}

/// Anchor of a task in the table of all tasks.
pub(super) fn row(task: &usize) -> String {
    format!("{ROW}{task}")
}

/// A name with hyphens in place of all that addresses would have to escape.
fn plain(name: &str) -> String {
    let plain = |letter: char| match letter {
        letter if letter.is_ascii_alphanumeric() || "-_".contains(letter) => letter,
        _ => '-',
    };
    name.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_anchors() {
        assert_eq!(plain("similarity-corrected"), "similarity-corrected");
        assert_eq!(plain("a b/<c>"), "a-b--c-");
        assert_eq!(row(&3), "task-3");
    }
}
