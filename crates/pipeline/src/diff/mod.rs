//! Two states of results side by side: what was asked for, and what came out.
//!
//! A [`Side`] is what a pipeline file asks for now, or what there was after a run. Tasks are matched by their first ids, as a table may have
//! the name that another one had before. What differs in a task is told from its key inputs, as a survey does it; numbers are compared where
//! both sides have results.

mod numbers;
mod revision;
mod side;

use std::path::PathBuf;

use eigenscope_artifact::{ArtifactError, KindName, SVG};
use eigenscope_plan::label::table_of;
use serde::Serialize;

pub use numbers::{LeftOut, NumberChange};
pub use revision::{RevisionError, RevisionFile};
pub use side::{Side, UnknownRun};

use crate::store::{Key, Record, Store};
use crate::survey::{Reason, compare_key_inputs};
use side::SideTask;

/// How two sides differ.
#[derive(Debug, Serialize)]
pub struct Diff {
    /// Name of the first side.
    pub before: String,
    /// Name of the second side.
    pub after: String,
    /// Tasks that only the first side has.
    pub only_before: Vec<String>,
    /// Tasks that only the second side has.
    pub only_after: Vec<String>,
    /// Tasks of both sides that differ in anything.
    pub tasks: Vec<TaskChange>,
    /// How many tasks differ in nothing and have results.
    pub equal: usize,
    /// Numbers of metrics that differ.
    pub numbers: Vec<NumberChange>,
    /// What of metrics that differ was not compared.
    pub left_out: Vec<LeftOut>,
    /// Figures that look different.
    pub figures: Vec<FigureChange>,
}

/// A task that differs.
#[derive(Debug, Serialize)]
pub struct TaskChange {
    /// Its id.
    pub task: String,
    /// What differs in the task itself; empty if only what it reads does.
    pub causes: Vec<String>,
    /// What has become of its results.
    pub results: Results,
}

/// What has become of the results of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Results {
    /// Every output has the same content.
    Equal,
    Differ,
    /// The first side has none, or none that is up to date.
    MissingBefore,
    /// The second side has none, or none that is up to date.
    MissingAfter,
    MissingOnBoth,
}

/// A figure on both sides.
#[derive(Debug, Serialize)]
pub struct FigureChange {
    /// Task that draws it.
    pub task: String,
    /// The SVG of the first side.
    pub before: PathBuf,
    /// The SVG of the second side.
    pub after: PathBuf,
}

impl Diff {
    /// Compares two sides, whose results are in `store`.
    ///
    /// # Errors
    /// A table cannot be read.
    pub fn new(before: &Side, after: &Side, store: &Store) -> Result<Self, ArtifactError> {
        let mut diff = Self {
            before: before.name.clone(),
            after: after.name.clone(),
            only_before: before.without(after),
            only_after: after.without(before),
            tasks: Vec::new(),
            equal: 0,
            numbers: Vec::new(),
            left_out: Vec::new(),
            figures: Vec::new(),
        };
        let mut pairs = Vec::new();
        for (id, one, other) in before.pairs(after) {
            let results = results(one, other);
            let causes = causes(one, other);
            if causes.is_empty() && results == Results::Equal {
                diff.equal += 1;
                continue;
            }
            let both = one.result.as_ref().zip(other.result.as_ref());
            if let (Results::Differ, Some((one, other))) = (results, both) {
                match one.1.key_inputs.kind.split_once('/') {
                    Some(("metric", _)) => pairs.push((id, one, other)),
                    Some(("figure", _)) => diff.figures.extend(figure(id, one, other, store)),
                    _ => {}
                }
            }
            diff.tasks.push(TaskChange {
                task: id.to_owned(),
                causes: causes.iter().map(ToString::to_string).collect(),
                results,
            });
        }
        for (side, only, results) in [
            (before, &mut diff.only_after, Results::MissingBefore),
            (after, &mut diff.only_before, Results::MissingAfter),
        ] {
            if side.is_whole {
                continue;
            }
            diff.tasks.extend(only.drain(..).map(|task| TaskChange {
                task,
                causes: Vec::new(),
                results,
            }));
        }
        // Those of a table stand together.
        pairs.sort_by_key(|(id, ..)| table_of(id));
        for of_table in pairs.chunk_by(|(one, ..), (other, ..)| table_of(one) == table_of(other)) {
            let numbers = numbers::of_table(of_table, store, &mut diff.left_out)?;
            diff.numbers.extend(numbers);
        }
        Ok(diff)
    }

    /// Returns whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.only_before.is_empty() && self.only_after.is_empty() && self.tasks.is_empty()
    }
}

/// What differs in a task itself.
fn causes(before: &SideTask, after: &SideTask) -> Vec<Reason> {
    let complete = before.is_complete && after.is_complete;
    let mut reasons = compare_key_inputs(&before.key_inputs, &after.key_inputs, complete);
    let follows = |reason: &Reason| {
        matches!(
            reason,
            Reason::InputChanged { .. } | Reason::InputsReordered
        )
    };
    reasons.retain(|reason| !follows(reason));
    // All tasks of a table are renamed alike.
    for reason in &mut reasons {
        if let Reason::TaskRenamed { old, new } = reason {
            for id in [old, new] {
                *id = table_of(id).to_owned();
            }
        }
    }
    let mut known = Vec::new();
    reasons.retain(|reason| {
        let is_new = !known.contains(reason);
        known.push(reason.clone());
        is_new
    });
    reasons
}

fn results(before: &SideTask, after: &SideTask) -> Results {
    match (&before.result, &after.result) {
        (Some((_, before)), Some((_, after))) => {
            let contents = |record: &Record| -> Vec<_> {
                let outputs = record.outputs.iter();
                outputs
                    .map(|(kind, output)| (kind.clone(), output.content))
                    .collect()
            };
            match contents(before) == contents(after) {
                true => Results::Equal,
                false => Results::Differ,
            }
        }
        (None, Some(_)) => Results::MissingBefore,
        (Some(_), None) => Results::MissingAfter,
        (None, None) => Results::MissingOnBoth,
    }
}

/// A result: its key and record.
type Made = (Key, Record);

fn figure(id: &str, before: &Made, after: &Made, store: &Store) -> Option<FigureChange> {
    let svg = KindName::from(SVG);
    let (one, other) = (before.1.outputs.get(&svg)?, after.1.outputs.get(&svg)?);
    (one.content != other.content).then(|| FigureChange {
        task: id.to_owned(),
        before: store.output(before.0, &svg),
        after: store.output(after.0, &svg),
    })
}
