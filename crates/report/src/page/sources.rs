//! The tables that a figure is drawn from, as buttons that give their rows.

use std::collections::{BTreeSet, HashMap};

use eigenscope_report_file::{ReportFile, ReportInput, ReportTask, SourceTable};

use super::anchors;
use super::pack::pack;
use super::words;

/// A button that gives tables of one kind with equal columns as one.
pub(super) struct TableButton<'a> {
    /// Kind of the tables.
    pub(super) kind: &'a str,
    /// Role that they play for the figure, where several buttons have one kind.
    pub(super) role: Option<&'a str>,
    /// First line of all of them.
    header: &'a str,
    /// Each with the task that made it.
    pub(super) parts: Vec<Part<'a>>,
}

/// A table, as it stands on the page.
pub(super) struct Part<'a> {
    /// Anchor of its rows.
    pub(super) anchor: String,
    pub(super) task: &'a str,
}

/// Positions of the tables by their names.
pub(super) type Positions<'a> = HashMap<&'a str, usize>;

pub(super) fn positions(file: &ReportFile) -> Positions<'_> {
    let names = file.sources.keys().map(String::as_str);
    names.zip(0..).collect()
}

/// The buttons of a figure.
pub(super) fn buttons<'a>(
    file: &'a ReportFile,
    positions: &Positions<'_>,
    task: &'a ReportTask,
) -> Vec<TableButton<'a>> {
    let mut buttons: Vec<TableButton<'_>> = Vec::new();
    for input in &task.inputs {
        let source = file.sources.get(&input.file);
        let csv = source.and_then(|source| source.csv.as_deref());
        let (Some(csv), Some(&position)) = (csv, positions.get(input.file.as_str())) else {
            continue;
        };
        let anchor = anchors::source(position);
        let header = csv.lines().next().unwrap_or_default();
        let part = Part {
            anchor,
            task: &file.tasks[input.task].id,
        };
        let same = |button: &&mut TableButton<'_>| {
            (button.kind, button.header) == (input.kind.as_str(), header)
        };
        match buttons.iter_mut().find(same) {
            Some(button) if button.parts.iter().any(|other| other.anchor == part.anchor) => {}
            Some(button) => button.parts.push(part),
            None => buttons.push(TableButton {
                kind: &input.kind,
                role: Some(&input.role),
                header,
                parts: vec![part],
            }),
        }
    }
    let kinds: Vec<&str> = buttons.iter().map(|button| button.kind).collect();
    for button in &mut buttons {
        if kinds.iter().filter(|kind| **kind == button.kind).count() == 1 {
            button.role = None;
        }
    }
    buttons
}

/// All tables that stand on a page with these figures, with their anchors, packed.
pub(super) fn texts<'a>(
    file: &'a ReportFile,
    tasks: impl Iterator<Item = &'a ReportTask>,
) -> std::io::Result<Vec<(String, String)>> {
    let wanted: BTreeSet<&str> = tasks
        .flat_map(|task| task.inputs.iter().map(|input| input.file.as_str()))
        .collect();
    let sources = file.sources.iter().enumerate();
    let texts = sources.filter_map(|(position, (name, source))| {
        let csv = source
            .csv
            .as_ref()
            .filter(|_| wanted.contains(name.as_str()))?;
        Some(pack(csv).map(|packed| (anchors::source(position), packed)))
    });
    texts.collect()
}

/// What is said of a table whose rows are too many for the page.
pub(super) fn left_out(file: &ReportFile, input: &ReportInput) -> Option<(String, String)> {
    let SourceTable { bytes, csv: None } = file.sources.get(&input.file)? else {
        return None;
    };
    let id = &file.tasks[input.task].id;
    let output = format!("{}.csv", input.kind);
    let options = [id, "--table", &input.kind, "-o", &output];
    let words = file.export_command.iter().map(String::as_str);
    Some((words::size(*bytes), words::command(words.chain(options))))
}
