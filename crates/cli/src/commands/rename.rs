//! `eigenscope rename`: give a table another name, and keep what it has computed.

use std::fmt::Write;

use anyhow::{Result, anyhow};
use eigenscope_pipeline::rename::{ChangedFile, RenameError, Renaming, rename};
use eigenscope_pipeline::survey::first_few;
use eigenscope_plan::pipeline_file::rename::Rename;

use super::{plural, relative, tell};
use crate::arguments::{ProjectArguments, Rename as Arguments};
use crate::exit::{self, diagnosed};
use crate::project::{pipeline_file, stage_programs};

/// Tables in the summary at most.
const SHOWN: usize = 10;

pub(crate) fn run(arguments: &ProjectArguments, command: &Arguments) -> Result<u8> {
    let path = pipeline_file(&command.pipeline)?;
    let ids = Rename::new(&command.old, &command.new).map_err(|reason| anyhow!(reason))?;
    let programs = stage_programs(arguments)?;
    let renaming = rename(&path, ids, &programs).map_err(explained)?;
    if !command.dry_run {
        renaming.write()?;
    }
    super::print_lines(&renaming.files.iter().map(listed).collect::<String>())?;
    for (path, reason) in &renaming.unread {
        tell(&format!(
            "note: {} was not looked at: {reason}; if it extends {}, change the name in it by hand",
            relative(path),
            relative(&renaming.plan.file)
        ));
    }
    tell(&summary(&renaming, command));
    Ok(exit::OK)
}

/// The error, after what it means if it is about a file that is not the pipeline's own as it stands.
fn explained(error: RenameError) -> anyhow::Error {
    let message = error.to_string();
    match error {
        RenameError::File(errors) => diagnosed(errors),
        RenameError::Extending { source, .. } | RenameError::Afterwards { source, .. } => {
            tell(&message);
            diagnosed(source)
        }
        other => other.into(),
    }
}

/// The lines of a file that are changed, as they are afterwards; how many, of a file that is written by the program.
fn listed(file: &ChangedFile) -> String {
    let path = relative(&file.path);
    if file.path.extension().is_some_and(|ending| ending == "lock") {
        let removed = file
            .lines
            .iter()
            .filter(|line| line.text.is_empty())
            .count();
        let ids = file.lines.len() - removed;
        let removed = match removed {
            0 => String::new(),
            count => format!(", {count} {} removed", plural(count, "output")),
        };
        return format!("{path}: {ids} {}{removed}\n", plural(ids, "id"));
    }
    let mut text = String::new();
    for line in &file.lines {
        let after = match line.text.as_str() {
            "" => "(removed)".to_owned(),
            after => after
                .lines()
                .map(str::trim)
                .collect::<Vec<_>>()
                .join("\n    "),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{path}:{}: {after}", line.number);
    }
    text
}

fn summary(
    renaming: &Renaming,
    Arguments {
        pipeline,
        old,
        new,
        dry_run,
    }: &Arguments,
) -> String {
    let done = if *dry_run { "would become" } else { "is" };
    let mut text = format!("{old} {done} {new}; ");
    let mut tables: Vec<&str> = Vec::new();
    for &task in &renaming.outdated {
        let table = renaming.plan.tasks[task].table();
        // Those of a table stand together.
        if tables.last() != Some(&table) {
            tables.push(table);
        }
    }
    let tasks = renaming.outdated.len();
    if tasks == 0 {
        text.push_str("nothing has to be computed again");
        return text;
    }
    let (tasks_word, show, read) = match tasks {
        1 => ("task", "shows", "reads"),
        _ => ("tasks", "show", "read"),
    };
    let _ = write!(
        text,
        "models and what is made from them are kept; {tasks} {tasks_word} of metrics and figures that {show} the name or {read} what does will be \
         computed again: {}",
        first_few(&tables, SHOWN)
    );
    let is_lock = |file: &ChangedFile| file.path.extension().is_some_and(|ending| ending == "lock");
    if renaming.files.iter().any(is_lock) {
        let _ = write!(
            text,
            "; their values are no longer in the lock file until `eigenscope lock {pipeline}` writes them down"
        );
    }
    text
}
