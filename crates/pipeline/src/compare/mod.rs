//! Published numbers against ours: a file of expectations, read and checked, then one verdict for each.
//!
//! The file stands beside the pipeline file ([`beside`]) and is checked against the plan, so a number that
//! refers to nothing is a mistake of the file, while a table that has not been computed is a miss.

mod format;
mod published;
mod render;
mod table;

use std::path::{Path, PathBuf};

use eigenscope_artifact::Kind;
use serde::Serialize;

use crate::file::{FileErrors, Problems, read_text, table_of};
use crate::plan::Plan;

pub use published::{Aggregate, Condition, Expected, Published, PublishedNumber};
pub(crate) use render::Numbers;
pub use render::text;

/// One published number and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// What it is.
    pub name: String,
    /// Where it was published.
    pub source: String,
    /// The published number or bounds.
    pub published: Expected,
    /// Our number; `None` if there is none.
    pub ours: Option<f64>,
    /// Ours minus the published value, or minus the nearer bound.
    pub difference: Option<f64>,
    /// Largest absolute difference from a published value; `None` for bounds.
    pub tolerance: Option<f64>,
    /// Whether it holds; in JSON the reason of a missing number stands beside it.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Table rows that our number was made from.
    pub rows_used: usize,
}

/// A whole comparison, as programs read it.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    /// Whether all published numbers are reproduced.
    pub holds: bool,
    /// One for each number.
    pub rows: &'a [Row],
}

impl<'a> Report<'a> {
    /// The comparison that these rows are.
    pub fn new(rows: &'a [Row]) -> Self {
        let holds = rows.iter().all(|row| row.verdict.holds());
        Self { holds, rows }
    }
}

/// Outcome of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "verdict", content = "reason")]
pub enum Verdict {
    /// Our number is within the tolerance or bounds.
    Within,
    /// It is not.
    Miss,
    /// There is no number of ours, and why. Counts as a miss.
    Missing(String),
}

impl Verdict {
    /// Whether the published number is reproduced.
    pub fn holds(&self) -> bool {
        *self == Verdict::Within
    }
}

/// The file of published numbers of a pipeline file: `paper.toml` has `paper.published.toml`.
pub fn beside(pipeline: &Path) -> PathBuf {
    pipeline.with_extension("published.toml")
}

/// Reads a file of published numbers and checks it against the plan.
pub fn read(path: &Path, plan: &Plan) -> Result<Published, FileErrors> {
    parse(path, &read_text(path)?, plan)
}

/// Reads the text of a file of published numbers. `path` is only named in messages.
pub fn parse(path: &Path, text: &str, plan: &Plan) -> Result<Published, FileErrors> {
    let mut problems = Problems::default();
    let published = format::published(text, plan, &mut problems);
    problems.finish(path, text, published)
}

/// Compares every published number with the tables that `locate` finds: the file of an output of a task,
/// `None` if it has not been computed.
pub fn compare(
    plan: &Plan,
    published: &Published,
    locate: &dyn Fn(usize, Kind) -> Option<PathBuf>,
) -> Vec<Row> {
    published
        .numbers
        .iter()
        .map(|number| row(plan, number, locate))
        .collect()
}

fn row(
    plan: &Plan,
    number: &PublishedNumber,
    locate: &dyn Fn(usize, Kind) -> Option<PathBuf>,
) -> Row {
    let mut rows_used = 0;
    let ours = column(plan, number, locate).and_then(|values| {
        rows_used = values.len();
        number.aggregate.of(&values)
    });
    let (ours, verdict) = match ours {
        Ok(ours) if number.expected.accepts(ours) => (Some(ours), Verdict::Within),
        Ok(ours) => (Some(ours), Verdict::Miss),
        Err(reason) => (None, Verdict::Missing(reason)),
    };
    Row {
        name: number.name.clone(),
        source: number.source.clone(),
        published: number.expected,
        ours,
        difference: ours.map(|ours| number.expected.difference(ours)),
        tolerance: number.expected.tolerance(),
        verdict,
        rows_used,
    }
}

/// The values of the column in all rows of all tasks that the conditions accept.
fn column(
    plan: &Plan,
    number: &PublishedNumber,
    locate: &dyn Fn(usize, Kind) -> Option<PathBuf>,
) -> Result<Vec<f64>, String> {
    let reference = &number.reference;
    let tasks = plan.tasks.iter().enumerate().filter(|(_, task)| {
        table_of(&task.id) == reference.table
            && reference.accepts(&task.labels)
            && task.outputs.contains(&number.kind)
    });
    let mut values = Vec::new();
    let mut known = false;
    for (index, task) in tasks {
        known = true;
        let path = locate(index, number.kind)
            .ok_or_else(|| format!("`{}` has not been computed", task.id))?;
        let found = table::column(&path, number.kind, &number.column, &number.conditions);
        values.extend(found.map_err(|reason| format!("`{}`: {reason}", task.id))?);
    }
    if !known {
        return Err(format!("the plan has no task `{reference}`"));
    }
    if values.is_empty() {
        let conditions: Vec<String> = number.conditions.iter().map(Condition::to_string).collect();
        return Err(match conditions.as_slice() {
            [] => format!("`{reference}` has no rows"),
            _ => format!("`{reference}` has no row with {}", conditions.join(" and ")),
        });
    }
    Ok(values)
}
