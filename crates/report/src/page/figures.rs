//! The figures: each with its data, its provenance, and the command that makes it.

use std::collections::BTreeSet;

use eigenscope_report_file::{ReportFile, ReportTask, TaskState};
use serde_json::Value;

use super::error::PageError;
use super::html::Html;
use super::{tasks, words};
use eigenscope_figure::INTERACTIVE_VERSION;
use eigenscope_figure::Interactive;

/// A task that draws a figure.
pub(super) struct FigureOfTask<'a> {
    /// Position of the task.
    pub(super) task: usize,
    /// Short name, unique on the page.
    pub(super) name: &'a str,
    /// Heading that it stands under.
    heading: Option<&'a str>,
    /// The figure, if it is up to date.
    drawn: Option<Interactive>,
}

impl FigureOfTask<'_> {
    /// Anchor of the figure on the page.
    pub(super) fn anchor(&self) -> String {
        anchor(self.task)
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
pub(super) fn read(file: &ReportFile) -> Result<Vec<FigureOfTask<'_>>, PageError> {
    let tasks = file.tasks.iter().enumerate();
    let figures = tasks.filter_map(|(index, task)| Some((index, task, task.figure.as_deref()?)));
    let mut figures: Vec<FigureOfTask<'_>> = figures
        .map(|(index, task, name)| {
            Ok(FigureOfTask {
                task: index,
                name,
                heading: task.heading.as_deref(),
                drawn: read_one(file, task)?,
            })
        })
        .collect::<Result<_, PageError>>()?;
    let mut headings: Vec<Option<&str>> = Vec::new();
    for figure in &figures {
        if !headings.contains(&figure.heading) {
            headings.push(figure.heading);
        }
    }
    figures.sort_by_key(|figure| headings.iter().position(|known| *known == figure.heading));
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

pub(super) fn write(html: &mut Html, file: &ReportFile, figures: &[FigureOfTask<'_>]) {
    html.element("section", &[("id", "figures"), ("aria-labelledby", "figures-heading")], |html| {
        html.element("h2", &[("id", "figures-heading")], |html| html.text("Figures"));
        html.element("p", &[("class", "hint")], |html| {
            html.text(
                "Point at a figure to read its values, drag to zoom (or to turn what is in space), click twice to go \
                 back, click a name in a legend to hide it. On paper and without scripts, figures are still pictures.",
            );
        });
        for group in figures.chunk_by(|one, next| one.heading == next.heading) {
            if let Some(heading) = group[0].heading {
                html.element("h3", &[("class", "group")], |html| html.text(heading));
            }
            for figure in group {
                article(html, file, figure);
            }
        }
    });
}

fn article(html: &mut Html, file: &ReportFile, figure: &FigureOfTask<'_>) {
    let anchor = figure.anchor();
    let heading = format!("{anchor}-heading");
    let task = &file.tasks[figure.task];
    html.element(
        "article",
        &[("id", &anchor), ("aria-labelledby", &heading)],
        |html| {
            let level = if figure.heading.is_some() { "h4" } else { "h3" };
            html.element(level, &[("id", &heading)], |html| {
                html.text(figure.title());
                if figure.is_current() {
                    html.text(" ");
                    html.element("span", &[("class", "name")], |html| html.text(figure.name));
                }
            });
            match &figure.drawn {
                Some(drawn) => self::drawn(html, file, figure, drawn),
                None => left_out(html, file, task),
            }
            provenance(html, file, task);
        },
    );
}

/// The place of a figure that is not up to date.
fn left_out(html: &mut Html, file: &ReportFile, task: &ReportTask) {
    html.element("div", &[("class", "left-out")], |html| {
        html.element("p", &[], |html| {
            words::badge(html, words::state(&task.state));
            html.text(match task.state {
                TaskState::Current { .. } => " This figure has no form for pages.",
                _ => " This figure is not up to date and left out.",
            });
        });
        html.element("ul", &[], |html| {
            for reason in words::reasons(&task.state) {
                html.element("li", &[], |html| html.text(reason));
            }
        });
        html.element("p", &[], |html| {
            html.text("Bring it up to date, then write the report again:");
        });
        html.element("pre", &[("tabindex", "0")], |html| {
            html.text(&run_command(file, task))
        });
    });
}

fn drawn(html: &mut Html, file: &ReportFile, figure: &FigureOfTask<'_>, drawn: &Interactive) {
    let data = format!("{}-data", figure.anchor());
    let download = format!("{}-{}.csv", file.pipeline, figure.name);
    html.element("figure", &[], |html| {
        let frame = [
            ("class", "frame"),
            ("data-figure", data.as_str()),
            ("data-name", figure.name),
            ("role", "group"),
            ("aria-label", drawn.title.as_str()),
            ("tabindex", "0"),
        ];
        html.element("div", &frame, |html| {
            // The figure engine wrote the drawing: it has no scripts and no identifiers, and all texts are escaped.
            html.element("div", &[("class", "still")], |html| html.trusted(&drawn.still));
            html.element("div", &[("class", "interactive"), ("hidden", "")], |_| {});
        });
        html.element("figcaption", &[], |html| {
            html.text(&drawn.description);
            if drawn.step > 1 {
                html.text(&format!(
                    " To be quick, the interactive form shows one in {} points; the still picture (on paper, and as SVG \
                     and PNG beside the results) shows all.",
                    drawn.step
                ));
            }
        });
    });
    html.element("p", &[("class", "tools")], |html| {
        html.element(
            "button",
            &[
                ("type", "button"),
                ("class", "csv"),
                ("data-file", &download),
                ("hidden", ""),
            ],
            |html| html.text("Download the data (CSV)"),
        );
        html.text(" ");
        html.element(
            "button",
            &[("type", "button"), ("class", "reset"), ("hidden", "")],
            |html| html.text("Reset the view"),
        );
    });
    let json = serde_json::json!({
        "data": drawn.data,
        "wide": drawn.wide,
        "narrow": drawn.narrow,
        "panels": drawn.panels,
    });
    html.json(&data, &json.to_string());
}

fn provenance(html: &mut Html, file: &ReportFile, task: &ReportTask) {
    html.element("details", &[], |html| {
        html.element("summary", &[], |html| {
            html.text("Data, parameters, seed, code, and how to make it again")
        });
        html.element("dl", &[], |html| {
            term(html, "Task", |html| code(html, &task.id));
            term(html, "Tables", |html| tables(html, file, task));
            term(html, "Parameters", |html| {
                parameters(html, &task.parameters)
            });
            term(html, "Seed", |html| seeds(html, file, task));
            term(html, "Code", |html| code(html, &task.fingerprint));
            if let TaskState::Current {
                key,
                accepted_from,
                warnings,
                ..
            } = &task.state
            {
                if let Some(computed) = accepted_from.first() {
                    term(html, "Accepted", |html| {
                        html.text("for this code without being computed again; computed by ");
                        code(html, computed);
                    });
                }
                term(html, "Result", |html| code(html, key));
                for warning in warnings {
                    term(html, "Warning", |html| html.text(warning));
                }
            }
            term(html, "Make it alone", |html| {
                html.element("pre", &[("tabindex", "0")], |html| {
                    html.text(&run_command(file, task))
                });
            });
        });
    });
}

fn term(html: &mut Html, name: &str, description: impl FnOnce(&mut Html)) {
    html.element("div", &[], |html| {
        html.element("dt", &[], |html| html.text(name));
        html.element("dd", &[], description);
    });
}

fn code(html: &mut Html, text: &str) {
    html.element("code", &[], |html| html.text(text));
}

fn tables(html: &mut Html, file: &ReportFile, task: &ReportTask) {
    html.element("ul", &[], |html| {
        for input in &task.inputs {
            html.element("li", &[], |html| {
                html.text(&format!("{}: ", input.role));
                html.element(
                    "a",
                    &[("href", &format!("#{}", tasks::anchor(input.task)))],
                    |html| {
                        code(html, &input.file);
                    },
                );
                let state = &file.tasks[input.task].state;
                match &input.content {
                    Some(content) => {
                        html.text(", content ");
                        code(html, &content.short());
                    }
                    None => {
                        html.text(" ");
                        words::badge(html, words::state(state));
                    }
                }
            });
        }
    });
}

fn parameters(html: &mut Html, parameters: &Value) {
    match parameters.as_object() {
        Some(parameters) if !parameters.is_empty() => html.element("ul", &[], |html| {
            for (name, value) in parameters {
                html.element("li", &[], |html| code(html, &format!("{name} = {value}")));
            }
        }),
        _ => html.text("none"),
    }
}

/// Seeds of the tasks that the figure depends on and that use chance.
fn seeds(html: &mut Html, file: &ReportFile, task: &ReportTask) {
    let mut needed = BTreeSet::new();
    let mut left: Vec<usize> = task.inputs.iter().map(|input| input.task).collect();
    while let Some(index) = left.pop() {
        if needed.insert(index) {
            left.extend(file.tasks[index].inputs.iter().map(|input| input.task));
        }
    }
    let random = needed.into_iter().map(|index| &file.tasks[index]);
    let random: Vec<(&str, u64)> = random
        .filter_map(|task| Some((task.id.as_str(), task.seed?)))
        .collect();
    if let Some(seed) = task.seed {
        html.text(&format!("{seed}. "));
    } else {
        html.text("Drawing uses no chance. ");
    }
    if random.is_empty() {
        html.text("Nothing that it was made from uses chance.");
        return;
    }
    html.text("It was made from tasks that do:");
    html.element("ul", &[("class", "many")], |html| {
        for (id, seed) in random {
            html.element("li", &[], |html| {
                code(html, id);
                html.text(&format!(": {seed}"));
            });
        }
    });
}

/// Anchor of the figure of a task.
pub(super) fn anchor(task: usize) -> String {
    format!("figure-{task}")
}
