//! Swept parameters: a list of values for a parameter that takes one, each with a label.

use std::collections::HashSet;

use eigenscope_stage::ParameterType;
use serde_json::Value;

use crate::file::{self, Entry, FileError, Node, Problems, Span, named};
use crate::label::{label_problem, label_text, labels_of};
use crate::plan::MAXIMUM_TASKS;

/// A swept parameter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Axis {
    pub(crate) name: String,
    pub(crate) span: Span,
    pub(crate) values: Vec<AxisValue>,
}

/// One value of a sweep.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AxisValue {
    pub(crate) value: Value,
    pub(crate) label: Value,
}

/// The axis of the parameter at `entry`, swept over `items`; `None` if a problem was reported.
pub(crate) fn axis(
    entry: &Entry,
    items: &[Node],
    kind: &ParameterType,
    container: &str,
    problems: &mut Problems,
) -> Option<Axis> {
    let name = &entry.key;
    if items.is_empty() {
        problems.add(|| {
            FileError::new("empty_sweep", format!("the sweep over `{name}` is empty"))
                .at(&entry.node.span, "no value")
                .help(format!("give values, or leave `{name}` out"))
        });
        return None;
    }
    if items.len() > MAXIMUM_TASKS {
        problems.add(|| {
            too_many_tasks(container).at(&entry.key_span, format!("{} values", items.len()))
        });
        return None;
    }
    let mut values = Vec::with_capacity(items.len());
    let (mut seen, mut labels) = (HashSet::new(), HashSet::new());
    let mut sound = true;
    let given: Vec<(&Node, Value)> = items
        .iter()
        .filter_map(|item| Some((item, file::value(item, kind, name, problems)?)))
        .collect();
    sound &= given.len() == items.len();
    let (nodes, given): (Vec<&Node>, Vec<Value>) = given.into_iter().unzip();
    let labels_of_all = labels_of(&given);
    for ((item, value), label) in nodes.into_iter().zip(given).zip(labels_of_all) {
        let text = label_text(&label);
        let separate = "write one table for each of these values";
        let error = if !seen.insert(value.to_string()) {
            let message = format!("the sweep over `{name}` has {} twice", named(&text));
            FileError::new("repeated_value", message).help("leave one of them out")
        } else if let Some(reason) = label_problem(&text) {
            let message = format!(
                "the sweep over `{name}` has a value that cannot be part of a task id: {reason}"
            );
            FileError::new("unusable_label", message).help(separate)
        } else if !labels.insert(text.clone()) {
            let message =
                format!("two values of the sweep over `{name}` would both be labelled `{text}`");
            FileError::new("same_label", message).help(separate)
        } else {
            values.push(AxisValue { value, label });
            continue;
        };
        sound = false;
        problems.add(|| error.at(&item.span, "this value"));
    }
    sound.then(|| Axis {
        name: name.clone(),
        span: entry.key_span.clone(),
        values,
    })
}

/// The error for a table that gives too many tasks. The caller says where it is.
pub(crate) fn too_many_tasks(container: &str) -> FileError {
    let message = format!("{container} gives more than {MAXIMUM_TASKS} tasks");
    FileError::new("too_many_tasks", message)
}
