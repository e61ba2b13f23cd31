//! The page of a pipeline: one HTML file with all figures, their provenance, and the comparison with published numbers. It
//! makes no request and cannot make one (see the module `script`).
//!
//! Equal results give equal pages: a page contains no time and no name of a machine.

mod comparison;
mod error;
mod figures;
mod graph;
mod html;
mod script;
mod tasks;
mod words;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use eigenscope_artifact::atomic;
use eigenscope_report_file::ReportFile;
use eigenscope_stage::TaskError;

pub use error::PageError;
use figures::FigureOfTask;
use html::Html;
use script::Scripts;

use eigenscope_figure::text::{FAMILY, MEDIUM, REGULAR};

const STYLE: &str = include_str!("../../assets/page/page.css");

/// Writes the page of a pipeline. An existing file is replaced atomically.
///
/// # Errors
/// [`PageError`], and a file that cannot be written.
pub fn write(file: &ReportFile) -> Result<(), TaskError> {
    let text = page(file)?;
    Ok(atomic::write_file(&file.output, text.as_bytes())?)
}

/// The page as text.
///
/// # Errors
/// [`PageError`].
pub fn page(file: &ReportFile) -> Result<String, PageError> {
    if let Some(contradiction) = contradiction(file) {
        return Err(PageError::Inconsistent(contradiction));
    }
    let figures = figures::read(file)?;
    let scripts = Scripts::load()?;
    let mut html = Html::document();
    html.element("html", &[("lang", "en")], |html| {
        html.element("head", &[], |html| head(html, file, &scripts));
        html.element("body", &[], |html| {
            html.element("a", &[("class", "skip"), ("href", "#contents")], |html| {
                html.text("Skip to the contents");
            });
            header(html, file);
            html.element("div", &[("class", "columns")], |html| {
                contents(html, file, &figures);
                html.element("main", &[("id", "main")], |html| {
                    comparison::write(html, file);
                    figures::write(html, file, &figures);
                    graph::write(html, file);
                    tasks::write(html, file);
                });
            });
            footer(html, &scripts);
            scripts.write(html);
        });
    });
    Ok(html.finish())
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

fn head(html: &mut Html, file: &ReportFile, scripts: &Scripts) {
    html.void("meta", &[("charset", "utf-8")]);
    let policy = scripts.policy();
    html.void(
        "meta",
        &[
            ("http-equiv", "Content-Security-Policy"),
            ("content", &policy),
        ],
    );
    html.void(
        "meta",
        &[
            ("name", "viewport"),
            ("content", "width=device-width, initial-scale=1"),
        ],
    );
    html.void(
        "meta",
        &[("name", "color-scheme"), ("content", "light dark")],
    );
    // Without an icon, browsers request one from the server of the page.
    html.void("link", &[("rel", "icon"), ("href", "data:,")]);
    html.element("title", &[], |html| {
        html.text(&format!("{} – eigenscope report", file.pipeline))
    });
    html.element("style", &[], |html| {
        html.trusted(&fonts());
        html.trusted(STYLE);
    });
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

fn header(html: &mut Html, file: &ReportFile) {
    html.element("header", &[], |html| {
        html.element("div", &[], |html| {
            html.element("h1", &[], |html| html.text(&file.pipeline));
            if !file.description.is_empty() {
                html.element("p", &[], |html| html.text(&file.description));
            }
            html.element("p", &[("class", "summary")], |html| {
                html.text(&words::summary(file))
            });
        });
        html.element(
            "button",
            &[("type", "button"), ("id", "theme"), ("hidden", "")],
            |html| html.text("Dark"),
        );
    });
}

fn contents(html: &mut Html, file: &ReportFile, figures: &[FigureOfTask<'_>]) {
    let attributes = [
        ("id", "contents"),
        ("aria-label", "Contents"),
        ("tabindex", "-1"),
    ];
    html.element("nav", &attributes, |html| {
        html.element("h2", &[], |html| html.text("Contents"));
        html.element("ul", &[], |html| {
            html.element("li", &[], |html| {
                link(html, "#published", "Published against ours")
            });
            html.element("li", &[], |html| {
                link(html, "#figures", "Figures");
                html.element("ol", &[], |html| {
                    for figure in figures {
                        html.element("li", &[], |html| entry(html, file, figures, figure));
                    }
                });
            });
            html.element("li", &[], |html| link(html, "#graph", "Graph"));
            html.element("li", &[], |html| link(html, "#tasks", "All tasks"));
        });
    });
}

/// A link to a figure by its title, followed by its name if several figures have the same title.
fn entry(
    html: &mut Html,
    file: &ReportFile,
    figures: &[FigureOfTask<'_>],
    figure: &FigureOfTask<'_>,
) {
    let title = figure.title();
    let same = figures.iter().filter(|other| other.title() == title);
    let text = match same.count() {
        1 => title.to_owned(),
        _ => format!("{title} ({})", figure.name),
    };
    link(html, &format!("#{}", figure.anchor()), &text);
    if !figure.is_current() {
        html.text(" ");
        words::badge(html, words::state(&file.tasks[figure.task].state));
    }
}

fn link(html: &mut Html, href: &str, text: &str) {
    html.element("a", &[("href", href)], |html| html.text(text));
}

fn footer(html: &mut Html, scripts: &Scripts) {
    html.element("footer", &[], |html| {
        html.element("p", &[], |html| {
            html.text(&format!(
                "Written by eigenscope {}. Figures are drawn by {} (MIT licence), which is part of this file. The file \
                 makes no request; it holds no time and no name of a machine, so equal results give an equal file.",
                env!("CARGO_PKG_VERSION"),
                scripts.library()
            ));
        });
    });
}
