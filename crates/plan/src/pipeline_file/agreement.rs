//! Agreement of inputs that are read together: the statements of task kinds, checked over the graph of the plan.

use std::borrow::Cow;

use eigenscope_stage::{Agreement, Common, path_in_words};
use serde_json::Value;

use super::compatibility::Compatibility;
use super::expand::ExpandedTable;
use crate::file::{FileError, Problems, Span, listed, shorten};
use crate::label::label_text;

/// Longest value in a message, in characters.
const LONGEST: usize = 120;

/// Checks every task: one problem for each table and agreement that it breaks. Returns what is only worth a warning,
/// with the position of the task.
pub(crate) fn check_agreements(
    compatibility: &Compatibility<'_>,
    problems: &mut Problems,
) -> Vec<(usize, String)> {
    let mut warnings = Vec::new();
    for reader in compatibility.expanded {
        for agreement in reader.kind.agreements() {
            let mut refused = false;
            for task in reader.tasks.clone() {
                let Some([first, second]) = compatibility.broken(task, agreement) else {
                    continue;
                };
                match &agreement.common {
                    Common::Expected(name) => {
                        warnings.push((task, compatibility.warning(name, first, second)));
                    }
                    _ if refused => {}
                    _ => {
                        refused = true;
                        problems
                            .add(|| compatibility.refusal(reader, agreement, task, first, second));
                    }
                }
            }
        }
    }
    warnings
}

