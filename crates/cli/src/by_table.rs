//! States of many tasks, counted by table.

use std::collections::HashMap;

use eigenscope_pipeline::text_table::text_table;
use eigenscope_plan::Plan;

use crate::planning::grouped;
use crate::task_report::coloured;

/// Most tasks that are listed one by one, unless all are asked for.
pub(crate) const LISTED: usize = 60;

/// What is said of the tasks of a table that have one state.
struct Group<'a> {
    state: &'a str,
    table: &'a str,
    count: usize,
    reason: String,
    /// Whether some of them have another reason.
    several: bool,
}

/// One line for each table and state, in the order of their first tasks. `tasks` are positions in the plan with state and reason.
pub(crate) fn lines<'a>(
    plan: &'a Plan,
    tasks: impl IntoIterator<Item = (usize, &'a str, String)>,
) -> String {
    let mut sizes: HashMap<&str, usize> = HashMap::new();
    for task in &plan.tasks {
        *sizes.entry(task.table()).or_default() += 1;
    }
    let mut groups: Vec<Group<'_>> = Vec::new();
    let mut positions: HashMap<(&str, &str), usize> = HashMap::new();
    for (task, state, reason) in tasks {
        let table = plan.tasks[task].table();
        let position = *positions.entry((state, table)).or_insert(groups.len());
        match groups.get_mut(position) {
            Some(group) => {
                group.count += 1;
                group.several |= group.reason != reason;
            }
            None => groups.push(Group {
                state,
                table,
                count: 1,
                reason,
                several: false,
            }),
        }
    }
    let lines = groups.into_iter().map(|group| {
        let size = sizes.get(group.table).copied().unwrap_or_default();
        let reason = match group.several {
            true => format!("the first: {}", group.reason),
            false => group.reason,
        };
        vec![
            coloured(group.state),
            group.table.to_owned(),
            format!("{} of {} tasks", grouped(group.count), grouped(size)),
            reason,
        ]
    });
    text_table(&lines.collect::<Vec<_>>(), &[])
}
