//! Selections by label: an index of a table's tasks, and the tasks that a condition means.

use std::collections::HashMap;
use std::ops::Range;

use crate::file::{FileError, Problems, did_you_mean, listed, named};
use crate::label::{label_text, number_label};
use crate::plan::PlannedTask;
use crate::reference::{Filter, Located};

/// Tasks of a table by label and text of its value.
pub(crate) type LabelIndex = HashMap<String, HashMap<String, Vec<usize>>>;

/// Help for a selection from a table that has no labels.
pub const NOT_SWEPT: &str = "the table is not swept: refer to it without a selection";

/// The index of the tasks of one table.
pub(crate) fn label_index(tasks: &[PlannedTask], range: Range<usize>) -> LabelIndex {
    let mut index = LabelIndex::new();
    for position in range {
        for (label, value) in tasks
            .get(position)
            .iter()
            .flat_map(|task| task.labels.iter())
        {
            let values = index.entry(label.clone()).or_default();
            values.entry(label_text(value)).or_default().push(position);
        }
    }
    index
}

/// Tasks that meet one condition of a selection.
pub(crate) fn matching(
    index: &LabelIndex,
    filter: &Filter,
    located: &Located,
    problems: &mut Problems,
) -> Option<Vec<usize>> {
    let table = || named(&located.reference.table);
    let Some(values) = index.get(&filter.label) else {
        problems.add(|| {
            let label = named(&filter.label);
            let span = located.quoted.part(&filter.label_range);
            let help = match index.is_empty() {
                true => NOT_SWEPT.to_owned(),
                false => did_you_mean("labels", &filter.label, index.keys().map(String::as_str)),
            };
            FileError::new(
                "unknown_label",
                format!("`{}` has no label `{label}`", table()),
            )
            .at(&span, "not swept over this")
            .help(help)
        });
        return None;
    };
    let mut found = Vec::new();
    let mut sound = true;
    for (text, range) in &filter.values {
        let tasks = values.get(text);
        match tasks.or_else(|| values.get(&number_label(text)?)) {
            Some(tasks) => found.extend(tasks),
            None => {
                sound = false;
                problems.add(|| {
                    let (label, value) = (&filter.label, named(text));
                    let message = format!("no task of `{}` has {label}={value}", table());
                    FileError::new("unknown_value", message)
                        .at(&located.quoted.part(range), "no such value")
                        .help(listed("values", values.keys().map(String::as_str)))
                });
            }
        }
    }
    sound.then_some(found)
}