impl Compatibility<'_> {
    /// Two tasks, at the end of each path, that break an agreement; `None` if it is kept, or if that is unknown.
    fn broken(&self, task: usize, agreement: &Agreement) -> Option<[usize; 2]> {
        let first = self.ends(task, &agreement.first)?;
        let second = self.ends(task, &agreement.second)?;
        match &agreement.common {
            Common::Task | Common::Artifact => differing(&first, &second),
            Common::Among => missing(&first, &second).map(|task| [task, second[0]]),
            Common::Parameter(name) => unequal(&first, &second, |task| {
                self.tasks[task].parameters.get(name.as_str())
            }),
            Common::Attribute(name) | Common::Expected(name) => {
                unequal(&first, &second, |task| self.attribute(task, name))
            }
        }
    }

    /// An attribute of a task, if it is known and certain.
    fn attribute(&self, task: usize, name: &str) -> Option<&Value> {
        let features = &self.features[task];
        let value = features
            .attributes
            .get(name)
            .filter(|_| !features.uncertain);
        value.map(|value| &**value)
    }

    /// The tasks that a path leads to, ascending; `None` if a task on the way reads nothing in that role.
    fn ends(&self, task: usize, path: &str) -> Option<Vec<usize>> {
        let mut ends = vec![task];
        for role in path.split('/') {
            let mut next = Vec::with_capacity(ends.len());
            for end in ends {
                let before = next.len();
                let inputs = self.tasks[end].inputs.iter();
                next.extend(
                    inputs
                        .filter(|input| *input.role == *role)
                        .map(|input| input.task),
                );
                if next.len() == before {
                    return None;
                }
            }
            next.sort_unstable();
            next.dedup();
            ends = next;
        }
        Some(ends)
    }

    fn warning(&self, name: &str, first: usize, second: usize) -> String {
        let has = |task: usize| format!("{} has {}", self.tasks[task].id, self.text(task, name));
        format!("{name} differ: {}, {}", has(first), has(second))
    }

    /// The value of an attribute or parameter of a task, for messages.
    fn text(&self, task: usize, name: &str) -> String {
        let parameter = || self.tasks[task].parameters.get(name);
        let value = self.attribute(task, name).or_else(parameter);
        let text = value.map_or(Cow::Borrowed("none"), |value| Cow::Owned(inline(value)));
        shorten(&text, LONGEST)
    }

    fn refusal(
        &self,
        reader: &ExpandedTable<'_>,
        agreement: &Agreement,
        task: usize,
        first: usize,
        second: usize,
    ) -> FileError {
        let id = |task: usize| self.tasks[task].id.clone();
        let ([at_first, at_second], [is_first, is_second]) = match &agreement.common {
            Common::Task | Common::Artifact | Common::Among => (
                [first, second].map(|task| format!("`{}`", id(task))),
                [first, second].map(|task| format!("`{}`", id(task))),
            ),
            Common::Parameter(name) | Common::Attribute(name) | Common::Expected(name) => (
                [first, second]
                    .map(|task| format!("{name} of `{}`: {}", id(task), self.text(task, name))),
                [first, second].map(id),
            ),
        };
        let reader_id = &self.tasks[task].id;
        let error = match &agreement.common {
            Common::Task | Common::Artifact | Common::Among => {
                let [first, second] = agreement.paths().map(path_in_words);
                let message = format!(
                    "`{reader_id}` reads what does not belong together: {first} is {is_first}, but {second} is {is_second}"
                );
                FileError::new("mixed_origin", message)
            }
            Common::Parameter(name) | Common::Attribute(name) | Common::Expected(name) => {
                let message = format!(
                    "`{reader_id}` reads `{is_first}` and `{is_second}`, which differ in {name}"
                );
                FileError::new("disagreement", message)
            }
        };
        let from = |path: &str, text: String| match path.contains('/') {
            true => format!("made from {text}"),
            false => text,
        };
        let (here, there) = (
            self.read_as(reader, task, &agreement.first),
            self.read_as(reader, task, &agreement.second),
        );
        let error = error.at(here, from(&agreement.first, at_first));
        let error = match here == there {
            true => error,
            false => error.at(there, from(&agreement.second, at_second)),
        };
        error.help(self.alternatives_for(reader, task, agreement))
    }

    /// Where `reader` refers to what begins a path of `task`.
    fn read_as<'b>(&self, reader: &'b ExpandedTable<'_>, task: usize, path: &str) -> &'b Span {
        let role = role_of(path);
        let keys = &reader.table.inputs;
        let Some(key) = keys.iter().find(|key| key.role.name == role) else {
            return &reader.table.header;
        };
        let mut inputs = self.tasks[task].inputs.iter();
        match inputs.find(|input| *input.role == *role) {
            Some(input) => self.reference(key, input.task),
            None => &key.span,
        }
    }

    /// Help: what `task` could read instead, at the beginning of either path, to keep the agreement.
    fn alternatives_for(
        &self,
        reader: &ExpandedTable<'_>,
        task: usize,
        agreement: &Agreement,
    ) -> String {
        let mut parts = Vec::new();
        for [path, other] in [agreement.paths(), {
            let [first, second] = agreement.paths();
            [second, first]
        }] {
            let role = role_of(path);
            let roles = &reader.kind.roles;
            let Some(role) = roles.iter().find(|known| known.name == role) else {
                continue;
            };
            let Some(wanted) = self.ends(task, other).filter(|_| !role.many) else {
                continue;
            };
            let rest = path.split_once('/').map(|(_, rest)| rest);
            let fits = |&candidate: &usize| {
                let ends = match rest {
                    None => Some(vec![candidate]),
                    Some(rest) => self.ends(candidate, rest),
                };
                ends.is_some_and(|ends| self.keeps(&ends, &wanted, &agreement.common))
            };
            let makers = self.expanded.iter();
            let makers = makers.filter(|maker| maker.kind.outputs.contains(&role.kind));
            // Tasks read one another in plan order, so what stands behind the reader might read it.
            let candidates = makers.flat_map(|maker| maker.tasks.clone());
            let found: Vec<&str> = candidates
                .take_while(|&candidate| candidate < reader.tasks.start)
                .filter(fits)
                .map(|candidate| self.tasks[candidate].id.as_str())
                .collect();
            if !found.is_empty() {
                parts.push(listed(&format!("`{}` that would fit", role.name), found));
            }
        }
        parts.dedup();
        match parts.is_empty() {
            true => "no task of this file would fit".to_owned(),
            false => parts.join("; "),
        }
    }

    fn keeps(&self, first: &[usize], second: &[usize], common: &Common) -> bool {
        match common {
            Common::Task | Common::Artifact => first == second,
            Common::Among => missing(first, second).is_none(),
            Common::Parameter(name) => {
                let value = |&task: &usize| self.tasks[task].parameters.get(name.as_str());
                all_equal(first.iter().chain(second).map(value))
            }
            Common::Attribute(name) | Common::Expected(name) => {
                let value = |&task: &usize| self.attribute(task, name);
                all_equal(first.iter().chain(second).map(value))
            }
        }
    }
}

