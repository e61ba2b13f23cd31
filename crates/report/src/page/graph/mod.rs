//! The graph of a pipeline: a node for each table of its file, and arrows from what is read to what reads it.

mod place;

use eigenscope_report_file::{ReportFile, ReportTable, ReportTask, TaskState};
use eigenscope_stage::Stage;

use self::place::{Net, Places};
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

/// A graph, with lengths in px as text.
pub(super) struct Graph {
    pub(super) width: String,
    pub(super) height: String,
    /// Names of the sections, each with the left side of its first column.
    pub(super) heads: Vec<(&'static str, String)>,
    pub(super) arrows: Vec<Arrow>,
    pub(super) nodes: Vec<Node>,
}

/// An arrow between two nodes.
pub(super) struct Arrow {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) path: String,
}

/// The box of a table.
pub(super) struct Node {
    /// Anchor on the page.
    pub(super) target: String,
    pub(super) class: &'static str,
    pub(super) title: String,
    pub(super) label: String,
    pub(super) x: String,
    pub(super) y: String,
    pub(super) width: String,
    pub(super) height: String,
    pub(super) text_x: String,
    pub(super) text_y: String,
}

/// A table with its position.
struct Placed<'a> {
    table: &'a ReportTable,
    section: Stage,
    left: f64,
    width: f64,
    middle: f64,
}

impl Graph {
    /// The graph of the tables of a pipeline.
    pub(super) fn of(file: &ReportFile, anchors: &[String]) -> Self {
        let sections = file.tables.iter().map(|table| section(file, table));
        let groups: Vec<usize> = sections.map(position).collect();
        let places = Net {
            groups: &groups,
            arrows: &file.arrows,
        }
        .places();
        let (boxes, width) = boxes(file, &places);
        let bottom = places.rows.iter().copied().fold(0.0, f64::max);
        let arrows = file.arrows.iter().map(|&(from, to)| Arrow {
            from,
            to,
            path: path(&boxes[from], &boxes[to]),
        });
        Self {
            width: px(width),
            height: px(TOP + ROW * (bottom + 1.0)),
            heads: heads(&boxes),
            arrows: arrows.collect(),
            nodes: boxes.iter().map(|one| node(file, anchors, one)).collect(),
        }
    }
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
fn heads(boxes: &[Placed<'_>]) -> Vec<(&'static str, String)> {
    let heads = Stage::ALL.into_iter().filter_map(|section| {
        let lefts = boxes.iter().filter(|one| one.section == section);
        let left = lefts.map(|one| one.left).fold(f64::INFINITY, f64::min);
        left.is_finite().then(|| (section.name(), px(left)))
    });
    heads.collect()
}

/// A curve that is horizontal at both ends, such that arrows of neighbours run in parallel.
fn path(source: &Placed<'_>, reader: &Placed<'_>) -> String {
    let start = source.left + source.width;
    let (end, half) = (reader.left, GAP / 2.0);
    let (y, z) = (px(source.middle), px(reader.middle));
    format!(
        "M{} {y}C{} {y} {} {z} {} {z}",
        px(start),
        px(start + half),
        px(end - half),
        px(end)
    )
}

fn node(file: &ReportFile, anchors: &[String], one: &Placed<'_>) -> Node {
    let table = one.table;
    let tasks: Vec<&ReportTask> = table.tasks.iter().map(|&task| &file.tasks[task]).collect();
    let is_current = |task: &&&ReportTask| matches!(task.state, TaskState::Current { .. });
    let (all, current) = (tasks.len(), tasks.iter().filter(is_current).count());
    let (name, kind) = (&table.name, &tasks[0].kind);
    Node {
        target: anchors[table.tasks[0]].clone(),
        class: if current == all { "current" } else { "stale" },
        title: format!("{name} ({kind}): {current} of {all} tasks up to date"),
        label: label(table),
        x: px(one.left),
        y: px(one.middle - HEIGHT / 2.0),
        width: px(one.width),
        height: px(HEIGHT),
        text_x: px(one.left + PADDING),
        text_y: px(one.middle + 0.36 * TEXT),
    }
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
