//! Patterns over task ids, as commands take them.

use std::collections::BTreeSet;
use std::fmt;

use miette::Diagnostic;

use crate::file::{closest, listed, shorten};
use crate::label::{label_is, label_text, table_of};
use crate::plan::{Plan, PlannedTask};
use crate::reference::Reference;

/// A target that cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Diagnostic)]
pub enum PatternError {
    /// Some patterns match no task; all of them are named.
    #[error("no task matches {}", Patterns(.unmatched))]
    #[diagnostic(
        code(eigenscope::targets::no_match),
        help("{tables}; `*` matches anything")
    )]
    NoMatch {
        unmatched: Vec<Unmatched>,
        /// The tables of the plan, in words.
        tables: String,
    },
}

/// A pattern that matches no task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmatched {
    pub pattern: String,
    /// The table or task most like it.
    pub suggestion: Option<String>,
}

struct Patterns<'a>(&'a [Unmatched]);

impl fmt::Display for Patterns<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, unmatched) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}`{}`", shorten(&unmatched.pattern, 200))?;
            if let Some(suggestion) = &unmatched.suggestion {
                write!(f, " (did you mean `{suggestion}`?)")?;
            }
        }
        Ok(())
    }
}

/// Indices of the tasks that any of `patterns` means, ascending; all tasks if there is no pattern.
///
/// In a pattern `*` matches any text, everything else itself. It is compared with task ids and with table
/// names, so `metric.final` means all tasks of that table. A pattern without `*` may also be a reference
/// as in pipeline files: `train.bilinear[hidden=300]` means all tasks with that label, whatever the others.
pub fn select(plan: &Plan, patterns: &[String]) -> Result<Vec<usize>, PatternError> {
    if patterns.is_empty() {
        return Ok((0..plan.tasks.len()).collect());
    }
    let mut selected = BTreeSet::new();
    let mut unmatched = Vec::new();
    for pattern in patterns {
        let pattern = pattern.trim();
        let found = matching(plan, pattern);
        if found.is_empty() {
            unmatched.push(Unmatched {
                pattern: pattern.to_owned(),
                suggestion: suggestion(plan, pattern),
            });
        }
        selected.extend(found);
    }
    if unmatched.is_empty() {
        return Ok(selected.into_iter().collect());
    }
    let tables = listed("tables", plan.tasks.iter().map(|task| table_of(&task.id)));
    Err(PatternError::NoMatch { unmatched, tables })
}

fn matching(plan: &Plan, pattern: &str) -> Vec<usize> {
    let tasks_where = |accept: &dyn Fn(&PlannedTask) -> bool| -> Vec<usize> {
        let tasks = plan.tasks.iter().enumerate();
        tasks
            .filter(|(_, task)| accept(task))
            .map(|(index, _)| index)
            .collect()
    };
    let found = tasks_where(&|task| {
        matches_glob(&task.id, pattern) || matches_glob(table_of(&task.id), pattern)
    });
    if !found.is_empty() || pattern.contains('*') {
        return found;
    }
    match Reference::parse(pattern) {
        Ok(reference) => tasks_where(&|task| {
            table_of(&task.id) == reference.table && reference.accepts(&task.labels)
        }),
        Err(_) => found,
    }
}

/// Returns whether `text` is `pattern` with any text in place of each `*`.
pub fn matches_glob(text: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    let Some(mut rest) = rest.strip_suffix(last) else {
        return false;
    };
    for part in parts {
        match rest.find(part) {
            Some(position) => rest = rest.get(position + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}

/// The table most like the pattern's, else the id most like the pattern.
pub(crate) fn suggestion(plan: &Plan, pattern: &str) -> Option<String> {
    let mut tables: Vec<&str> = plan.tasks.iter().map(|task| table_of(&task.id)).collect();
    tables.dedup();
    let table = table_of(pattern);
    if tables.contains(&table) {
        if let Some(meant) = with_known_labels(plan, table, pattern) {
            return Some(meant);
        }
        let ids = plan.tasks.iter().map(|task| task.id.as_str());
        let ids = ids.filter(|id| table_of(id) == table);
        return closest(pattern, ids).map(str::to_owned);
    }
    closest(table, tables).map(str::to_owned)
}

/// The reference `pattern` with the labels and values of `table` that are most like those in it, if tasks have them all.
fn with_known_labels(plan: &Plan, table: &str, pattern: &str) -> Option<String> {
    let mut reference = Reference::parse(pattern).ok()?;
    let tasks = || {
        let tasks = plan.tasks.iter();
        tasks.filter(move |task| task.table() == table)
    };
    for filter in &mut reference.filters {
        let labels = &tasks().next()?.labels;
        if !labels.contains_key(&filter.label) {
            let known = labels.keys().map(String::as_str);
            filter.label = closest(&filter.label, known)?.to_owned();
        }
        let label = filter.label.as_str();
        let values = || tasks().filter_map(move |task| task.labels.get(label));
        for (text, _) in &mut filter.values {
            if !values().any(|value| label_is(value, text)) {
                let mut known: Vec<String> = values().map(label_text).collect();
                known.dedup();
                *text = closest(text, known.iter().map(String::as_str))?.to_owned();
            }
        }
    }
    let found = tasks().any(|task| reference.accepts(&task.labels));
    found.then(|| reference.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_match_anything_and_brackets_themselves() {
        for (pattern, text, expected) in [
            ("figure.*", "figure.a[x=1]", true),
            ("*[hidden=300,*]", "train.a[hidden=300,seed=2]", true),
            ("*[hidden=30,*]", "train.a[hidden=300,seed=2]", false),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a*a", "a", false),
            ("a*a", "aa", true),
            ("*b*", "abc", true),
            ("*b*b*", "abc", false),
            ("a**c", "abc", true),
            ("train.?", "train.a", false),
        ] {
            assert_eq!(matches_glob(text, pattern), expected, "{pattern} on {text}");
        }
    }
}
