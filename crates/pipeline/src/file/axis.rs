//! Swept parameters: a list of values for a parameter that takes one, each with a label.

use std::collections::HashSet;

use eigenscope_stage::ParameterType;
use serde_json::Value;

use super::MAXIMUM_TASKS_PER_TABLE;
use super::check;
use super::error::{FileError, Problems, named};
use super::label::{label_of, label_problem, label_text};
use super::problem::Problem;
use super::syntax::{Entry, Node, Span};

/// A swept parameter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Axis {
    pub(crate) name: String,
    /// Where its key stands.
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
    place: &str,
    problems: &mut Problems,
) -> Option<Axis> {
    let name = &entry.key;
    if items.is_empty() {
        problems.add(|| {
            let problem = Problem::EmptySweep { name: name.clone() };
            FileError::at(&entry.node.span, "no value", problem)
                .help(format!("give values, or leave `{name}` out"))
        });
        return None;
    }
    if items.len() > MAXIMUM_TASKS_PER_TABLE {
        problems.add(|| {
            let problem = Problem::TooManyTasks {
                place: place.to_owned(),
                limit: MAXIMUM_TASKS_PER_TABLE,
            };
            FileError::at(&entry.key_span, format!("{} values", items.len()), problem)
        });
        return None;
    }
    let mut values = Vec::with_capacity(items.len());
    let (mut seen, mut labels) = (HashSet::new(), HashSet::new());
    let mut sound = true;
    for item in items {
        let Some(value) = check::value(item, kind, name, problems) else {
            sound = false;
            continue;
        };
        let label = label_of(&value);
        let problem = if !seen.insert(value.to_string()) {
            Problem::RepeatedValue {
                name: name.clone(),
                value: named(&label_text(&label)),
            }
        } else if let Some(reason) = label_problem(&label_text(&label)) {
            Problem::UnusableLabel {
                name: name.clone(),
                reason,
            }
        } else if !labels.insert(label_text(&label)) {
            Problem::SameLabel {
                name: name.clone(),
                label: label_text(&label),
            }
        } else {
            values.push(AxisValue { value, label });
            continue;
        };
        sound = false;
        let help = match problem {
            Problem::RepeatedValue { .. } => "leave one of them out",
            _ => "write one table for each of these values",
        };
        problems.add(|| FileError::at(&item.span, "this value", problem).help(help));
    }
    sound.then(|| Axis {
        name: name.clone(),
        span: entry.key_span.clone(),
        values,
    })
}
