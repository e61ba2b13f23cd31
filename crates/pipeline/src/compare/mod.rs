//! Published numbers against ours: a file of expectations, read and checked, then one verdict for each.
//!
//! The file stands beside the pipeline file ([`beside`]) and is checked against the plan, so a number that
//! refers to nothing is a mistake of the file, while a table that has not been computed is a miss. Of the file of a pipeline that is
//! extended, numbers that refer to nothing are left out.

mod format;
mod published;
mod render;
mod table;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use eigenscope_artifact::KindName;
use serde::Serialize;

use eigenscope_plan::Plan;
use eigenscope_plan::file::{FileErrors, Problems, Sources, read_text};
use eigenscope_plan::label::table_of;

pub use published::{Aggregate, Condition, Expected, Published, PublishedNumber};
pub use render::text;
pub(crate) use render::{Numbers, TITLE, reference_head};
use table::Found;

/// One published number and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    pub name: String,
    pub source: String,
    /// The published number or bounds.
    pub published: Expected,
    /// Our number; `None` if there is none.
    pub ours: Option<f64>,
    /// Ours minus the published value, or minus the nearer bound.
    pub difference: Option<f64>,
    /// Largest absolute difference from a published value; `None` for bounds.
    pub tolerance: Option<f64>,
    /// What is known of a difference.
    pub note: Option<String>,
    /// Whether it holds; in JSON the reason of a missing number stands beside it.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Table rows that our number was made from.
    pub rows_used: usize,
}

/// A whole comparison, as programs read it.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    /// What the numbers are, where their file says so.
    pub title: Option<&'a str>,
    /// Whether all published numbers are reproduced.
    pub holds: bool,
    pub rows: &'a [Row],
}

impl<'a> Report<'a> {
    /// The comparison that these rows are.
    pub fn new(published: &'a Published, rows: &'a [Row]) -> Self {
        Self {
            title: published.title.as_deref(),
            holds: rows.iter().all(|row| row.verdict.holds()),
            rows,
        }
    }
}

/// Outcome of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "verdict", content = "reason")]
pub enum Verdict {
    /// Our number is within the tolerance or bounds.
    Ok,
    /// It is not.
    Off,
    /// There is no number of ours, and why. Counts as off.
    Missing(String),
}

impl Verdict {
    /// Returns whether the published number is reproduced.
    pub fn holds(&self) -> bool {
        *self == Verdict::Ok
    }
}

/// Ending of a file of published numbers.
pub(crate) const ENDING: &str = "published.toml";

/// The file of published numbers of a pipeline: `paper.toml` has `paper.published.toml`. A pipeline without one has that of the
/// pipeline that it extends.
pub fn beside(plan: &Plan) -> PathBuf {
    plan.beside(ENDING)
}

/// The file of published numbers of the pipeline itself.
pub fn own(plan: &Plan) -> PathBuf {
    plan.own_beside(ENDING)
}

/// Reads a file of published numbers and checks it against the plan.
pub fn read(path: &Path, plan: &Plan) -> Result<Published, FileErrors> {
    parse(path, &read_text(path)?, plan)
}

/// Reads the text of a file of published numbers. `path` is only named in messages.
pub fn parse(path: &Path, text: &str, plan: &Plan) -> Result<Published, FileErrors> {
    let mut problems = Problems::default();
    let sources = Sources::of(path, text);
    let is_inherited = plan.inherits(path, ENDING);
    let published = format::published(text, plan, is_inherited, &mut problems);
    problems.finish(&sources, published)
}

/// Compares every published number with the tables that `locate` finds: the file of an output of a task,
/// `None` if it has not been computed.
pub fn compare(
    plan: &Plan,
    published: &Published,
    locate: &dyn Fn(usize, &KindName) -> Option<PathBuf>,
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
    locate: &dyn Fn(usize, &KindName) -> Option<PathBuf>,
) -> Row {
    let mut rows_used = 0;
    let ours = values(plan, number, locate).and_then(|values| {
        rows_used = values.len();
        if number.aggregate == Aggregate::Mean {
            check_average(&values)?;
        }
        let values: Vec<f64> = values.into_iter().map(|found| found.value).collect();
        number.aggregate.of(&values)
    });
    let (ours, verdict) = match ours {
        Ok(ours) if number.expected.accepts(ours) => (Some(ours), Verdict::Ok),
        Ok(ours) => (Some(ours), Verdict::Off),
        Err(reason) => (None, Verdict::Missing(reason)),
    };
    Row {
        name: number.name.clone(),
        source: number.source.clone(),
        published: number.expected,
        ours,
        difference: ours.map(|ours| number.expected.difference(ours)),
        tolerance: number.expected.tolerance(),
        note: number.note.clone(),
        verdict,
        rows_used,
    }
}

/// Label that a mean may be taken over.
const SEED: &str = "seed";

/// Refuses a mean over rows that differ in more than the seed.
fn check_average(values: &[Found]) -> Result<(), String> {
    let Some(first) = values.first() else {
        return Ok(());
    };
    let names = values.iter().flat_map(|found| found.labels.keys());
    let names: BTreeSet<&String> = names.filter(|name| *name != SEED).collect();
    let differ = names.into_iter().filter(|name| {
        let differs = |found: &Found| found.labels.get(*name) != first.labels.get(*name);
        values.iter().any(differs)
    });
    match differ.map(|name| format!("`{name}`")).collect::<Vec<_>>() {
        names if names.is_empty() => Ok(()),
        names => Err(format!(
            "the {} rows differ in {}, and a mean is taken over seeds only: choose a value in `where`",
            values.len(),
            names.join(" and ")
        )),
    }
}

/// The values of the column in all rows of all tasks that the conditions accept, with their labels.
fn values(
    plan: &Plan,
    number: &PublishedNumber,
    locate: &dyn Fn(usize, &KindName) -> Option<PathBuf>,
) -> Result<Vec<Found>, String> {
    let reference = &number.reference;
    let tasks = plan.tasks.iter().enumerate().filter(|(_, task)| {
        table_of(&task.id) == reference.table
            && reference.accepts(&task.labels)
            && task.outputs.contains(&number.kind)
    });
    let labels: BTreeSet<&str> = plan
        .tasks
        .iter()
        .flat_map(|task| task.labels.keys().map(String::as_str))
        .collect();
    let mut values = Vec::new();
    let mut known = false;
    for (index, task) in tasks {
        known = true;
        let path = locate(index, &number.kind)
            .ok_or_else(|| format!("`{}` has not been computed", task.id))?;
        let found = table::rows(&path, number, &task.labels, &labels);
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
