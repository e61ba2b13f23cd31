//! `eigenscope sql`: questions to the tables of a pipeline.

use anyhow::{Context, Result, bail};
use eigenscope_pipeline::text_table::{Align, text_table_in_two_lines};
use eigenscope_query::{Catalogue, Table};
use serde::Serialize;

use super::{plural, tell};
use crate::arguments::{ProjectArguments, Sql};
use crate::exit::{self, diagnosed};
use crate::json;
use crate::project::Project;
use crate::wrapping::width_of_stdout;

#[derive(Serialize)]
struct Report<'a, T> {
    pipeline: &'a str,
    #[serde(flatten)]
    content: &'a T,
}

pub(crate) fn run(arguments: &ProjectArguments, command: &Sql) -> Result<u8> {
    if command.query.is_none() && command.pipeline.contains(char::is_whitespace) {
        bail!("the query comes after the pipeline: eigenscope sql PIPELINE 'select ...'");
    }
    let project = Project::open(arguments, &command.pipeline)?;
    project.tell_unusable_files();
    let survey = project.survey(&project.select(&[])?);
    project.tell_other_device(&survey);
    let catalogue = Catalogue::of(&project.plan, &survey, &project.store);
    let pipeline = project.plan.name.as_str();
    let Some(query) = &command.query else {
        for table in &catalogue.tables {
            if let Some(problem) = &table.problem {
                tell(&format!("note: {} cannot be read: {problem}", table.name));
            }
        }
        match command.json {
            true => super::print(&json::text(&Report {
                pipeline,
                content: &catalogue,
            })?)?,
            false => super::print_lines(&listed(&catalogue.tables, width_of_stdout()))?,
        }
        return Ok(exit::OK);
    };
    let answer = catalogue
        .query(project.invocation.words(), query)
        .map_err(diagnosed)?;
    for name in &answer.incomplete {
        if let Some(table) = catalogue.table(name) {
            tell(&format!(
                "note: {name} is without {}: not up to date, see `{}`",
                counted(table.missing.len(), "task"),
                project.invocation.command_of("status", &table.tasks)
            ));
        }
    }
    if command.csv {
        let mut csv = Vec::new();
        answer
            .write_csv(&mut csv)
            .context("cannot write the rows")?;
        super::print(&String::from_utf8(csv)?)?;
    } else if command.json {
        super::print(&json::text(&Report {
            pipeline,
            content: &answer,
        })?)?;
    } else {
        super::print_lines(&answer.text(width_of_stdout()))?;
    }
    Ok(exit::OK)
}

/// A line for each table, or two where its columns do not fit the width.
fn listed(tables: &[Table], width: Option<usize>) -> String {
    let lines = tables.iter().map(|table| {
        let (rows, tasks) = match table.missing.len() {
            _ if table.problem.is_some() => ("-".to_owned(), "cannot be read".to_owned()),
            _ if table.current.is_empty() => ("-".to_owned(), "not computed".to_owned()),
            0 => (table.rows.to_string(), counted(table.current.len(), "task")),
            missing => (
                table.rows.to_string(),
                format!(
                    "{} of {}",
                    table.current.len(),
                    counted(table.current.len() + missing, "task")
                ),
            ),
        };
        let columns = table.columns.iter().map(|column| column.name.as_str());
        vec![
            table.name.clone(),
            rows,
            tasks,
            columns.collect::<Vec<_>>().join(", "),
        ]
    });
    let head = ["table", "rows", "of", "columns"]
        .map(str::to_owned)
        .to_vec();
    let lines: Vec<Vec<String>> = std::iter::once(head).chain(lines).collect();
    let aligned = [Align::Left, Align::Right, Align::Left, Align::Left];
    text_table_in_two_lines(&lines, &aligned, 3, width)
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {}", plural(count, what))
}
