//! The graph of a pipeline: a node for each table of its file, and arrows from what is read to what reads it.

mod place;

use eigenscope_report_file::{ReportFile, ReportTable, ReportTask, TaskState};
use eigenscope_stage::Stage;

use self::place::{Net, Places};
use super::html::Html;
use super::{figures, tasks};
use eigenscope_figure::text::{Font, TextStyle};

/// Sizes in px: height of a node and of its text, padding of texts, distance of columns, and height above the first row.
const HEIGHT: f64 = 18.0;
const TEXT: f64 = 11.0;
const PADDING: f64 = 5.0;
const GAP: f64 = 32.0;
const TOP: f64 = 30.0;
/// Distance of rows.
const ROW: f64 = 23.0;
/// Width of a character that the font lacks, relative to its size.
const UNKNOWN: f64 = 0.8;

/// A table with its position.
struct Placed<'a> {
    table: &'a ReportTable,
    section: Stage,
    left: f64,
    width: f64,
    middle: f64,
}

pub(super) fn write(html: &mut Html, file: &ReportFile) {
    let sections = file.tables.iter().map(|table| section(file, table));
    let groups: Vec<usize> = sections.map(position).collect();
    let places = Net {
        groups: &groups,
        arrows: &file.arrows,
    }
    .places();
    let (boxes, width) = boxes(file, &places);
    let bottom = places.rows.iter().copied().fold(0.0, f64::max);
    let height = TOP + ROW * (bottom + 1.0);
    let attributes = [("id", "graph"), ("aria-labelledby", "graph-heading")];
    html.element("section", &attributes, |html| {
        html.element("h2", &[("id", "graph-heading")], |html| html.text("Graph"));
        html.element("p", &[("class", "hint")], |html| {
            html.text(
                "What reads what, from left to right. A box is a table of the pipeline file, with the number of its tasks; it leads \
                 to its figure, or to its first task. Pointing at one shows what it needs and what needs it.",
            );
        });
        html.element("div", &[("class", "scrolls")], |html| {
            let size = (px(width), px(height));
            let attributes = [
                ("class", "graph"),
                ("width", size.0.as_str()),
                ("height", &size.1),
                ("viewBox", &format!("0 0 {} {}", size.0, size.1)),
                ("role", "group"),
                ("aria-label", "Graph of the tables"),
            ];
            html.element("svg", &attributes, |html| {
                heads(html, &boxes);
                for &(from, to) in &file.arrows {
                    arrow(html, (from, &boxes[from]), (to, &boxes[to]));
                }
                for (index, one) in boxes.iter().enumerate() {
                    node(html, file, index, one);
                }
            });
        });
    });
}

fn section(file: &ReportFile, table: &ReportTable) -> Stage {
    file.tasks[table.tasks[0]].section
}

fn position(section: Stage) -> usize {
    let all = Stage::ALL.iter();
    all.take_while(|other| **other != section).count()
}

/// Positions of all tables, and the width of the graph.
fn boxes<'a>(file: &'a ReportFile, places: &Places) -> (Vec<Placed<'a>>, f64) {
    let tables = &file.tables;
    let font = Font::bundled().ok();
    let style = TextStyle::regular(TEXT);
    let width = |text: &str| {
        let width = font.as_ref().and_then(|font| font.width(text, style).ok());
        width.unwrap_or_else(|| UNKNOWN * TEXT * text.chars().count() as f64)
    };
    let count = places.columns.iter().max().map_or(0, |last| last + 1);
    let mut widths = vec![0.0_f64; count];
    for (table, &column) in tables.iter().zip(&places.columns) {
        widths[column] = widths[column].max(width(&label(table)) + 2.0 * PADDING);
    }
    let mut lefts = Vec::with_capacity(count);
    let mut right = PADDING;
    for width in &widths {
        lefts.push(right);
        right += width + GAP;
    }
    let at = places.columns.iter().zip(&places.rows);
    let boxes = tables
        .iter()
        .zip(at)
        .map(|(table, (&column, &row))| Placed {
            table,
            section: section(file, table),
            left: lefts[column],
            width: widths[column],
            middle: TOP + ROW * (row + 0.5),
        });
    (boxes.collect(), right - GAP + PADDING)
}

/// The name of each section, above its first column.
fn heads(html: &mut Html, boxes: &[Placed<'_>]) {
    for section in Stage::ALL {
        let lefts = boxes.iter().filter(|one| one.section == section);
        let left = lefts.map(|one| one.left).fold(f64::INFINITY, f64::min);
        if left.is_finite() {
            let attributes = [("class", "head"), ("x", &*px(left)), ("y", "17")];
            html.element("text", &attributes, |html| html.text(section.name()));
        }
    }
}

fn arrow(
    html: &mut Html,
    (from, source): (usize, &Placed<'_>),
    (to, reader): (usize, &Placed<'_>),
) {
    let start = source.left + source.width;
    let (end, half) = (reader.left, GAP / 2.0);
    let (y, z) = (px(source.middle), px(reader.middle));
    // Horizontal at both ends, such that arrows of neighbours run in parallel.
    let path = format!(
        "M{} {y}C{} {y} {} {z} {} {z}",
        px(start),
        px(start + half),
        px(end - half),
        px(end)
    );
    let (from, to) = (from.to_string(), to.to_string());
    let attributes = [("d", path.as_str()), ("data-from", &from), ("data-to", &to)];
    html.element("path", &attributes, |_| ());
}

fn node(html: &mut Html, file: &ReportFile, index: usize, one: &Placed<'_>) {
    let Placed {
        table,
        left,
        width,
        middle,
        ..
    } = one;
    let tasks: Vec<&ReportTask> = table.tasks.iter().map(|&task| &file.tasks[task]).collect();
    let is_current = |task: &&&ReportTask| matches!(task.state, TaskState::Current { .. });
    let current = tasks.iter().filter(is_current).count();
    let first = table.tasks[0];
    let target = match tasks[0].figure {
        Some(_) => figures::anchor(first),
        None => tasks::anchor(first),
    };
    let attributes = [
        ("href", &*format!("#{target}")),
        (
            "class",
            if current == tasks.len() {
                "current"
            } else {
                "stale"
            },
        ),
        ("data-node", &index.to_string()),
    ];
    html.element("a", &attributes, |html| {
        html.element("title", &[], |html| {
            html.text(&format!(
                "{} ({}): {current} of {} tasks up to date",
                table.name,
                tasks[0].kind,
                tasks.len()
            ));
        });
        let attributes = [
            ("x", &*px(*left)),
            ("y", &px(middle - HEIGHT / 2.0)),
            ("width", &px(*width)),
            ("height", &px(HEIGHT)),
            ("rx", "4"),
        ];
        html.element("rect", &attributes, |_| ());
        let (x, y) = (px(left + PADDING), px(middle + 0.36 * TEXT));
        html.element("text", &[("x", &x), ("y", &y)], |html| {
            html.text(&label(table))
        });
    });
}

/// Name of a table in its section, and the number of its tasks.
fn label(table: &ReportTable) -> String {
    let name = table.name.as_str();
    let name = name.split_once('.').map_or(name, |(_, name)| name);
    match table.tasks.len() {
        1 => name.to_owned(),
        tasks => format!("{name} ×{tasks}"),
    }
}

/// Formats a length to a tenth of a px.
fn px(length: f64) -> String {
    let text = format!("{length:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}
