//! Lists of warnings and other notes on results.

use eigenscope_plan::Plan;

use super::plural;
use crate::invocation::Invocation;

/// Most warnings that are listed unless all are asked for.
pub(crate) const SHOWN: usize = 20;

/// The first `limit` warnings, one line each under a heading, and how many more there are; nothing for none.
pub(crate) fn list<'a>(
    plan: &Plan,
    invocation: &Invocation,
    warnings: impl IntoIterator<Item = (usize, &'a str)>,
    limit: usize,
) -> String {
    let warnings: Vec<(usize, &str)> = warnings.into_iter().collect();
    if warnings.is_empty() {
        return String::new();
    }
    let count = warnings.len();
    let mut text = format!("{count} {}:\n", plural(count, "warning"));
    for (task, warning) in warnings.iter().take(limit) {
        text.push_str(&format!("  {}: {warning}\n", plan.tasks[*task].id));
    }
    let hidden = count.saturating_sub(limit);
    if hidden > 0 {
        let status = invocation.command("status");
        text.push_str(&format!(
            "  and {hidden} more; `{status} --all` lists them\n"
        ));
    }
    text
}
