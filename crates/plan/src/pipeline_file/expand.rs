//! Expansion of checked tables to tasks: selections, joins, sweeps.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use eigenscope_stage::TaskKindDescription;
use serde_json::Value;

use super::axis::too_many_tasks;
use super::pattern::{Pattern, variants};
use super::resolve::ResolvedReferences;
use super::selection::{LabelIndex, label_index, matching};
use super::sweep::{JoinError, Row, join, product};
use super::table::{InputKey, Table};
use crate::file::{FileError, Problems, named};
use crate::label::Labels;
use crate::plan::{MAXIMUM_INPUTS, MAXIMUM_TASKS, PlannedTask};
use crate::programs::Programs;
use crate::progress::Progress;
use crate::reference::Located;

/// A table with its tasks.
pub(crate) struct ExpandedTable<'a> {
    pub(crate) table: &'a Table<'a>,
    pub(crate) kind: &'a TaskKindDescription,
    /// Positions in the plan.
    pub(crate) tasks: Range<usize>,
}

/// All tasks of `tables`, table by table in the order of `references`; and the tables that have tasks, in that order.
pub(crate) fn expand<'a>(
    tables: &'a [Table<'a>],
    references: &ResolvedReferences,
    programs: &Programs,
    seed: u64,
    progress: &Progress,
    problems: &mut Problems,
) -> (Vec<PlannedTask>, Vec<ExpandedTable<'a>>) {
    let mut expansion = Expansion {
        tables,
        references,
        programs,
        progress,
        seed,
        tasks: Vec::new(),
        ranges: vec![None; tables.len()],
        indices: vec![None; tables.len()],
        inputs: 0,
    };
    for &index in &references.order {
        // Each step may be long; a file with that many problems need not be understood to its end.
        if problems.is_full() {
            break;
        }
        if let Err(TooLarge) = expansion.table(index, problems) {
            break;
        }
    }
    let Expansion { tasks, ranges, .. } = expansion;
    let expanded = references.order.iter().filter_map(|&index| {
        let table = tables.get(index)?;
        Some(ExpandedTable {
            table,
            kind: table.kind?,
            tasks: ranges.get(index)?.clone()?,
        })
    });
    (tasks, expanded.collect())
}

/// The plan is too large to go on.
struct TooLarge;

struct Expansion<'a> {
    tables: &'a [Table<'a>],
    references: &'a ResolvedReferences,
    programs: &'a Programs,
    progress: &'a Progress,
    seed: u64,
    tasks: Vec<PlannedTask>,
    /// Tasks of each table; `None` for tables with a problem.
    ranges: Vec<Option<Range<usize>>>,
    /// Made when a selection first needs it.
    indices: Vec<Option<LabelIndex>>,
    inputs: usize,
}

/// Tasks read under one key.
pub(super) struct Selected<'a> {
    pub(super) key: &'a InputKey<'a>,
    pub(super) tasks: Vec<usize>,
}

impl Selected<'_> {
    /// Returns whether the reference picks one value of a label.
    fn fixes(&self, label: &str) -> bool {
        let [located] = self.key.references.as_slice() else {
            return false;
        };
        let mut filters = located.reference.filters.iter();
        filters.any(|filter| filter.label == label && filter.values.len() == 1)
    }
}