/// Returns whether all values are known and equal.
fn all_equal<'a>(mut values: impl Iterator<Item = Option<&'a Value>>) -> bool {
    let first = values.next().flatten();
    first.is_some() && values.all(|value| value == first)
}

/// The role that a path begins with.
fn role_of(path: &str) -> &str {
    path.split_once('/').map_or(path, |(role, _)| role)
}

/// The first of some tasks that is not one of `others`, which ascend.
fn missing(tasks: &[usize], others: &[usize]) -> Option<usize> {
    let mut tasks = tasks.iter().copied();
    tasks.find(|task| others.binary_search(task).is_err())
}

/// A task of each of two ascending lists that shows that they are not the same.
fn differing(first: &[usize], second: &[usize]) -> Option<[usize; 2]> {
    match (missing(first, second), missing(second, first)) {
        (None, None) => None,
        (only_first, only_second) => Some([
            only_first.or(first.first().copied())?,
            only_second.or(second.first().copied())?,
        ]),
    }
}

/// A task of each of two lists whose values are known and differ.
fn unequal<'a>(
    first: &[usize],
    second: &[usize],
    value: impl Fn(usize) -> Option<&'a Value>,
) -> Option<[usize; 2]> {
    let known = |&task: &usize| Some((task, value(task)?));
    let (one, reference) = first.iter().find_map(known)?;
    let (two, _) = second.iter().find_map(known)?;
    let other = |list: &[usize]| {
        let mut list = list.iter().filter_map(known);
        list.find(|(_, value)| *value != reference)
            .map(|(task, _)| task)
    };
    // One list may be the other: its members are compared with its first.
    other(second)
        .map(|task| [one, task])
        .or_else(|| other(first).map(|task| [task, two]))
}

/// A value as a pipeline file would give it.
fn inline(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(entries) => {
            let entries = entries.iter();
            let entries: Vec<String> = entries
                .map(|(key, value)| format!("{key} = {}", inline(value)))
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Value::String(text) => format!("{text:?}"),
        other => label_text(other),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_shown_as_in_a_pipeline_file() {
        let value = json!(["scale", { "resize": { "height": 16, "width": 16.5 } }]);
        let text = r#"["scale", { resize = { height = 16, width = 16.5 } }]"#;
        assert_eq!(inline(&value), text);
    }

    #[test]
    fn lists_that_differ_show_a_task_of_each() {
        assert_eq!(differing(&[1, 2], &[1, 2]), None);
        assert_eq!(differing(&[1], &[2]), Some([1, 2]));
        assert_eq!(differing(&[1, 2], &[1]), Some([2, 1]));
        assert_eq!(differing(&[1], &[1, 2]), Some([1, 2]));
    }

    #[test]
    fn unknown_values_differ_from_none() {
        let values = [json!(1), json!(2)];
        let value = |task: usize| values.get(task);
        assert_eq!(unequal(&[0, 9], &[0], value), None);
        assert_eq!(unequal(&[9], &[1], value), None);
        assert_eq!(unequal(&[0], &[1], value), Some([0, 1]));
        assert_eq!(unequal(&[0, 1], &[0], value), Some([1, 0]));
        assert_eq!(unequal(&[0, 1], &[0, 1], value), Some([0, 1]));
    }
}
