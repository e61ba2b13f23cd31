//! A report as a folder: an index and a page for each figure, which share the scripts and the style beside them.
//!
//! Links and scripts are addresses relative to the folder, so it works from a disk as from a server.

use std::path::Path;

use askama::Template;
use eigenscope_artifact::ArtifactError;
use eigenscope_report_file::ReportFile;
use eigenscope_stage::TaskError;

use super::error::PageError;
use super::figures::FigureOfTask;
use super::{Page, STYLE, VERSION, anchors, figures, script, sources, words};

/// Names in the folder.
const FIGURES: &str = "figures";
const INDEX: &str = "index.html";

/// A page with one figure.
#[derive(Template)]
#[template(path = "single.html")]
struct Single<'a> {
    file: &'a ReportFile,
    figure: &'a FigureOfTask<'a>,
    previous: Option<&'a FigureOfTask<'a>>,
    next: Option<&'a FigureOfTask<'a>>,
    library: &'a str,
}

impl Single<'_> {
    fn sources(&self) -> std::io::Result<Vec<(String, String)>> {
        sources::texts(self.file, std::iter::once(self.figure.task))
    }
}

/// Address of a figure's page in the index.
pub(super) fn address(figure: &FigureOfTask<'_>) -> String {
    format!("{FIGURES}/{}.html", figure.anchor)
}

/// Writes the folder, which does not exist yet and which nobody reads before all of it is there.
pub(super) fn write(mut page: Page<'_>) -> Result<(), TaskError> {
    let folder = &page.file.output;
    let failed = |path: &Path, source| ArtifactError::io("write", path, source);
    let figures = folder.join(FIGURES);
    std::fs::create_dir_all(&figures).map_err(|source| failed(&figures, source))?;
    let put = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|source| failed(&path, source))
    };
    put("plotly.js", &page.scripts.library)?;
    put("page.js", &script::with_fonts(&page.fonts))?;
    put("page.css", &format!("{}{STYLE}", page.fonts))?;
    put(INDEX, &page.render().map_err(PageError::from)?)?;
    for figure in &mut page.figures {
        figure.index = "../index.html";
    }
    for (index, figure) in page.figures.iter().enumerate() {
        let single = Single {
            file: page.file,
            figure,
            previous: index
                .checked_sub(1)
                .and_then(|before| page.figures.get(before)),
            next: page.figures.get(index + 1),
            library: page.scripts.name_of_library(),
        };
        put(&address(figure), &single.render().map_err(PageError::from)?)?;
    }
    Ok(())
}
