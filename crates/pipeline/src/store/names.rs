//! Names in the artifacts folder: which pipeline names and task ids can be file names, and what tasks and
//! figures are called.

use std::collections::{BTreeMap, HashMap};

use eigenscope_stage::Stage;

use super::StoreError;
use eigenscope_plan::{Plan, PlannedTask};

/// Longest name in bytes; with an ending it still fits the 255 of common file systems.
const LONGEST: usize = 240;

/// Folders in the artifacts folder that have another use than the links of a pipeline.
pub(crate) const NOT_PIPELINES: [&str; 3] = ["store", "ledger", "code"];

/// Refuses a plan whose name or task ids cannot be file names.
pub fn check_names(plan: &Plan) -> Result<(), StoreError> {
    check(&plan.name, &NOT_PIPELINES)?;
    plan.tasks.iter().try_for_each(|task| {
        check(&task.id, &["figures", "logs"])?;
        check(&file_name(&task.id), &[])
    })
}

/// Whether results of a pipeline of this name can have a folder.
pub fn is_pipeline_name(name: &str) -> bool {
    check(name, &NOT_PIPELINES).is_ok()
}

/// What a task is called in the artifacts folder: `train.bilinear,hidden-8,seed-0` for `train.bilinear[hidden=8,seed=0]`.
///
/// Brackets are patterns to polars, DuckDB and shells, and DuckDB takes a folder `a=b` for a column. Other characters that mean
/// something to one of them become `%` and hexadecimal digits. Different ids have different names.
pub(crate) fn file_name(id: &str) -> String {
    let mut name = String::with_capacity(id.len());
    for c in id.chars() {
        match c {
            '[' => name.push(','),
            '=' => name.push('-'),
            ']' => {}
            c if c.is_alphanumeric() || "_-.,+@".contains(c) => name.push(c),
            c => name.extend(c.to_string().bytes().map(|byte| format!("%{byte:02X}"))),
        }
    }
    name
}

fn check(name: &str, taken: &[&str]) -> Result<(), StoreError> {
    let reason = if name.is_empty() {
        "it is empty"
    } else if name.starts_with('.') {
        "it starts with a dot"
    } else if name.contains(['/', '\\']) {
        "it contains a slash"
    } else if name.chars().any(char::is_control) {
        "it contains a control character"
    } else if name.len() > LONGEST {
        "it is longer than 240 bytes"
    } else if taken.contains(&name) {
        "this folder has another use"
    } else {
        return Ok(());
    };
    Err(StoreError::name(name, reason))
}

/// Names of figures without ending, by task index.
pub type FigureNames = BTreeMap<usize, String>;

/// Short names of all figures of a plan:
/// `figure.curve[variant=published]` is `curve-published`. Where two would be the same, both have the names of
/// their labels, too: `curve,variant-published`.
pub fn figure_names(plan: &Plan) -> FigureNames {
    let figures = || {
        let tasks = plan.tasks.iter().enumerate();
        tasks.filter(|(_, task)| task.stage == Stage::Figure)
    };
    let mut uses: HashMap<String, usize> = HashMap::new();
    for (_, task) in figures() {
        *uses.entry(short_name(task)).or_default() += 1;
    }
    figures()
        .map(|(index, task)| {
            let short = short_name(task);
            let unique = uses.get(&short) == Some(&1);
            (
                index,
                file_name(if unique { &short } else { table_name(task) }),
            )
        })
        .collect()
}

fn table_name(task: &PlannedTask) -> &str {
    task.id.strip_prefix("figure.").unwrap_or(&task.id)
}

fn short_name(task: &PlannedTask) -> String {
    let name = table_name(task);
    let Some((table, labels)) = name.strip_suffix(']').and_then(|name| name.split_once('[')) else {
        return name.to_owned();
    };
    let values = labels
        .split(',')
        .map(|label| label.split_once('=').map_or(label, |(_, value)| value));
    std::iter::once(table)
        .chain(values)
        .collect::<Vec<_>>()
        .join("-")
}
