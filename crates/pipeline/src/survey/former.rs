//! Tables that seem to have been renamed by hand, so that their results are known by names that are no more.

use std::collections::{BTreeSet, HashSet};

use super::{Reason, Survey, compare_key_inputs, key_inputs};
use crate::store::{
    KeyInputs, Previous, Record, Store, file_name, is_result_link, link_names, named_key,
};
use eigenscope_plan::label::table_of;
use eigenscope_plan::{Plan, PlannedTask};

/// Results of tables that are no more which are looked at.
const MOST: usize = 1000;

/// A table that would keep results with a line `formerly`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FormerTable {
    /// Its id now.
    pub table: String,
    /// The id that its results are known by.
    pub formerly: String,
}

/// Looks for results of tables that a pipeline no longer has.
pub struct FormerTables<'a> {
    plan: &'a Plan,
    store: &'a Store,
    tables: HashSet<&'a str>,
    /// Results whose readable names are those of no task.
    left: Vec<Record>,
}

impl<'a> FormerTables<'a> {
    pub fn new(plan: &'a Plan, store: &'a Store) -> Self {
        let names = link_names(plan);
        let folder = std::fs::read_dir(store.pipeline(&plan.name));
        let links = folder.into_iter().flatten().flatten();
        let left = links.filter(|link| !names.contains(&link.file_name()));
        let left = left.filter(|link| is_result_link(&link.path()));
        let left = left.filter_map(|link| {
            let key = named_key(&std::fs::read_link(link.path()).ok()?)?;
            let record = store.record(key).ok().flatten()?;
            (link.file_name() == file_name(&record.task).as_str()).then_some(record)
        });
        Self {
            plan,
            store,
            tables: plan.tasks.iter().map(PlannedTask::table).collect(),
            left: left.take(MOST).collect(),
        }
    }

    /// The tables whose former ids would keep the result of a task that has to run.
    pub fn of(&self, task: usize, survey: &Survey) -> BTreeSet<FormerTable> {
        let planned = &self.plan.tasks[task];
        let now = key_inputs(self.plan, planned, survey);
        if now.inputs.len() < planned.inputs.len() {
            return BTreeSet::new();
        }
        let mut found = BTreeSet::new();
        match self.store.previous(&self.plan.name, &planned.id) {
            Previous::Record(record) => found.extend(self.inputs(&record.key_inputs, &now)),
            _ if planned.formerly.is_none() => found.extend(self.own(planned, &now)),
            _ => {}
        }
        found
    }

    fn own(&self, task: &PlannedTask, now: &KeyInputs) -> Option<FormerTable> {
        let labels = &task.id[task.table().len()..];
        let is_it = |record: &&Record| {
            let table = table_of(&record.task);
            let reasons = compare_key_inputs(&record.key_inputs, now, true);
            // With an equal seed it would be found by its key.
            let is_only_seed = matches!(reasons.as_slice(), [Reason::SeedChanged { .. }]);
            !self.tables.contains(table) && record.task[table.len()..] == *labels && is_only_seed
        };
        let record = self.left.iter().find(is_it)?;
        Some(FormerTable {
            table: task.table().to_owned(),
            formerly: table_of(&record.task).to_owned(),
        })
    }

    /// What a task has read under names that are no more, and reads under other ones.
    fn inputs(&self, before: &KeyInputs, now: &KeyInputs) -> BTreeSet<FormerTable> {
        let mut found = BTreeSet::new();
        for old in &before.inputs {
            let formerly = table_of(&old.task);
            if self.tables.contains(formerly) {
                continue;
            }
            let mut inputs = now.inputs.iter();
            let new = inputs.find(|new| {
                let stages = [formerly, new.task.as_str()].map(|id| id.split('.').next());
                stages[0] == stages[1]
                    && (&new.role, &new.labels, new.content)
                        == (&old.role, &old.labels, old.content)
            });
            if let Some(new) = new.filter(|new| new.renamed.is_empty()) {
                found.insert(FormerTable {
                    table: table_of(&new.task).to_owned(),
                    formerly: formerly.to_owned(),
                });
            }
        }
        found
    }
}

impl std::fmt::Display for FormerTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { table, formerly } = self;
        write!(
            f,
            "if [{table}] is what was [{formerly}], a line `formerly = \"{formerly}\"` in it keeps its results, as `eigenscope rename` \
             would have"
        )
    }
}
