//! The table `[style]` of a pipeline file: values that every figure takes unless it says otherwise.
//!
//! Its keys are the parameters that all kinds of figures have. Each is given to the tables of figures that do not give it.

use std::slice::from_ref;

use eigenscope_stage::{Parameter, Stage, TaskKindDescription};

use super::content::{STYLE, TaskTable};
use crate::file::{Entry, Problems, Raw, fields, unknown_key, wrong_type};

/// Adds the keys of the table `style` to all tables of figures that lack them, and reports what is wrong with them. Without kinds of
/// figures, because their program is missing, nothing is added.
pub(super) fn apply(
    style: Option<Entry>,
    kinds: &[TaskKindDescription],
    tables: &mut [TaskTable],
    problems: &mut Problems,
) {
    let Some(style) = style else { return };
    let Raw::Table(entries) = &style.node.raw else {
        problems.add(|| {
            wrong_type(STYLE, "a table", &style.node.found())
                .at(&style.node.span, "should be a table")
                .help("start it with a line [style]")
        });
        return;
    };
    let shared = shared(kinds);
    for entry in entries {
        if kinds.is_empty() {
            return;
        }
        let Some(parameter) = shared.iter().find(|one| one.name == entry.key) else {
            let names: Vec<&str> = shared.iter().map(|one| one.name.as_str()).collect();
            problems.add(|| unknown_key(entry, "[style]", names));
            continue;
        };
        let (one, known) = (from_ref(entry), from_ref(*parameter));
        if fields(one, &entry.key_span, known, "[style]", "", problems).is_none() {
            continue;
        }
        let figures = tables
            .iter_mut()
            .filter(|table| table.stage == Stage::Figure);
        for table in figures {
            if let Raw::Table(keys) = &mut table.entry.node.raw
                && keys.iter().all(|key| key.key != entry.key)
            {
                keys.push(entry.clone());
            }
        }
    }
}

/// The parameters that all of these kinds have.
fn shared(kinds: &[TaskKindDescription]) -> Vec<&Parameter> {
    let (first, others) = kinds.split_first().unzip();
    let parameters = first
        .into_iter()
        .flat_map(|kind: &TaskKindDescription| &kind.parameters);
    let others: &[TaskKindDescription] = others.unwrap_or_default();
    parameters
        .filter(|parameter| {
            others
                .iter()
                .all(|kind| kind.parameters.contains(parameter))
        })
        .collect()
}
