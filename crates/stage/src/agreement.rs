//! What the inputs of a task must have in common, so that no result mixes models or data sets.
//!
//! The orchestrator checks agreements over the graph of a pipeline when it reads the file. A stage program checks
//! them again before it runs a task, as far as the provenance of its inputs tells.

use std::collections::BTreeSet;

use eigenscope_artifact::{ArtifactError, Digest};
use serde::{Deserialize, Serialize};

use crate::{Input, TaskError, TaskFile, TaskKind};

/// Two paths through the inputs of a task that must lead to the same.
///
/// A path is a role of the task, or several roles joined by `/`: `bases/model` is what was read as `model` by the task
/// that made what this one reads as `bases`. A path through a role that reads many leads to many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// One path.
    pub first: String,
    /// The other path.
    pub second: String,
    /// What the two share.
    pub common: Common,
}

/// What two paths of an [`Agreement`] share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Common {
    /// The tasks that they lead to, whichever outputs are read.
    Task,
    /// The tasks, and the outputs that are read: the content is equal.
    Artifact,
    /// The artifacts of the first path are among those of the second.
    Among,
    /// The value of this parameter of the tasks.
    Parameter(String),
    /// The value of this [`Feature::Attribute`](crate::Feature::Attribute).
    Attribute(String),
    /// The value of this attribute; another value is only warned of.
    Expected(String),
}

impl Agreement {
    fn new(first: &str, second: &str, common: Common) -> Self {
        Self {
            first: first.to_owned(),
            second: second.to_owned(),
            common,
        }
    }

    /// One task made both.
    pub fn task(first: &str, second: &str) -> Self {
        Self::new(first, second, Common::Task)
    }

    /// Both are the same artifact.
    pub fn artifact(first: &str, second: &str) -> Self {
        Self::new(first, second, Common::Artifact)
    }

    /// Everything at the end of the first path is at the end of the second, too.
    pub fn among(first: &str, second: &str) -> Self {
        Self::new(first, second, Common::Among)
    }

    /// Both were made with the same value of a parameter.
    pub fn parameter(first: &str, second: &str, name: &str) -> Self {
        Self::new(first, second, Common::Parameter(name.to_owned()))
    }

    /// Both have the same value of an attribute.
    pub fn attribute(first: &str, second: &str, name: &str) -> Self {
        Self::new(first, second, Common::Attribute(name.to_owned()))
    }

    /// Both should have the same value of an attribute.
    pub fn expected(first: &str, second: &str, name: &str) -> Self {
        Self::new(first, second, Common::Expected(name.to_owned()))
    }

    /// The two paths.
    pub fn paths(&self) -> [&str; 2] {
        [&self.first, &self.second]
    }
}

/// A path in words: `spectrum`, `bases` of `clipping`.
pub fn path_in_words(path: &str) -> String {
    let steps: Vec<String> = path.rsplit('/').map(|role| format!("`{role}`")).collect();
    steps.join(" of ")
}

/// What a path leads to: first id of the task and content of the artifact.
type End = (String, Digest);

/// Refuses inputs that do not keep the agreements of their kind on tasks and artifacts. Paths of more than two roles
/// are beyond what the provenance of an input tells, and so are parameters and attributes.
pub(crate) fn check(kind: &TaskKind, task: &TaskFile) -> Result<(), TaskError> {
    for agreement in kind.description.agreements() {
        let (Some(first), Some(second)) = (
            ends(task, &agreement.first)?,
            ends(task, &agreement.second)?,
        ) else {
            continue;
        };
        let [in_first, in_second] = agreement.paths().map(path_in_words);
        let different = |tasks: Option<[String; 2]>| {
            let [one, other] = tasks?;
            let content = match one == other {
                true => " with another content",
                false => "",
            };
            Some(format!(
                "{in_first} is {one}, {in_second} is {other}{content}"
            ))
        };
        let fault = match agreement.common {
            Common::Task => different(difference(&first, &second, |(task, _)| task.clone())),
            Common::Artifact => different(difference(&first, &second, |(_, content)| *content)),
            Common::Among => without(&first, &second, |(_, content)| *content)
                .map(|task| format!("{in_first} is {task}, which is not among {in_second}")),
            Common::Parameter(_) | Common::Attribute(_) | Common::Expected(_) => None,
        };
        if let Some(fault) = fault {
            return Err(format!("the inputs do not belong together: {fault}").into());
        }
    }
    Ok(())
}

/// The first of `ends` whose `key` none of `others` has.
fn without<K: Ord>(ends: &[End], others: &[End], key: impl Fn(&End) -> K) -> Option<String> {
    let others: BTreeSet<K> = others.iter().map(&key).collect();
    let mut ends = ends.iter();
    ends.find(|end| !others.contains(&key(end)))
        .map(|end| end.0.clone())
}

/// Two tasks that differ, if the ends do not agree as sets of what `key` gives.
fn difference<K: Ord>(
    first: &[End],
    second: &[End],
    key: impl Fn(&End) -> K,
) -> Option<[String; 2]> {
    let any = |ends: &[End]| ends.first().map(|end| end.0.clone()).unwrap_or_default();
    match (without(first, second, &key), without(second, first, &key)) {
        (None, None) => None,
        (only_first, only_second) => Some([
            only_first.unwrap_or_else(|| any(first)),
            only_second.unwrap_or_else(|| any(second)),
        ]),
    }
}

/// What a path leads to; `None` if that cannot be told.
fn ends(task: &TaskFile, path: &str) -> Result<Option<Vec<End>>, ArtifactError> {
    let mut roles = path.split('/');
    let read = |role| task.inputs.get(role).map(Vec::as_slice);
    let inputs: &[Input] = roles.next().and_then(read).unwrap_or_default();
    let role = match (roles.next(), roles.next()) {
        (None, _) => {
            let ends = inputs.iter();
            let ends = ends.map(|input| (input.first_id().to_owned(), input.content));
            return Ok(Some(ends.collect()));
        }
        (Some(role), None) => role,
        (Some(_), Some(_)) => return Ok(None),
    };
    let mut ends = Vec::new();
    for input in inputs {
        let origins = input.origins(role)?;
        if origins.is_empty() {
            return Ok(None);
        }
        ends.extend(
            origins
                .into_iter()
                .map(|origin| (origin.task, origin.content)),
        );
    }
    Ok(Some(ends))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_put_in_words_from_their_end() {
        assert_eq!(path_in_words("spectrum"), "`spectrum`");
        assert_eq!(path_in_words("clipping/bases"), "`bases` of `clipping`");
    }

    #[test]
    fn ends_differ_by_what_counts() {
        let end = |task: &str, content: &str| (task.to_owned(), Digest::of(content.as_bytes()));
        let (one, twin) = ([end("a", "x")], [end("b", "x")]);
        let by_content = |end: &End| end.1;
        assert_eq!(difference(&one, &twin, by_content), None);
        let by_task = |end: &End| end.0.clone();
        let tasks = ["a", "b"].map(str::to_owned);
        assert_eq!(difference(&one, &twin, by_task), Some(tasks));
        let both = [one[0].clone(), twin[0].clone()];
        assert_eq!(without(&one, &both, by_task), None);
        assert_eq!(without(&both, &one, by_task).as_deref(), Some("b"));
    }
}
