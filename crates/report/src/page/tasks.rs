//! The table of all tasks.

use eigenscope_report_file::{ReportFile, TaskState};

use super::comparison::table;
use super::html::Html;
use super::words;

const HEADS: [(&str, bool); 5] = [
    ("task", false),
    ("state", false),
    ("seed", true),
    ("code", false),
    ("result", false),
];

pub(super) fn write(html: &mut Html, file: &ReportFile) {
    html.element(
        "section",
        &[("id", "tasks"), ("aria-labelledby", "tasks-heading")],
        |html| {
            html.element("h2", &[("id", "tasks-heading")], |html| {
                html.text("All tasks")
            });
            html.element("p", &[], |html| {
                html.text("Code and results are named by the first digits of their digests.");
            });
            table(html, "All tasks", &HEADS, |html| {
                for (index, task) in file.tasks.iter().enumerate() {
                    html.element("tr", &[("id", &anchor(index))], |html| {
                        html.element("th", &[("scope", "row")], |html| {
                            html.element("code", &[], |html| html.text(&task.id));
                        });
                        html.element("td", &[], |html| {
                            words::badge(html, words::state(&task.state));
                            for reason in words::reasons(&task.state) {
                                html.element("div", &[("class", "reason")], |html| {
                                    html.text(reason)
                                });
                            }
                            for warning in words::warnings(&task.state) {
                                html.element("div", &[("class", "reason")], |html| {
                                    html.text("Warning: ");
                                    html.text(warning);
                                });
                            }
                        });
                        let seed = task
                            .seed
                            .map_or_else(|| "–".to_owned(), |seed| seed.to_string());
                        html.element("td", &[("class", "number")], |html| html.text(&seed));
                        let result = match &task.state {
                            TaskState::Current { key, .. } => short(key),
                            _ => "–",
                        };
                        for digest in [short(&task.fingerprint), result] {
                            html.element("td", &[], |html| {
                                html.element("code", &[], |html| html.text(digest));
                            });
                        }
                    });
                }
            });
        },
    );
}

/// Anchor of a task in the table.
pub(super) fn anchor(task: usize) -> String {
    format!("task-{task}")
}

/// The first digits of a digest.
pub(super) fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}
