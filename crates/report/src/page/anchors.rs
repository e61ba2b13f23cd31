//! Anchors of tasks: figures are found by their names, other tasks by their rows in the table.

use std::collections::BTreeSet;

use eigenscope_report_file::ReportFile;

/// Identifiers of other parts of the page.
const TAKEN: [&str; 8] = [
    "contents",
    "main",
    "published",
    "figures",
    "graph",
    "tasks",
    "theme",
    "filter",
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
        let anchor = match taken.contains(&name) || name.starts_with(ROW) {
            true => format!("{name}.{index}"),
            false => name,
        };
        taken.insert(anchor.clone());
        anchor
    });
    anchors.collect()
}

const ROW: &str = "task-";

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
