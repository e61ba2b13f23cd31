//! The figures: each with its data, its provenance, and the command that makes it.

use std::collections::BTreeSet;

use eigenscope_report_file::{ReportFile, ReportTask, TaskState};
use serde_json::json;

use super::error::PageError;
use super::words;
use eigenscope_figure::INTERACTIVE_VERSION;
use eigenscope_figure::Interactive;

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
}

impl FigureOfTask<'_> {
    /// Element of its heading.
    pub(super) fn level(&self) -> &'static str {
        if self.task.heading.is_some() {
            "h4"
        } else {
            "h3"
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
}

/// Reads all figures that are up to date. Those under one heading stand together.
pub(super) fn read<'a>(
    file: &'a ReportFile,
    anchors: &[String],
) -> Result<Vec<FigureOfTask<'a>>, PageError> {
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
    Ok(figures)
}

fn read_one(file: &ReportFile, task: &ReportTask) -> Result<Option<Interactive>, PageError> {
    let TaskState::Current {
        interactive: Some(path),
        ..
    } = &task.state
    else {
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

/// The interactive form as JSON for scripts, in which no tag can begin or end.
pub(super) fn form(drawn: &Interactive) -> String {
    let form = json!({
        "data": drawn.data,
        "wide": drawn.wide,
        "narrow": drawn.narrow,
        "panels": drawn.panels,
    });
    without_tags(&form.to_string())
}

fn without_tags(json: &str) -> String {
    let escaped = json.replace('<', "\\u003c").replace('>', "\\u003e");
    escaped.replace('&', "\\u0026")
}

/// Parameters of a task with their values.
pub(super) fn parameters(task: &ReportTask) -> Vec<String> {
    let parameters = task.parameters.as_object().into_iter().flatten();
    let parameters = parameters.map(|(name, value)| format!("{name} = {value}"));
    parameters.collect()
}

/// Seeds of the tasks that the figure depends on and that use chance.
pub(super) fn seeds<'a>(file: &'a ReportFile, task: &ReportTask) -> Vec<(&'a str, u64)> {
    let mut needed = BTreeSet::new();
    let mut left: Vec<usize> = task.inputs.iter().map(|input| input.task).collect();
    while let Some(index) = left.pop() {
        if needed.insert(index) {
            left.extend(file.tasks[index].inputs.iter().map(|input| input.task));
        }
    }
    let random = needed.into_iter().map(|index| &file.tasks[index]);
    let random = random.filter_map(|task| Some((task.id.as_str(), task.seed?)));
    random.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_holds_no_tags() {
        let hostile = "</script><img src=x onerror=\"a&b\">'";
        let text = without_tags(&serde_json::to_string(hostile).unwrap());
        assert!(!text.contains(['<', '>', '&']), "{text}");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), hostile);
    }
}