impl<'a> Expansion<'a> {
    fn table(&mut self, index: usize, problems: &mut Problems) -> Result<(), TooLarge> {
        let tables = self.tables;
        let Some((table, kind)) = tables
            .get(index)
            .and_then(|table| Some((table, table.kind?)))
        else {
            return Ok(());
        };
        let mut selected = Vec::with_capacity(table.inputs.len());
        let mut sound = !table.faulty;
        for (number, key) in table.inputs.iter().enumerate() {
            match self.select(index, number, key, problems) {
                Some(tasks) => selected.push(Selected { key, tasks }),
                None => sound = false,
            }
        }
        if !sound {
            return Ok(());
        }
        let Some(rows) = self.rows(table, &selected, problems) else {
            return Ok(());
        };
        let Some(combinations) = product(&table.axes, MAXIMUM_TASKS / rows.len().max(1)) else {
            problems.add(|| too_many_tasks_of(table));
            return Ok(());
        };
        let count = rows.len() * combinations.len();
        self.admit(&selected, count, problems)?;
        let start = self.tasks.len();
        let pattern = Pattern::new(self.programs, table, kind, &selected);
        let variants = variants(table, kind, &combinations);
        self.progress.add_table(count);
        self.tasks.reserve(count);
        for row in &rows {
            for variant in &variants {
                let task = pattern.task(row, variant, self.seed);
                self.tasks.push(task);
                self.progress.advance();
            }
        }
        if let Some(range) = self.ranges.get_mut(index) {
            *range = Some(start..self.tasks.len());
        }
        Ok(())
    }

