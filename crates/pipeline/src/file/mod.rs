//! Pipeline files: read, checked against what the stage programs say they can do, expanded to a [`Plan`].
//!
//! The way of a file: `syntax` turns TOML into values that know their place; `document` finds the task
//! tables; `table` checks each against its kind, with `check` for values, `axis` for sweeps and
//! `reference` for references; `link` resolves references, finds cycles and orders the tables;
//! `lower` turns each table into tasks, with `selection` for what a reference means and `sweep` for
//! products and joins; `fit` compares what the results are (`features`) with what their readers ask of them, `agree`
//! what is read together, and `sizes` follows numbers, such as sizes of images, from table to table.
//! Nothing stops at the first problem: all are collected and reported together as [`FileErrors`].

mod agreement;
mod axis;
mod check;
mod compatibility;
mod describe;
mod document;
mod error;
mod expand;
mod features;
mod label;
mod problem;
mod reference;
mod resolve;
mod selection;
mod sizes;
mod suggest;
mod sweep;
mod syntax;
mod table;

use std::io::Read;
use std::path::Path;

use eigenscope_artifact::regular;

use crate::plan::Plan;
use crate::programs::Programs;

pub use error::{FileError, FileErrors};
pub use problem::Problem;
pub use suggest::{closest, did_you_mean};

// What the other readers and printers of this crate share with this one.
pub(crate) use check::{fields, unknown_key};
pub(crate) use error::{Problems, named};
pub(crate) use label::{label_is, table_of};
pub(crate) use reference::{Located, Reference};
pub(crate) use selection::NOT_SWEPT;
pub(crate) use suggest::{listed, shorten};
pub(crate) use syntax::{Entry, Node, Raw, Span, document};
pub(crate) use table::reference;

/// Largest pipeline file that is read, in bytes.
pub const MAXIMUM_BYTES: u64 = 1 << 20;

/// Largest number of tasks that one table may give.
pub const MAXIMUM_TASKS_PER_TABLE: usize = 100_000;

/// Largest number of tasks in a plan.
pub const MAXIMUM_TASKS: usize = 1_000_000;

/// Largest number of inputs of all tasks of a plan.
pub const MAXIMUM_INPUTS: usize = 5_000_000;

/// Reads the pipeline file at `path`. The pipeline's name is the stem of the file name.
pub fn read(path: &Path, programs: &Programs) -> Result<Plan, FileErrors> {
    let text = read_text(path)?;
    let name = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default();
    parse(&name, path, &text, programs)
}

/// Reads the text of a pipeline file. `path` is only named in messages and in the plan.
pub fn parse(name: &str, path: &Path, text: &str, programs: &Programs) -> Result<Plan, FileErrors> {
    let mut problems = Problems::default();
    let plan = document::plan(name, path, text, programs, &mut problems);
    problems.finish(path, text, plan)
}

/// The text of the file at `path`, if it is not too long to be one of ours.
pub(crate) fn read_text(path: &Path) -> Result<String, FileErrors> {
    let fail = |problem| Err(FileErrors::whole_file(path, problem));
    let mut bytes = Vec::new();
    let read =
        regular::open(path).and_then(|file| file.take(MAXIMUM_BYTES + 1).read_to_end(&mut bytes));
    if let Err(source) = read {
        return fail(Problem::Unreadable(source));
    }
    if bytes.len() as u64 > MAXIMUM_BYTES {
        return fail(Problem::TooLong {
            limit: MAXIMUM_BYTES,
        });
    }
    String::from_utf8(bytes).or_else(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = error.as_bytes().iter().take(valid);
        fail(Problem::NotText {
            line: 1 + before.filter(|&&byte| byte == b'\n').count(),
        })
    })
}
