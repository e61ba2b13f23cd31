//! Pipeline files: read, checked against what the stage programs say they can do, expanded to a [`Plan`].
//!
//! `content` reads the task tables of a file and of those that it extends, with the blocks that `repeat` writes out; `style` gives
//! tables of figures what all of them take; `document` leads them through the rest: `table` checks each against its kind, with `axis`
//! for sweeps; `former_ids` checks the ids under which renamed tables were first computed; `sections` reads the sentences for headings;
//! `resolve` resolves references, finds cycles and orders the tables; `expand` turns each table into tasks, with `selection` for the
//! tasks that a reference means, `sweep` for products and joins and `pattern` for the tasks themselves; `examine` asks the programs
//! about tasks that their descriptions say too little about; `device` says where each task computes; `compatibility` compares what
//! results are (`features`) with what their readers need, `labels` the labels that parameters name with those of what is read, `agreement`
//! what is read together, and `sizes` follows numbers, such as sizes of images, from table to table. `rename` finds the places of a file that say a table's id. Nothing stops at the first error: all are
//! reported together as [`FileErrors`].

mod agreement;
mod axis;
mod compatibility;
mod content;
mod device;
mod document;
mod examine;
mod expand;
mod features;
mod former_ids;
mod labels;
mod pattern;
pub mod rename;
mod repeat;
mod resolve;
mod sections;
mod selection;
mod sizes;
mod style;
mod sweep;
mod table;

use std::path::Path;

use crate::file::{FileErrors, Problems, Sources, read_text};
use crate::plan::Plan;
use crate::programs::Programs;
use crate::progress::Progress;

pub use content::{EditedFiles, installed_pipelines};
pub use selection::NOT_SWEPT;

/// Reads the pipeline file at `path`. The pipeline's name is the stem of the file name.
///
/// # Errors
/// Everything that is wrong with the file.
pub fn read(path: &Path, programs: &Programs) -> Result<Plan, FileErrors> {
    read_showing(path, programs, &Progress::default())
}

/// As [`read`], counting the tasks.
///
/// # Errors
/// As there.
pub fn read_showing(
    path: &Path,
    programs: &Programs,
    progress: &Progress,
) -> Result<Plan, FileErrors> {
    let text = read_text(path)?;
    let name = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default();
    parse_showing(&name, path, &text, &EditedFiles::new(), programs, progress)
}

/// Reads the text of a pipeline file, and from its folder the files that it extends. `path` is named in messages and in the
/// plan; nothing is read there.
///
/// # Errors
/// Everything that is wrong with the text.
pub fn parse(name: &str, path: &Path, text: &str, programs: &Programs) -> Result<Plan, FileErrors> {
    parse_edited(name, path, text, &EditedFiles::new(), programs)
}

/// As [`parse`], where files that the text extends will have the texts in `edited`.
///
/// # Errors
/// As there.
pub fn parse_edited(
    name: &str,
    path: &Path,
    text: &str,
    edited: &EditedFiles,
    programs: &Programs,
) -> Result<Plan, FileErrors> {
    parse_showing(name, path, text, edited, programs, &Progress::default())
}

fn parse_showing(
    name: &str,
    path: &Path,
    text: &str,
    edited: &EditedFiles,
    programs: &Programs,
    progress: &Progress,
) -> Result<Plan, FileErrors> {
    let mut problems = Problems::default();
    let mut sources = Sources::default();
    let file = document::File {
        name,
        path,
        text,
        edited,
    };
    let plan = document::plan(file, programs, progress, &mut sources, &mut problems);
    problems.finish(&sources, plan)
}
