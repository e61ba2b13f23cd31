//! A plan: every task of a pipeline with its parameters and inputs, in an order in which they can run.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use eigenscope_artifact::KindName;
use eigenscope_stage::{Device, Resources, Stage};
use serde_json::Value;

use crate::label::{Labels, table_of};

/// Largest number of tasks in a plan; they take about 2 KB of memory each.
pub const MAXIMUM_TASKS: usize = 2_000_000;

/// Largest number of inputs of all tasks of a plan.
pub const MAXIMUM_INPUTS: usize = 10_000_000;

/// What code consists of: source files and outside packages, each with its digest.
pub type CodeParts = BTreeMap<String, String>;

/// All tasks of a pipeline file, inputs before the tasks that read them.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Name of the pipeline: the stem of its file.
    pub name: String,
    pub file: PathBuf,
    /// The pipeline files that it extends, the nearest first.
    pub extended: Vec<PathBuf>,
    /// What the file says about it, free text; empty for nothing.
    pub description: String,
    /// What it says about the headings of tables ([`PlannedTask::heading`]), of those that it says something about.
    pub sections: BTreeMap<String, String>,
    /// What the code behind every [`PlannedTask::fingerprint`] consists of.
    pub code: BTreeMap<String, CodeParts>,
    /// The tasks. [`PlannedInput::task`] is an index into this list and always points backwards.
    pub tasks: Vec<PlannedTask>,
}

impl Plan {
    /// The file with another ending beside the pipeline file or, if there is none, beside the nearest file that it extends and
    /// that has one: `digits.lock` for `digits.toml`.
    pub fn beside(&self, ending: &str) -> PathBuf {
        let own = self.own_beside(ending);
        let extended = self.extended.iter();
        let mut files = extended.map(|file| file.with_extension(ending));
        match own.exists() {
            true => own,
            false => files.find(|file| file.exists()).unwrap_or(own),
        }
    }

    /// The file with another ending beside the pipeline file itself.
    pub fn own_beside(&self, ending: &str) -> PathBuf {
        self.file.with_extension(ending)
    }

    /// Returns whether a file with this ending stands beside a file that the pipeline extends: it may speak of what this one has not.
    pub fn inherits(&self, path: &Path, ending: &str) -> bool {
        let mut extended = self.extended.iter();
        extended.any(|file| file.with_extension(ending) == path)
    }

    /// First and present ids of renamed tasks that a reader of the stage `reader` needs beside the id of its input `source`: of the
    /// source, and, for a figure, of what that was made from, as titles name both. None for readers that know first ids only.
    pub fn renamed(&self, reader: Stage, source: &PlannedTask) -> BTreeMap<String, String> {
        let origins: &[PlannedInput] = match reader {
            Stage::Data | Stage::Train | Stage::Model | Stage::Decompose => return BTreeMap::new(),
            Stage::Metric => &[],
            Stage::Figure => &source.inputs,
        };
        let origins = origins.iter().map(|input| &self.tasks[input.task]);
        let renamed = std::iter::once(source).chain(origins);
        renamed
            .filter(|task| task.formerly.is_some())
            .map(|task| (task.first_id().into_owned(), task.id.clone()))
            .collect()
    }
}

/// A task of a plan. Tasks are many, so what several of them have in common is in memory once.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedTask {
    /// Readable id, such as `train.bilinear[hidden=300,seed=2]`.
    pub id: String,
    /// The table, such as `train.old`, under which its own was first computed, if it has been renamed since.
    pub formerly: Option<Arc<str>>,
    /// Stage, and so the program that runs it.
    pub stage: Stage,
    /// Name of the task kind.
    pub kind: Arc<str>,
    /// Values of its swept parameters and of those of what it reads one by one, by name.
    pub labels: Arc<Labels>,
    /// All parameters, defaults included (a JSON object, keys sorted).
    pub parameters: Arc<Value>,
    /// Seed of its random streams: the one given, else derived from the pipeline's seed and the [first id](Self::first_id); 0 where
    /// chance plays no part.
    pub seed: u64,
    /// Whether chance plays a part and no seed was given.
    pub seed_is_derived: bool,
    pub random: bool,
    /// The heading that a report shows it under.
    pub heading: Option<Arc<str>>,
    /// What it needs while it runs.
    pub resources: Resources,
    /// What it computes on.
    pub device: TaskDevice,
    /// Digest of the code that computes it.
    pub fingerprint: Arc<str>,
    /// What it reads, by role in the order of the description, within a role in pipeline order.
    pub inputs: Vec<PlannedInput>,
    pub outputs: Arc<[KindName]>,
    /// Warnings that follow from the pipeline file.
    pub warnings: Vec<String>,
    /// Whether a file of the user's that the task needs is not there or cannot be used, so that only what is stored of it can be used.
    pub lacks_file: bool,
}

/// What a task computes on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TaskDevice {
    /// Where it computes if it has to.
    pub computes: Device,
    /// Another device, whose results are up to date as well.
    pub accepts: Option<Device>,
    /// Memory of a card that it needs there, in MiB.
    pub card_memory_mib: u64,
}

impl PlannedTask {
    /// The table of the pipeline file that it comes from, such as `train.bilinear`.
    pub fn table(&self) -> &str {
        table_of(&self.id)
    }

    /// The id under which it was first computed, which its results and its seed are known by: its id, unless its table was renamed.
    pub fn first_id(&self) -> Cow<'_, str> {
        match &self.formerly {
            Some(formerly) => Cow::Owned(format!("{formerly}{}", &self.id[self.table().len()..])),
            None => Cow::Borrowed(&self.id),
        }
    }

    /// The id by which a reader of the stage `reader` knows this task. Tables of metrics and figures hold names of what they read, so
    /// these are the present ones. Other results hold none: their readers go on with the first id, and need not be computed again.
    pub fn id_for(&self, reader: Stage) -> Cow<'_, str> {
        match Self::shows_names(reader) {
            true => Cow::Borrowed(&self.id),
            false => self.first_id(),
        }
    }

    /// Returns whether results of a stage may hold names of what they were made from.
    pub fn shows_names(stage: Stage) -> bool {
        match stage {
            Stage::Metric | Stage::Figure => true,
            Stage::Data | Stage::Train | Stage::Model | Stage::Decompose => false,
        }
    }
}

/// An output of another task that a task reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedInput {
    pub role: Arc<str>,
    /// Index of the task that makes it.
    pub task: usize,
    /// Which of that task's outputs.
    pub kind: Arc<KindName>,
}

/// For each task of the plan, whether one of `targets` is or needs it.
pub fn needed(plan: &Plan, targets: &[usize]) -> Vec<bool> {
    let mut needed = vec![false; plan.tasks.len()];
    for &target in targets {
        if let Some(slot) = needed.get_mut(target) {
            *slot = true;
        }
    }
    for (index, task) in plan.tasks.iter().enumerate().rev() {
        if needed[index] {
            for input in &task.inputs {
                needed[input.task] = true;
            }
        }
    }
    needed
}
