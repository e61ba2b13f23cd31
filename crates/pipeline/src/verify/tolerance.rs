//! How far a value may be from another one of another kind of machine.
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

use eigenscope_artifact::{KindName, regular};
use serde::{Deserialize, Serialize};

use eigenscope_plan::Plan;
use eigenscope_plan::file::did_you_mean;
use eigenscope_plan::task_patterns::{PatternError, matches_glob, select};

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
    /// Whether any difference is allowed.
    pub(super) fn is_loose(&self) -> bool {
        self.absolute > 0.0 || self.relative > 0.0
    }

    /// Whether a difference is allowed. Numbers that are both not a number differ by 0.
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

/// A file of tolerances that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ToleranceError {
    /// The operating system refused.
    #[error("cannot read {path}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The reason.
        #[source]
        source: std::io::Error,
    },
    /// It is not TOML, or not of these fields.
    #[error("{path} is not a file of tolerances: {source}", path = path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        source: Box<toml::de::Error>,
    },
    /// A rule for tasks that are not in the pipeline.
    #[error("{path}, rule for `{columns}`: {source}", path = path.display())]
    Tasks {
        /// The file.
        path: PathBuf,
        /// Columns of the rule.
        columns: String,
        /// The tasks.
        source: PatternError,
    },
    /// A rule for no column, or with a tolerance that is none.
    #[error("{path}, rule for `{columns}`: {reason}", path = path.display())]
    Rule {
        /// The file.
        path: PathBuf,
        /// Columns of the rule.
        columns: String,
        /// What is wrong.
        reason: String,
    },
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
    #[serde(default = "all")]
    tasks: String,
    columns: String,
    #[serde(default)]
    absolute: f64,
    #[serde(default)]
    relative: f64,
    #[serde(default)]
    fractions_only: bool,
    /// For people: nothing may be loosened without one.
    reason: String,
}

fn all() -> String {
    "*".to_owned()
}

impl Tolerances {
    /// The file of tolerances of a pipeline file: `digits.toml` has `digits.tolerances.toml`.
    pub fn beside(pipeline: &Path) -> PathBuf {
        pipeline.with_extension("tolerances.toml")
    }

    /// Reads the file at `path` and checks it against the plan; without a file there are only the defaults.
    pub fn read(path: &Path, plan: &Plan) -> Result<Self, ToleranceError> {
        let text = match regular::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(source) => {
                let path = path.to_owned();
                return Err(ToleranceError::Unreadable { path, source });
            }
        };
        let file: RawFile = toml::from_str(&text).map_err(|source| ToleranceError::Syntax {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        let rules = file.tolerance.into_iter();
        let rules = rules.map(|rule| rule.check(path, plan));
        Ok(Self {
            rules: rules.collect::<Result<_, _>>()?,
        })
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
    fn check(self, path: &Path, plan: &Plan) -> Result<Rule, ToleranceError> {
        let Self {
            tasks,
            columns,
            absolute,
            relative,
            fractions_only,
            reason,
        } = self;
        let wrong = |reason: String| ToleranceError::Rule {
            path: path.to_owned(),
            columns: columns.clone(),
            reason,
        };
        let is_amount = |value: f64| value >= 0.0;
        if !is_amount(absolute) || !is_amount(relative) {
            return Err(wrong("a tolerance is 0 or more".to_owned()));
        }
        if reason.trim().is_empty() {
            return Err(wrong("it gives no reason".to_owned()));
        }
        let kind = columns.split_once('.').map_or(&*columns, |(kind, _)| kind);
        let written = plan.tasks.iter().flat_map(|task| &task.outputs);
        let written: BTreeSet<&str> = written.map(KindName::as_str).collect();
        if !kind.contains('*') && !written.contains(kind) {
            let kinds = did_you_mean("artifact kinds", kind, written);
            return Err(wrong(format!(
                "columns are written `kind.column`, and no task writes the artifact kind `{kind}`; {kinds}"
            )));
        }
        let found = select(plan, std::slice::from_ref(&tasks));
        let tasks = found.map_err(|source| ToleranceError::Tasks {
            path: path.to_owned(),
            columns: columns.clone(),
            source,
        })?;
        Ok(Rule {
            tasks: tasks.into_iter().collect(),
            columns,
            fractions_only,
            tolerance: Tolerance { absolute, relative },
        })
    }
}