    /// Counts the tasks of a table before they are made.
    fn admit(
        &mut self,
        selected: &[Selected<'_>],
        tasks: usize,
        problems: &mut Problems,
    ) -> Result<(), TooLarge> {
        let inputs_of_task: usize = selected
            .iter()
            .map(|one| {
                if one.key.role.many {
                    one.tasks.len()
                } else {
                    1
                }
            })
            .sum();
        self.inputs = self
            .inputs
            .saturating_add(tasks.saturating_mul(inputs_of_task));
        for (count, limit, what) in [
            (self.tasks.len() + tasks, MAXIMUM_TASKS, "tasks"),
            (self.inputs, MAXIMUM_INPUTS, "inputs of all tasks together"),
        ] {
            if count > limit {
                let message = format!("the plan has more than {limit} {what}");
                problems.add(|| FileError::new("too_large_plan", message));
                return Err(TooLarge);
            }
        }
        Ok(())
    }

    /// Tasks that the references of a key mean, in plan order; `None` if there is a problem.
    fn select(
        &mut self,
        table: usize,
        input: usize,
        key: &InputKey<'_>,
        problems: &mut Problems,
    ) -> Option<Vec<usize>> {
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        let mut sound = true;
        for (number, located) in key.references.iter().enumerate() {
            let target = self.references.target(table, input, number);
            let Some(tasks) = target.and_then(|target| self.select_from(target, located, problems))
            else {
                sound = false;
                continue;
            };
            if key.references.len() > 1
                && let Some(&twice) = tasks.iter().find(|&&task| !seen.insert(task))
            {
                problems.add(|| self.repeated(table, key, located, twice));
                return None;
            }
            found.extend(tasks);
        }
        found.sort_unstable();
        sound.then_some(found)
    }

    fn repeated(
        &self,
        table: usize,
        key: &InputKey<'_>,
        located: &Located,
        task: usize,
    ) -> FileError {
        let reader = self.tables.get(table).map_or("", |table| &table.id);
        let task = self.tasks.get(task).map_or("", |task| &task.id);
        let message = format!("`{}` of [{reader}] refers to `{task}` twice", key.role.name);
        FileError::new("repeated_reference", message).at(&located.quoted.span, "referred to before")
    }

    /// Tasks of the table `target` that a selection accepts.
    fn select_from(
        &mut self,
        target: usize,
        located: &Located,
        problems: &mut Problems,
    ) -> Option<Vec<usize>> {
        let range = self.ranges.get(target)?.clone()?;
        let filters = &located.reference.filters;
        if filters.is_empty() {
            return Some(range.collect());
        }
        let tasks = &self.tasks;
        let index = self
            .indices
            .get_mut(target)?
            .get_or_insert_with(|| label_index(tasks, range));
        let mut fewest: Option<Vec<usize>> = None;
        let mut sound = true;
        for filter in filters {
            match matching(index, filter, located, problems) {
                None => sound = false,
                Some(found) => {
                    if fewest
                        .as_ref()
                        .is_none_or(|fewest| found.len() < fewest.len())
                    {
                        fewest = Some(found);
                    }
                }
            }
        }
        let mut found = fewest.filter(|_| sound)?;
        found.retain(|&task| {
            let task = self.tasks.get(task);
            task.is_some_and(|task| located.reference.accepts(&task.labels))
        });
        found.sort_unstable();
        found.dedup();
        if found.is_empty() {
            problems.add(|| {
                let reference = named(&located.reference.to_string());
                FileError::new("empty_selection", format!("no task matches `{reference}`"))
                    .at(&located.quoted.span, "nothing selected")
                    .help("every condition holds for some task, but no task meets all of them")
            });
            return None;
        }
        Some(found)
    }

    /// Combinations of the inputs that are read one by one.
    fn rows(
        &self,
        table: &Table<'_>,
        selected: &[Selected<'_>],
        problems: &mut Problems,
    ) -> Option<Vec<Row>> {
        let mut rows = vec![Row::default()];
        let contrasted = self.contrasted(selected);
        for one in selected.iter().filter(|one| !one.key.role.many) {
            let left_out = |name: &String| contrasted.contains(name) && one.fixes(name);
            let candidates: Vec<(usize, Arc<Labels>)> = one
                .tasks
                .iter()
                .filter_map(|&task| {
                    let mut labels = Arc::clone(&self.tasks.get(task)?.labels);
                    if labels.keys().any(left_out) {
                        Arc::make_mut(&mut labels).retain(|name, _| !left_out(name));
                    }
                    Some((task, labels))
                })
                .collect();
            let inherited = candidates.first().map(|(_, labels)| labels)?;
            if let Some(axis) = table
                .axes
                .iter()
                .find(|axis| inherited.contains_key(&axis.name))
            {
                problems.add(|| {
                    let (table, label) = (&table.id, &axis.name);
                    let message =
                        format!("[{table}] is swept over `{label}`, and so is what it reads");
                    FileError::new("label_conflict", message)
                        .at(&axis.span, "swept here")
                        .at(&one.key.span, "what this reads is swept over it, too")
                        .help(format!(
                            "each task has the `{label}` of what it reads as a label; sweep over it in one of the tables only"
                        ))
                });
                return None;
            }
            rows = match join(rows, &candidates, MAXIMUM_TASKS) {
                Ok(rows) => rows,
                Err(JoinError::TooMany) => {
                    problems.add(|| too_many_tasks_of(table));
                    return None;
                }
                Err(JoinError::Empty(labels)) => {
                    problems.add(|| empty_join(table, one, labels));
                    return None;
                }
            };
        }
        Some(rows)
    }

    /// Labels that two inputs fix to different values, as in `reference = "t[seed=0]"`, `other = "t[seed=1]"`: these
    /// inputs are meant to differ in it, so they are not joined by it and do not hand it on.
    fn contrasted(&self, selected: &[Selected<'_>]) -> HashSet<String> {
        let mut values: HashMap<&String, &Value> = HashMap::new();
        let mut contrasted = HashSet::new();
        for one in selected.iter().filter(|one| !one.key.role.many) {
            let labels = one.tasks.first().and_then(|&task| self.tasks.get(task));
            for (name, value) in labels.iter().flat_map(|task| task.labels.iter()) {
                if one.fixes(name)
                    && values
                        .insert(name, value)
                        .is_some_and(|other| other != value)
                {
                    contrasted.insert(name.clone());
                }
            }
        }
        contrasted
    }
}

fn too_many_tasks_of(table: &Table<'_>) -> FileError {
    too_many_tasks(&format!("[{}]", table.id)).at(&table.header, "this table")
}

fn empty_join(table: &Table<'_>, input: &Selected<'_>, labels: Vec<String>) -> FileError {
    let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
    let message = format!(
        "[{}] gives no task: its inputs never agree in {}",
        table.id,
        labels.join(" and ")
    );
    FileError::new("empty_join", message)
        .at(&input.key.span, "agrees with nothing before it")
        .help("inputs read one by one are combined where their labels are equal")
}
