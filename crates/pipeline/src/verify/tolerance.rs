//! Tolerances: how far values computed on different kinds of machine may be apart.
//!
//! Without a rule, whole numbers, texts and bytes must be equal, and a fraction may differ by [`RELATIVE`] of the largest
//! absolute value of its column. `PIPELINE.tolerances.toml` beside the pipeline file says where that is not enough, and why:
//!
//! ```toml
//! [[tolerance]]
//! tasks = "train.cnn"              # a pattern as on the command line (default: all tasks)
//! columns = "history.*"            # artifact kind and column; * matches anything
//! relative = 0.1                   # of the largest absolute value of the column (default 0)
//! absolute = 0                     # in the unit of the column (default 0); `inf` accepts anything
//! fractions_only = true            # leave whole numbers, texts and bytes as they are (default false)
//! reason = "training amplifies the last bits of sums"
//! ```
//!
//! Of several rules that fit, the last counts. Both allowances add up.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use eigenscope_artifact::KindName;
use eigenscope_plan::Plan;
use eigenscope_plan::file::{
    FileError, FileErrors, Problems, Sources, deserialize, did_you_mean, read_text,
};
use eigenscope_plan::task_patterns::{PatternError, matches_glob, select};
use serde::{Deserialize, Serialize};
use toml::Spanned;

/// Default for fractions: ten times the largest difference seen between machines with AVX-512 and AVX2 where training does
/// not amplify it.
pub const RELATIVE: f64 = 1e-4;

/// How far two values may be apart: `absolute + relative * scale`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Tolerance {
    /// In the unit of the column.
    pub absolute: f64,
    /// Fraction of the largest absolute value of the column.
    pub relative: f64,
}

impl Tolerance {
    /// Returns whether any difference is allowed.
    pub(super) fn is_loose(&self) -> bool {
        self.absolute > 0.0 || self.relative > 0.0
    }

    /// Returns whether a difference is allowed. Numbers that are both not a number differ by 0.
    pub(super) fn allows(&self, difference: f64, scale: f64) -> bool {
        difference == 0.0 || difference <= self.absolute + self.relative * scale
    }
}

/// The tolerances of a pipeline.
#[derive(Debug, Clone, Default)]
pub struct Tolerances {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    tasks: BTreeSet<usize>,
    columns: String,
    fractions_only: bool,
    tolerance: Tolerance,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default)]
    tolerance: Vec<RawRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    tasks: Option<Spanned<String>>,
    columns: Spanned<String>,
    absolute: Option<Spanned<f64>>,
    relative: Option<Spanned<f64>>,
    #[serde(default)]
    fractions_only: bool,
    /// For people: nothing may be loosened without one.
    reason: Spanned<String>,
}

impl Tolerances {
    /// Ending of a file of tolerances.
    pub(crate) const ENDING: &str = "tolerances.toml";

    /// The file of tolerances of a pipeline: `digits.toml` has `digits.tolerances.toml`. A pipeline without one has that of the
    /// pipeline that it extends.
    pub fn beside(plan: &Plan) -> PathBuf {
        plan.beside(Self::ENDING)
    }

    /// Reads the file at `path` and checks it against the plan; without a file there are only the defaults.
    ///
    /// # Errors
    /// Everything that is wrong with the file.
    pub fn read(path: &Path, plan: &Plan) -> Result<Self, FileErrors> {
        if let Ok(false) = path.try_exists() {
            return Ok(Self::default());
        }
        Self::parse(path, &read_text(path)?, plan)
    }

    /// Reads the text of the file at `path` and checks it against the plan. Rules of an extended pipeline for tasks that this one does
    /// not have are left out.
    pub(crate) fn parse(path: &Path, text: &str, plan: &Plan) -> Result<Self, FileErrors> {
        let file: RawFile =
            deserialize(text).map_err(|error| FileErrors::one(path, text, error))?;
        let mut problems = Problems::default();
        let is_inherited = plan.inherits(path, Self::ENDING);
        let rules = file.tolerance.into_iter();
        let rules = rules.filter(|rule| !is_inherited || rule.applies(plan));
        let rules = rules
            .filter_map(|rule| rule.check(plan, &mut problems))
            .collect();
        problems.finish(&Sources::of(path, text), Self { rules })
    }

