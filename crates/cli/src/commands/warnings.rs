//! Lists of warnings and other notes on results.

use std::collections::HashMap;

use eigenscope_plan::Plan;

use super::plural;
use crate::invocation::Invocation;

/// Most warnings that are listed unless all are asked for.
pub(crate) const SHOWN: usize = 20;

/// The first `limit` warnings, one line each under a heading, and how many more there are; nothing for none. One that several tasks have
/// is said once.
pub(crate) fn list<'a>(
    plan: &Plan,
    invocation: &Invocation,
    warnings: impl IntoIterator<Item = (usize, &'a str)>,
    limit: usize,
) -> String {
    let mut different: Vec<(&str, Vec<usize>)> = Vec::new();
    let mut positions: HashMap<&str, usize> = HashMap::new();
    for (task, warning) in warnings {
        let position = *positions.entry(warning).or_insert(different.len());
        match different.get_mut(position) {
            Some((_, tasks)) if tasks.last() == Some(&task) => {}
            Some((_, tasks)) => tasks.push(task),
            None => different.push((warning, vec![task])),
        }
    }
    if different.is_empty() {
        return String::new();
    }
    let count = different.len();
    let mut text = format!("{count} {}:\n", plural(count, "warning"));
    for (warning, tasks) in different.iter().take(limit) {
        let first = tasks.first().map_or("", |task| &plan.tasks[*task].id);
        let others = match tasks.len() {
            0 | 1 => String::new(),
            2 => format!(" and {}", plan.tasks[tasks[1]].id),
            count => format!(" and {} more tasks", count - 1),
        };
        text.push_str(&format!("  {first}{others}: {warning}\n"));
    }
    let hidden = count.saturating_sub(limit);
    if hidden > 0 {
        let status = invocation.command("status");
        text.push_str(&format!(
            "  and {hidden} more {}; `{status} --all` lists them\n",
            plural(hidden, "warning")
        ));
    }
    text
}
