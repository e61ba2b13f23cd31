//! Parameters that name labels: whether what is read has them.

use std::collections::{BTreeSet, HashSet};

use eigenscope_stage::LabelOf;

use super::expand::ExpandedTable;
use crate::file::{FileError, Problems, did_you_mean, named};
use crate::plan::PlannedTask;

/// Checks every parameter that names a label: one problem for each table and parameter.
pub(crate) fn check(
    expanded: &[ExpandedTable<'_>],
    tasks: &[PlannedTask],
    problems: &mut Problems,
) {
    let graph = Graph { expanded, tasks };
    for reader in expanded {
        for parameter in &reader.kind.parameters {
            let Some(of) = &parameter.label_of else {
                continue;
            };
            let first = of.path.split('/').next();
            let reads_many = first.is_some_and(|first| {
                let mut roles = reader.kind.roles.iter();
                roles.any(|role| role.name == first && role.many)
            });
            let mut seen = HashSet::new();
            for task in reader.tasks.clone() {
                let value = tasks[task].parameters.get(&parameter.name);
                let Some(name) = value.and_then(|value| value.as_str()) else {
                    continue;
                };
                // All tasks of a table read the same in a role that reads many.
                if of.words.iter().any(|word| word == name) || (reads_many && !seen.insert(name)) {
                    continue;
                }
                let Some(error) = graph.error(reader, &parameter.name, of, task, name) else {
                    continue;
                };
                problems.add(|| error);
                break;
            }
        }
    }
}

/// The tasks of a plan, and what reads what.
struct Graph<'a> {
    expanded: &'a [ExpandedTable<'a>],
    tasks: &'a [PlannedTask],
}

impl<'a> Graph<'a> {
    /// What is wrong with `name` as the value of a parameter of `task`.
    fn error(
        &self,
        reader: &ExpandedTable<'_>,
        parameter: &str,
        of: &LabelOf,
        task: usize,
        name: &str,
    ) -> Option<FileError> {
        let ends = self.ends(task, &of.path);
        let has = |(end, gone): &(usize, BTreeSet<&str>)| {
            self.tasks[*end].labels.contains_key(name) && !gone.contains(name)
        };
        let lacking = match of.is_averaged {
            true if ends.iter().any(has) => None,
            true => ends.first(),
            false => ends.iter().find(|end| !has(end)),
        };
        let why = if of.columns.iter().any(|column| column == name) {
            "which has a column of its own and is not averaged over".to_owned()
        } else {
            let (end, gone) = lacking?;
            match of.is_averaged {
                _ if gone.contains(name) => "which is averaged over before".to_owned(),
                true => "but nothing that it reads has such a label".to_owned(),
                false => format!("but `{}` has no such label", self.tasks[*end].id),
            }
        };
        let (id, name) = (&reader.table.id, named(name));
        let message = format!("`{parameter}` of `{id}` is `{name}`, {why}");
        let mut known: BTreeSet<&str> = BTreeSet::new();
        for (end, gone) in &ends {
            let labels = self.tasks[*end].labels.keys().map(String::as_str);
            known.extend(labels.filter(|label| !gone.contains(label)));
        }
        let columns = of.columns.iter().map(String::as_str);
        columns.for_each(|column| {
            known.remove(column);
        });
        known.extend(of.words.iter().map(String::as_str));
        let (span, label) = match reader.table.value_spans.get(parameter) {
            Some(span) => (span, "no such label".to_owned()),
            None => (
                &reader.table.header,
                format!("the default of `{parameter}`"),
            ),
        };
        let help = match known.is_empty() {
            true => "labels are parameters that are swept over: lists of values".to_owned(),
            false => did_you_mean("labels", &name, known.iter().copied()),
        };
        Some(
            FileError::new("unknown_label", message)
                .at(span, label)
                .help(help),
        )
    }

    /// The tasks that a path of roles leads to, each with the labels that are averaged over on the way.
    fn ends(&self, task: usize, path: &str) -> Vec<(usize, BTreeSet<&'a str>)> {
        let mut ends = vec![(task, BTreeSet::new())];
        for (step, role) in path.split('/').enumerate() {
            let mut next = Vec::with_capacity(ends.len());
            for (end, mut gone) in ends {
                // The first task is that which names the label.
                if step > 0 {
                    gone.extend(self.averaged(end, role));
                }
                let inputs = self.tasks[end].inputs.iter();
                let inputs = inputs.filter(|input| *input.role == *role);
                next.extend(inputs.map(|input| (input.task, gone.clone())));
            }
            ends = next;
        }
        ends
    }

    /// The labels that a task averages over of what it reads in a role.
    fn averaged(&self, task: usize, role: &str) -> impl Iterator<Item = &'a str> {
        let maker = self.expanded.partition_point(|one| one.tasks.end <= task);
        let parameters = self.expanded[maker].kind.parameters.iter();
        let own = &self.tasks[task].parameters;
        let role = role.to_owned();
        parameters.filter_map(move |parameter| {
            let of = parameter.label_of.as_ref()?;
            let is_of_role = of.is_averaged && of.path == role;
            is_of_role
                .then(|| own.get(&parameter.name)?.as_str())
                .flatten()
        })
    }
}
