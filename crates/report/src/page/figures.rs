//! The figures: each with its data, its provenance, and the command that makes it.

use std::collections::BTreeSet;

use eigenscope_artifact::INTERACTIVE;
use eigenscope_report_file::{ReportFile, ReportOutput, ReportTask};
use serde_json::json;

use super::error::PageError;
use super::pack::pack;
use super::sources::{self, TableButton};
use super::{tasks, words};
use eigenscope_figure::INTERACTIVE_VERSION;
use eigenscope_figure::Interactive;

/// Ends of the names of figures that belong side by side.
const SIDES: [&str; 4] = ["-before", "-after", "-published", "-corrected"];
/// Height up to which a figure shares a page of paper with another, px.
const HALF_A_PAGE: u64 = 620;

/// A task that draws a figure.
pub(super) struct FigureOfTask<'a> {
    /// Anchor on the page.
    pub(super) anchor: String,
    pub(super) task: &'a ReportTask,
    /// Short name, unique on the page.
    pub(super) name: &'a str,
    /// Heading that it is the first to stand under.
    pub(super) opens: Option<&'a str>,
    /// The figure, if it is up to date.
    pub(super) drawn: Option<Interactive>,
    pub(super) run_command: String,
    /// What gives the tables that it is drawn from.
    pub(super) buttons: Vec<TableButton<'a>>,
    /// Whether it is the first, and the last, of several figures that stand side by side.
    pub(super) begins_set: bool,
    pub(super) ends_set: bool,
    /// Address of the page with the table of all tasks; empty for this one.
    pub(super) index: &'static str,
}

impl FigureOfTask<'_> {
    /// Element of its heading.
    pub(super) fn level(&self) -> &'static str {
        match (self.index, &self.task.heading) {
            ("", Some(_)) => "h4",
            ("", None) => "h3",
            _ => "h2",
        }
    }

    /// What the pipeline file says about the heading that it opens.
    pub(super) fn sentence<'a>(&self, file: &'a ReportFile) -> Option<&'a str> {
        file.sections.get(self.opens?).map(String::as_str)
    }

    pub(super) fn title(&self) -> &str {
        self.drawn
            .as_ref()
            .map_or(self.name, |figure| &figure.title)
    }

    pub(super) fn is_current(&self) -> bool {
        self.drawn.is_some()
    }

    /// Room that the figure takes on wide screens before it is drawn, px.
    pub(super) fn height(&self) -> u64 {
        let wide = self
            .drawn
            .as_ref()
            .map(|drawn| &drawn.wide.layout["height"]);
        wide.and_then(serde_json::Value::as_f64).unwrap_or_default() as u64
    }

    /// Whether half a page would be too little for it.
    pub(super) fn is_tall(&self) -> bool {
        self.height() > HALF_A_PAGE
    }

    /// What figures that stand side by side have in common: the table of the pipeline file, or its name up to the word that
    /// says which side it is.
    fn set(&self) -> &str {
        let table = tasks::table(self.task);
        let mut sides = SIDES.iter().filter_map(|side| table.strip_suffix(side));
        sides.next().unwrap_or(table)
    }
}

/// Reads all figures that are up to date. Those under one heading stand together.
pub(super) fn read<'a>(
    file: &'a ReportFile,
    anchors: &[String],
) -> Result<Vec<FigureOfTask<'a>>, PageError> {
    let positions = sources::positions(file);
    let tasks = file.tasks.iter().enumerate();
    let figures = tasks.filter_map(|(index, task)| Some((index, task, task.figure.as_deref()?)));
    let mut figures: Vec<FigureOfTask<'_>> = figures
        .map(|(index, task, name)| {
            Ok(FigureOfTask {
                anchor: anchors[index].clone(),
                task,
                name,
                opens: None,
                drawn: read_one(file, task)?,
                run_command: run_command(file, task),
                buttons: sources::buttons(file, &positions, task),
                begins_set: false,
                ends_set: false,
                index: "",
            })
        })
        .collect::<Result<_, PageError>>()?;
    let mut headings: Vec<Option<&str>> = Vec::new();
    for figure in &mut figures {
        let heading = figure.task.heading.as_deref();
        if !headings.contains(&heading) {
            headings.push(heading);
            figure.opens = heading;
        }
    }
    figures.sort_by_key(|figure| {
        let heading = figure.task.heading.as_deref();
        headings.iter().position(|known| *known == heading)
    });
    for index in 0..figures.len() {
        let joins = |other: usize| {
            let (one, other) = (&figures[index], &figures[other]);
            one.set() == other.set() && one.task.heading == other.task.heading
        };
        let joins_last = index > 0 && joins(index - 1);
        let joins_next = index + 1 < figures.len() && joins(index + 1);
        figures[index].begins_set = joins_next && !joins_last;
        figures[index].ends_set = joins_last && !joins_next;
    }
    Ok(figures)
}

fn read_one(file: &ReportFile, task: &ReportTask) -> Result<Option<Interactive>, PageError> {
    let Some(ReportOutput { path, .. }) = words::output(&task.state, INTERACTIVE.name()) else {
        return Ok(None);
    };
    let bytes = std::fs::read(path).map_err(|source| PageError::Read {
        task: task.id.clone(),
        path: path.clone(),
        source,
    })?;
    let malformed = |source| PageError::Malformed {
        path: path.clone(),
        expected: INTERACTIVE_VERSION,
        again: run_command(file, task),
        source,
    };
    let figure: Interactive =
        serde_json::from_slice(&bytes).map_err(|error| malformed(Some(error)))?;
    match figure.version {
        INTERACTIVE_VERSION => Ok(Some(figure)),
        _ => Err(malformed(None)),
    }
}

fn run_command(file: &ReportFile, task: &ReportTask) -> String {
    let words = file.run_command.iter().chain([&task.id]);
    words::command(words.map(String::as_str))
}

/// The interactive form as JSON for scripts, packed.
pub(super) fn form(drawn: &Interactive) -> std::io::Result<String> {
    let form = json!({
        "data": drawn.data,
        "wide": drawn.wide,
        "narrow": drawn.narrow,
        "panels": drawn.panels,
    });
    pack(&form.to_string())
}

/// Parameters of a task with their values.
pub(super) fn parameters(task: &ReportTask) -> Vec<String> {
    let parameters = task.parameters.as_object().into_iter().flatten();
    let parameters = parameters.map(|(name, value)| format!("{name} = {value}"));
    parameters.collect()
}

/// The seed of a task that uses chance.
pub(super) fn seed(task: &ReportTask) -> Option<String> {
    let seed = task.seed?;
    Some(match task.seed_is_derived {
        true => format!("derived: {seed}"),
        false => seed.to_string(),
    })
}

/// Seeds of the tasks that the figure depends on and that use chance.
pub(super) fn seeds<'a>(file: &'a ReportFile, task: &ReportTask) -> Vec<(&'a str, String)> {
    let mut needed = BTreeSet::new();
    let mut left: Vec<usize> = task.inputs.iter().map(|input| input.task).collect();
    while let Some(index) = left.pop() {
        if needed.insert(index) {
            left.extend(file.tasks[index].inputs.iter().map(|input| input.task));
        }
    }
    let random = needed.into_iter().map(|index| &file.tasks[index]);
    let random = random.filter_map(|task| Some((task.id.as_str(), seed(task)?)));
    random.collect()
}
