//! The table of published numbers and ours.

use eigenscope_report_file::{ComparedNumber, ReportFile, ReportVerdict};

use super::html::Html;
use super::words;

pub(super) fn write(html: &mut Html, file: &ReportFile) {
    html.element(
        "section",
        &[
            ("id", "published"),
            ("aria-labelledby", "published-heading"),
        ],
        |html| {
            html.element("h2", &[("id", "published-heading")], |html| {
                let comparison = file.comparison.as_ref();
                html.text(
                    comparison.map_or("Published against ours", |numbers| numbers.title.as_str()),
                )
            });
            let Some(comparison) = &file.comparison else {
                html.element("p", &[], |html| {
                    html.text("No published numbers stand beside this pipeline.")
                });
                return;
            };
            html.element("p", &[], |html| {
                html.text("Numbers and tolerances are those of ");
                html.element("code", &[], |html| html.text(&comparison.file));
                html.text(". Only results that are up to date are compared.");
            });
            // Column heads, and whether the columns hold numbers.
            let heads = [
                ("number", false),
                (comparison.reference_head.as_str(), true),
                ("tolerance", true),
                ("ours", true),
                ("difference", true),
                ("rows", true),
                ("verdict", false),
                ("source", false),
            ];
            table(html, &comparison.title, &heads, |html| {
                for row in &comparison.rows {
                    self::row(html, row);
                }
            });
        },
    );
}

fn row(html: &mut Html, row: &ComparedNumber) {
    let (verdict, reason) = match &row.verdict {
        ReportVerdict::Ok => ("ok", ""),
        ReportVerdict::Off => ("off", row.note.as_str()),
        ReportVerdict::Missing(reason) => ("missing", reason.as_str()),
    };
    let dash = |text: &str| {
        if text.is_empty() {
            "–".to_owned()
        } else {
            text.replace('-', "−")
        }
    };
    html.element("tr", &[], |html| {
        html.element("th", &[("scope", "row")], |html| html.text(&row.name));
        let numbers = [
            row.published.replace('-', "−"),
            dash(&row.tolerance),
            dash(&row.ours),
            dash(&row.difference),
            row.rows_used.to_string(),
        ];
        for number in numbers {
            html.element("td", &[("class", "number")], |html| html.text(&number));
        }
        html.element("td", &[], |html| {
            words::badge(html, verdict);
            if !reason.is_empty() {
                html.text(" ");
                html.text(reason);
            }
        });
        html.element("td", &[("class", "source")], |html| html.text(&row.source));
    });
}

/// A table in a box that scrolls if the page is narrow.
pub(super) fn table(
    html: &mut Html,
    name: &str,
    heads: &[(&str, bool)],
    rows: impl FnOnce(&mut Html),
) {
    let scrolls = [
        ("class", "scrolls"),
        ("role", "region"),
        ("aria-label", name),
        ("tabindex", "0"),
    ];
    html.element("div", &scrolls, |html| {
        html.element("table", &[], |html| {
            html.element("caption", &[("class", "unseen")], |html| html.text(name));
            html.element("thead", &[], |html| {
                html.element("tr", &[], |html| {
                    for (head, number) in heads {
                        let class = if *number { "number" } else { "" };
                        html.element("th", &[("scope", "col"), ("class", class)], |html| {
                            html.text(head)
                        });
                    }
                });
            });
            html.element("tbody", &[], rows);
        });
    });
}
