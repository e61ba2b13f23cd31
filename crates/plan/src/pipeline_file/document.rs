//! The pipeline file as a whole: description, seed, and its task tables in file order.

use std::collections::BTreeMap;
use std::path::Path;

use eigenscope_stage::{ParameterType, Stage};
use serde_json::Value;

use super::agreement::check_agreements;

use super::compatibility::{Compatibility, check_compatibility};

use super::expand::expand;

use super::resolve::resolve;
use super::sizes;

use super::table::{SEED, SEEDS, Table, table};
use crate::file::{
    self, Entry, FileError, Problems, Raw, Sources, did_you_mean, document, named, unknown_key,
    wrong_type,
};
use crate::plan::Plan;
use crate::programs::Programs;
use crate::reference::name_problem;

/// Key of the free text about the pipeline.
const DESCRIPTION: &str = "description";

/// The plan of a pipeline file; without meaning if a problem was reported.
pub(crate) fn plan(
    name: &str,
    path: &Path,
    sources: &Sources,
    programs: &Programs,
    problems: &mut Problems,
) -> Plan {
    let mut plan = Plan {
        name: name.to_owned(),
        file: path.to_owned(),
        description: String::new(),
        code: BTreeMap::new(),
        tasks: Vec::new(),
    };
    let Some(entries) = document(sources.text(), 0, problems) else {
        return plan;
    };
    let mut seed = 0;
    let mut tables = Vec::new();
    for entry in &entries {
        match entry.key.as_str() {
            DESCRIPTION => {
                let text = file::value(&entry.node, &ParameterType::Text, DESCRIPTION, problems);
                plan.description = text
                    .as_ref()
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned();
            }
            SEED => {
                let value = file::value(&entry.node, &SEEDS, SEED, problems);
                seed = value.as_ref().and_then(Value::as_u64).unwrap_or_default();
            }
            key => match Stage::ALL.into_iter().find(|section| section.name() == key) {
                Some(section) => read_section(
                    section,
                    entry,
                    sources.text(),
                    programs,
                    &mut tables,
                    problems,
                ),
                None => unknown(entry, problems),
            },
        }
    }
    tables.sort_by_key(|table| table.header.start);
    if tables.is_empty() && problems.is_empty() {
        problems.add(|| {
            FileError::new("empty", "the file holds no task table")
                .help("a pipeline starts with data: a table [data.NAME]")
        });
    }
    let references = resolve(&tables, problems);
    let (mut tasks, expanded) = expand(&tables, &references, programs, seed, problems);
    let compatibility = Compatibility::new(&expanded, &tasks);
    check_compatibility(&compatibility, problems);
    for (task, warning) in check_agreements(&compatibility, problems) {
        tasks[task].warnings.push(warning);
    }
    sizes::check(&expanded, &tasks, problems);
    plan.tasks = tasks;
    let code = programs.all_code();
    plan.code = code
        .map(|code| (code.fingerprint.clone(), code.parts.clone()))
        .collect();
    plan
}

fn read_section<'a>(
    section: Stage,
    entry: &Entry,
    text: &str,
    programs: &'a Programs,
    tables: &mut Vec<Table<'a>>,
    problems: &mut Problems,
) {
    let Raw::Table(entries) = &entry.node.raw else {
        problems.add(|| {
            wrong_type(
                &entry.key,
                "a section with task tables",
                &entry.node.found(),
            )
            .at(&entry.node.span, "should be a table")
            .help(format!(
                "start a task table with a line [{}.NAME]",
                entry.key
            ))
        });
        return;
    };
    for entry in entries {
        if let Some(reason) = name_problem(&entry.key) {
            problems.add(|| {
                let message = format!(
                    "`{}` cannot be the name of a table: {reason}",
                    named(&entry.key)
                );
                FileError::new("bad_name", message).at(&entry.key_span, "this name")
            });
        }
        let kinds = programs.kinds(section);
        tables.push(table(section, entry, kinds, text, problems));
    }
}

fn unknown(entry: &Entry, problems: &mut Problems) {
    let sections: Vec<&str> = Stage::ALL.iter().map(|section| section.name()).collect();
    problems.add(|| {
        if matches!(entry.node.raw, Raw::Table(_)) {
            let message = format!("unknown section `{}`", named(&entry.key));
            FileError::new("unknown_section", message)
                .at(&entry.key_span, "no such section")
                .help(did_you_mean("known sections", &entry.key, sections))
        } else {
            let keys = [&[DESCRIPTION, SEED], sections.as_slice()].concat();
            unknown_key(entry, "the pipeline file", keys)
        }
    });
}