    /// The tolerance of a column of an output of a task. `exact`: its values are no fractions.
    pub(super) fn of(&self, task: usize, kind: &KindName, column: &str, exact: bool) -> Tolerance {
        let name = format!("{kind}.{column}");
        let mut rules = self.rules.iter().rev();
        let rule = rules.find(|rule| {
            !(exact && rule.fractions_only)
                && rule.tasks.contains(&task)
                && matches_glob(&name, &rule.columns)
        });
        rule.map_or(
            Tolerance {
                absolute: 0.0,
                relative: if exact { 0.0 } else { RELATIVE },
            },
            |rule| rule.tolerance,
        )
    }
}

impl RawRule {
    /// Returns whether the plan has tasks and outputs that the rule is about.
    fn applies(&self, plan: &Plan) -> bool {
        let pattern = self.tasks.as_ref().map(|tasks| tasks.as_ref().clone());
        let Ok(tasks) = select(plan, &[pattern.unwrap_or_else(|| "*".to_owned())]) else {
            return false;
        };
        let columns = self.columns.as_ref();
        let kind = columns.split_once('.').map_or(&**columns, |(kind, _)| kind);
        let tasks = tasks.into_iter().filter_map(|task| plan.tasks.get(task));
        let mut written = tasks.flat_map(|task| task.outputs.iter());
        written.any(|output| matches_glob(output.as_str(), kind))
    }

    fn check(self, plan: &Plan, problems: &mut Problems) -> Option<Rule> {
        let amount = |amount: Option<Spanned<f64>>, problems: &mut Problems| {
            let amount = amount.unwrap_or_else(|| Spanned::new(0..0, 0.0));
            if amount.as_ref() >= &0.0 {
                return Some(amount.into_inner());
            }
            problems.add(|| {
                FileError::new("out_of_bounds", "a tolerance is 0 or more")
                    .at(&amount.span(), "this amount")
            });
            None
        };
        let absolute = amount(self.absolute, problems);
        let relative = amount(self.relative, problems);
        if self.reason.as_ref().trim().is_empty() {
            problems.add(|| {
                FileError::new("no_reason", "the rule gives no reason")
                    .at(&self.reason.span(), "empty")
                    .help("say why the results may differ: nothing is loosened without a reason")
            });
        }
        let columns = self.columns.as_ref();
        let kind = columns.split_once('.').map_or(&**columns, |(kind, _)| kind);
        let written = plan.tasks.iter().flat_map(|task| task.outputs.iter());
        let written: BTreeSet<&str> = written.map(KindName::as_str).collect();
        if !kind.contains('*') && !written.contains(kind) {
            problems.add(|| {
                let message = format!("no task writes the artifact kind `{kind}`");
                FileError::new("unknown_kind", message)
                    .at(&self.columns.span(), "columns are written `kind.column`")
                    .help(did_you_mean("artifact kinds", kind, written))
            });
        }
        let pattern = match &self.tasks {
            Some(tasks) => tasks.as_ref().clone(),
            None => "*".to_owned(),
        };
        let tasks = match select(plan, &[pattern]) {
            Ok(tasks) => tasks,
            Err(error) => {
                let span = self.tasks.as_ref().map_or(0..0, Spanned::span);
                let PatternError::NoMatch { tables, .. } = &error;
                problems.add(|| {
                    FileError::new("no_match", error.to_string())
                        .at(&span, "no such tasks")
                        .help(format!("{tables}; `*` matches anything"))
                });
                return None;
            }
        };
        Some(Rule {
            tasks: tasks.into_iter().collect(),
            columns: self.columns.into_inner(),
            fractions_only: self.fractions_only,
            tolerance: Tolerance {
                absolute: absolute?,
                relative: relative?,
            },
        })
    }
}
