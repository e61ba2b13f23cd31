//! `eigenscope kinds`: the task kinds that pipeline files can name, with their parameters and what they read and write.

use anyhow::{Result, bail};
use eigenscope_pipeline::text_table::text_table;
use eigenscope_plan::file::did_you_mean;
use eigenscope_plan::kinds::{Kind, kinds};
use serde::Serialize;

use crate::arguments::{Kinds, ProjectArguments};
use crate::exit;
use crate::json;
use crate::project::stage_programs;

#[derive(Serialize)]
struct Report<'a> {
    kinds: Vec<Kind<'a>>,
}

pub(crate) fn run(arguments: &ProjectArguments, command: &Kinds) -> Result<u8> {
    let programs = stage_programs(arguments)?;
    let mut kinds = kinds(&programs);
    if let Some(name) = &command.kind {
        let names: Vec<String> = kinds.iter().map(Kind::full_name).collect();
        kinds.retain(|kind| kind.kind == name || kind.full_name() == *name);
        if kinds.is_empty() {
            let known = names.iter().map(String::as_str);
            let short = known
                .clone()
                .filter_map(|name| Some(name.split_once('.')?.1));
            let known = match name.contains('.') {
                true => did_you_mean("kinds", name, known),
                false => did_you_mean("kinds", name, short),
            };
            bail!("there is no kind `{name}`: {known}");
        }
    }
    match (command.json, &command.kind) {
        (true, _) => json::print(&Report { kinds })?,
        (false, None) => super::print_lines(&list(&kinds))?,
        (false, Some(_)) => {
            let texts: Vec<String> = kinds.iter().map(text).collect();
            super::print_lines(&texts.join("\n"))?;
        }
    }
    Ok(exit::OK)
}

fn list(kinds: &[Kind<'_>]) -> String {
    let lines = kinds.iter().map(|kind| {
        let summary = kind.summary.to_owned();
        vec![kind.full_name(), summary]
    });
    text_table(&lines.collect::<Vec<_>>(), &[])
}

fn text(kind: &Kind<'_>) -> String {
    let mut text = format!("{}: {}\n", kind.full_name(), kind.summary);
    if !kind.reads.is_empty() {
        let lines = kind.reads.iter().map(|input| {
            let read = match input.many {
                true => format!("{}, all at once", input.kind),
                false => input.kind.to_owned(),
            };
            vec![format!("  {}", input.role), read, input.summary.to_owned()]
        });
        text.push_str("reads\n");
        text.push_str(&text_table(&lines.collect::<Vec<_>>(), &[]));
    }
    text.push_str(&format!("writes {}\n", kind.writes.join(", ")));
    let parameters = kind.parameters.iter().map(|parameter| {
        let default = match parameter.default {
            Some(default) => format!("default {default}"),
            None => "required".to_owned(),
        };
        vec![
            format!("  {}", parameter.name),
            default,
            parameter.summary.to_owned(),
            parameter.takes.clone(),
        ]
    });
    let mut lines: Vec<Vec<String>> = parameters.collect();
    if kind.seed {
        let words = [
            "  seed",
            "default from the pipeline",
            "seed of everything random",
            "an integer of at least 0",
        ];
        lines.push(words.map(str::to_owned).into());
    }
    if !lines.is_empty() {
        text.push_str("parameters\n");
        text.push_str(&text_table(&lines, &[]));
    }
    text
}
