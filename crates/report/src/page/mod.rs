//! The page of a pipeline: one HTML file with all figures, their provenance, and the comparison with published numbers, or a
//! folder with an index and a page for each figure. It asks no server for anything and cannot (see the module `script`).
//!
//! Equal results give equal pages: a page contains no time and no name of a machine.

mod anchors;
mod data_sets;
mod error;
mod figures;
mod graph;
mod models;
mod pack;
mod script;
mod sources;
mod split;
mod tasks;
mod words;

use std::fmt;

use askama::Template;
use askama::filters::Escaper;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use eigenscope_artifact::atomic;
use eigenscope_report_file::{ReportFile, ReportVerdict};
use eigenscope_stage::TaskError;

use data_sets::DataSet;
pub use error::PageError;
use figures::FigureOfTask;
use graph::Graph;
use models::Models;
use script::Scripts;

use eigenscope_figure::escape;
use eigenscope_figure::text::{FAMILY, MEDIUM, REGULAR};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const STYLE: &str = include_str!("../../assets/page/page.css");

/// Writes the page of a pipeline, or the folder of its pages. An existing file is replaced atomically.
///
/// # Errors
/// [`PageError`], and a file that cannot be written.
pub fn write(file: &ReportFile) -> Result<(), TaskError> {
    if let Some(contradiction) = contradiction(file) {
        return Err(PageError::Inconsistent(contradiction).into());
    }
    let anchors = anchors::all(file);
    let page = Page {
        file,
        figures: figures::read(file, &anchors)?,
        models: Models::read(file)?,
        data_sets: data_sets::read(file)?,
        graph: Graph::of(file, &anchors),
        scripts: Scripts::load()?,
        fonts: fonts(),
    };
    if file.is_split {
        return split::write(page);
    }
    let text = page.render().map_err(PageError::from)?;
    Ok(atomic::write_file(&file.output, text.as_bytes())?)
}

/// The page; its templates are in `templates`.
#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    file: &'a ReportFile,
    figures: Vec<FigureOfTask<'a>>,
    models: Models<'a>,
    data_sets: Vec<DataSet<'a>>,
    graph: Graph,
    scripts: Scripts,
    fonts: String,
}

/// How templates escape texts and attributes, see `askama.toml`.
#[derive(Clone, Copy)]
pub(crate) struct Escape;

impl Escaper for Escape {
    fn write_escaped_str<W: fmt::Write>(&self, mut page: W, text: &str) -> fmt::Result {
        page.write_str(&escape(text))
    }
}

/// Figures under one heading, or under none.
struct Group<'a> {
    heading: Option<&'a str>,
    figures: Vec<&'a FigureOfTask<'a>>,
}

impl Page<'_> {
    /// The figures by their headings.
    fn groups(&self) -> Vec<Group<'_>> {
        let mut groups: Vec<Group<'_>> = Vec::new();
        for figure in &self.figures {
            let heading = figure.task.heading.as_deref();
            match groups.last_mut() {
                Some(group) if group.heading == heading => group.figures.push(figure),
                _ => groups.push(Group {
                    heading,
                    figures: vec![figure],
                }),
            }
        }
        groups
    }

    /// The tables that the figures are drawn from, with their anchors.
    fn sources(&self) -> std::io::Result<Vec<(String, String)>> {
        sources::texts(self.file, self.figures.iter().map(|figure| figure.task))
    }

    fn has_times(&self) -> bool {
        self.file.tasks.iter().any(|task| task.seconds.is_some())
    }

    /// Where the contents lead for a figure.
    fn address(&self, figure: &FigureOfTask<'_>) -> String {
        match self.file.is_split {
            true => split::address(figure),
            false => format!("#{}", figure.anchor),
        }
    }

    /// Title of a figure in the contents, followed by its name if several figures have the same title.
    fn entry(&self, figure: &FigureOfTask<'_>) -> String {
        let title = figure.title();
        let same = self.figures.iter().filter(|other| other.title() == title);
        match same.count() {
            1 => title.to_owned(),
            _ => format!("{title} ({})", figure.name),
        }
    }
}

/// A position in the report file that does not exist, or an arrow against the order of the tables.
fn contradiction(file: &ReportFile) -> Option<String> {
    let (tasks, tables) = (file.tasks.len(), file.tables.len());
    for task in &file.tasks {
        if let Some(input) = task.inputs.iter().find(|input| input.task >= tasks) {
            let (id, input) = (&task.id, input.task);
            return Some(format!(
                "the task {id} reads task number {input}, but there are {tasks} tasks"
            ));
        }
    }
    for table in &file.tables {
        if table.tasks.is_empty() || table.tasks.iter().any(|&task| task >= tasks) {
            let name = &table.name;
            return Some(format!(
                "the table {name} has the tasks {:?} of {tasks}",
                table.tasks
            ));
        }
    }
    let mut arrows = file.arrows.iter();
    let (from, to) = arrows.find(|(from, to)| from >= to || *to >= tables)?;
    Some(format!(
        "table number {to} of {tables} reads table number {from}"
    ))
}

/// The font of the figures.
fn fonts() -> String {
    let font = |weight: &str, bytes: &[u8]| {
        format!(
            "@font-face {{ font-family: {FAMILY}; font-weight: {weight}; src: url(data:font/ttf;base64,{}) }}\n",
            STANDARD.encode(bytes)
        )
    };
    font("400", REGULAR) + &font("500 900", MEDIUM)
}
