//! `eigenscope diff`: what two pipelines, revisions or runs ask for differently, and what came out differently.

mod page;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use eigenscope_pipeline::diff::{Diff, NumberChange, Results, RevisionFile, Side, TaskChange};
use eigenscope_pipeline::store::Store;
use eigenscope_pipeline::text_table::{Align, text_table, text_table_within};
use eigenscope_plan::Plan;
use eigenscope_plan::label::table_of;
use eigenscope_plan::programs::Programs;

use super::{output, plural, tallied, tell};
use crate::arguments::{Diff as Arguments, ProjectArguments};
use crate::exit::{self, diagnosed, diagnosed_in};
use crate::json;
use crate::planning;
use crate::project::{PIPELINES, pipeline_file, stage_programs, store};
use crate::settings;
use crate::wrapping::width_of_stdout;

/// Rows of a column that are printed, unless all are asked for: those that differ most.
const SHOWN: usize = 8;

/// Digits of a key that are printed.
const KEY_DIGITS: usize = 12;

pub(crate) fn run(arguments: &ProjectArguments, command: &Arguments) -> Result<u8> {
    if let Some(file) = &command.output
        && !output::is_stdout(file)
        && file.extension().is_none_or(|ending| ending != "html")
    {
        bail!(
            "{} does not end in .html: name the page to write",
            file.display()
        );
    }
    let before = Words::new(&command.before);
    let after = match &command.after {
        Some(after) => Words::new(after),
        None => Words::Now {
            pipeline: before.pipeline(),
        },
    };
    if let (Words::Now { pipeline }, None) = (&before, &command.after) {
        pipeline_file(pipeline).map_err(|error| meant_otherwise(error, pipeline))?;
        bail!(
            "name what to compare {0} with: another pipeline, or give a run of it (`{0}@12`) or a revision of its file \
             (`HEAD~1:{0}`), which are compared with what the file says now",
            command.before
        );
    }
    let store = store(arguments)?;
    let mut sides = Sides {
        arguments,
        store: &store,
        programs: None,
    };
    let after_name = command.after.as_deref().unwrap_or(after.pipeline());
    let before = sides.side(&before, &command.before)?;
    let after = sides.side(&after, after_name)?;
    let diff = Diff::new(&before, &after, &store)?;
    if let Some(file) = &command.output {
        let text = text(&diff, command.all, None);
        output::write(file, page::page(&diff, &text)?.as_bytes())?;
        if output::is_stdout(file) {
            return Ok(exit::OK);
        }
        tell(&format!("wrote {}", file.display()));
    }
    match command.json {
        true => super::print(&json::text(&diff)?)?,
        false => super::print_lines(&text(&diff, command.all, width_of_stdout()))?,
    }
    Ok(exit::OK)
}

/// What a side is given as.
enum Words<'a> {
    /// `digits`, `my/file.toml`
    Now { pipeline: &'a str },
    /// `HEAD~1:digits`
    Revision {
        revision: &'a str,
        pipeline: &'a str,
    },
    /// `digits@12`
    Run { pipeline: &'a str, run: &'a str },
}

impl<'a> Words<'a> {
    fn new(text: &'a str) -> Self {
        // A file whose name has such signs is meant as it stands.
        if Path::new(text).exists() {
            return Words::Now { pipeline: text };
        }
        if let Some((pipeline, run)) = text.rsplit_once('@')
            && !run.is_empty()
            && run.bytes().all(|byte| byte.is_ascii_digit())
        {
            return Words::Run { pipeline, run };
        }
        match text.rsplit_once(':') {
            Some((revision, pipeline)) => Words::Revision { revision, pipeline },
            None => Words::Now { pipeline: text },
        }
    }

    fn pipeline(&self) -> &'a str {
        match self {
            Words::Now { pipeline }
            | Words::Revision { pipeline, .. }
            | Words::Run { pipeline, .. } => pipeline,
        }
    }
}

/// The file of a pipeline as it was at another time: it need not be there any more.
fn file_then(pipeline: &str) -> PathBuf {
    let gone = || match pipeline.ends_with(".toml") {
        true => PathBuf::from(pipeline),
        false => Path::new(PIPELINES).join(format!("{pipeline}.toml")),
    };
    pipeline_file(pipeline).unwrap_or_else(|_| gone())
}

/// The error about a pipeline that is not there, with what was meant by its sign.
fn meant_otherwise(error: anyhow::Error, pipeline: &str) -> anyhow::Error {
    match pipeline.split_once('@') {
        Some((name, what)) if !name.is_empty() && !what.is_empty() => anyhow!(
            "{error}; what stands behind `@` is the number of a run (`{name}@12`), and a revision of Git stands before the pipeline (`{what}:{name}`)"
        ),
        _ => error,
    }
}

/// What sides are made from.
struct Sides<'a> {
    arguments: &'a ProjectArguments,
    store: &'a Store,
    /// What the stage programs say, once they have been asked.
    programs: Option<Programs>,
}

impl Sides<'_> {
    fn side(&mut self, words: &Words<'_>, name: &str) -> Result<Side> {
        match words {
            Words::Now { pipeline } => {
                let file =
                    pipeline_file(pipeline).map_err(|error| meant_otherwise(error, pipeline))?;
                settings::read(&file)?;
                let plan = eigenscope_plan::read(&file, self.programs()?).map_err(diagnosed)?;
                Ok(self.planned(name, &plan))
            }
            Words::Revision { revision, pipeline } => {
                let file = file_then(pipeline);
                settings::read(&file)?;
                let then = RevisionFile::new(&file, revision)?;
                // Its place is temporary; what it was is not.
                let shown = match file.parent() {
                    Some(folder) if folder != Path::new("") => {
                        format!("{revision}:{}", folder.display())
                    }
                    _ => format!("{revision}:."),
                };
                let plan = eigenscope_plan::read(&then.path(), self.programs()?);
                let folder = then.folder().display().to_string();
                let plan = plan.map_err(|error| diagnosed_in(error, &folder, &shown))?;
                Ok(self.planned(name, &plan))
            }
            Words::Run { run, pipeline } => {
                let file = file_then(pipeline);
                let pipeline = file.file_stem().unwrap_or_default().to_string_lossy();
                let run = run
                    .parse()
                    .with_context(|| format!("there is no run {run}"))?;
                let side = Side::after_run(name.to_owned(), &pipeline, run, self.store);
                // That there is no such pipeline says more.
                side.map_err(|error| match pipeline_file(words.pipeline()) {
                    Ok(_) => error.into(),
                    Err(missing) => missing,
                })
            }
        }
    }

    fn programs(&mut self) -> Result<&Programs> {
        let programs = match self.programs.take() {
            Some(programs) => programs,
            None => stage_programs(self.arguments)?,
        };
        Ok(self.programs.insert(programs))
    }

    fn planned(&self, name: &str, plan: &Plan) -> Side {
        let all: Vec<usize> = (0..plan.tasks.len()).collect();
        let data_dir = &self.arguments.data_dir;
        Side::planned(
            name.to_owned(),
            plan,
            &all,
            self.store,
            data_dir,
            &planning::show(),
        )
    }
}

/// What differs, for people: with tables of numbers of at most `width` characters.
fn text(diff: &Diff, all: bool, width: Option<usize>) -> String {
    let Diff { before, after, .. } = diff;
    if diff.is_empty() {
        return format!("{before} and {after} ask for the same, and their results are equal\n");
    }
    let mut text = String::new();
    for (side, only) in [(before, &diff.only_before), (after, &diff.only_after)] {
        let only = only.iter().map(|task| (task.as_str(), String::new()));
        section(&mut text, &format!("Only in {side}"), &by_table(only));
    }
    let changed = |task: &&TaskChange| !task.causes.is_empty();
    let of_own = diff.tasks.iter().filter(changed);
    let causes = of_own.map(|task| (task.task.as_str(), task.causes.join("; ")));
    section(
        &mut text,
        &format!("From {before} to {after}"),
        &by_table(causes),
    );
    section(&mut text, "Results", &results(diff));
    section(
        &mut text,
        "Numbers (means over seeds; ± is the 90% interval of the mean difference of pairs)",
        &numbers(&diff.numbers, all, width),
    );
    let left_out = diff.left_out.iter().map(|left_out| {
        let rows = format!("{} rows at the end", left_out.rows);
        vec![left_out.task.clone(), left_out.output.clone(), rows]
    });
    section(
        &mut text,
        "Not compared, as these tables are long",
        &text_table(&left_out.collect::<Vec<_>>(), &[]),
    );
    let figures = diff.figures.iter().map(|figure| {
        vec![
            figure.task.clone(),
            short(&super::relative(&figure.before)),
            short(&super::relative(&figure.after)),
        ]
    });
    section(
        &mut text,
        "Figures",
        &text_table(&figures.collect::<Vec<_>>(), &[]),
    );
    text
}

/// A path in which keys are cut to what tells them apart, with a star, by which a shell finds the whole.
fn short(path: &str) -> String {
    let is_key =
        |part: &str| part.len() == 64 && part.bytes().all(|letter| letter.is_ascii_hexdigit());
    let parts = path.split('/').map(|part| match is_key(part) {
        true => format!("{}*", &part[..KEY_DIGITS]),
        false => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("/")
}

/// A heading and what stands below it, if anything does.
fn section(text: &mut String, heading: &str, below: &str) {
    if below.is_empty() {
        return;
    }
    if !text.is_empty() {
        text.push('\n');
    }
    let _ = writeln!(text, "{heading}");
    for line in below.lines() {
        let _ = writeln!(text, "  {line}");
    }
}

/// A line for each table and what is said of its tasks.
fn by_table<'a>(tasks: impl Iterator<Item = (&'a str, String)>) -> String {
    let mut groups: Vec<(&str, String, usize)> = Vec::new();
    for (task, said) in tasks {
        let table = table_of(task);
        match groups
            .iter_mut()
            .find(|(of, known, _)| *of == table && *known == said)
        {
            Some((.., count)) => *count += 1,
            None => groups.push((table, said, 1)),
        }
    }
    let lines = groups.into_iter().map(|(table, said, count)| {
        let tasks = plural(count, "task");
        vec![table.to_owned(), format!("{count} {tasks}"), said]
    });
    text_table(&lines.collect::<Vec<_>>(), &[])
}

/// What has become of results, in a few lines.
fn results(diff: &Diff) -> String {
    let count = |results: &[Results], of_own: Option<bool>| {
        let tasks = diff.tasks.iter().filter(|task| {
            results.contains(&task.results)
                && of_own.is_none_or(|own| task.causes.is_empty() != own)
        });
        tasks.count()
    };
    let counts = tallied([
        (count(&[Results::Differ], Some(true)), "differ".to_owned()),
        (
            count(&[Results::Differ], Some(false)),
            "differ by what they read".to_owned(),
        ),
        (
            count(&[Results::Equal], None) + diff.equal,
            "equal".to_owned(),
        ),
        (
            count(&[Results::MissingBefore], None),
            format!("not there in {}", diff.before),
        ),
        (
            count(&[Results::MissingAfter], None),
            format!("not there in {}", diff.after),
        ),
        (
            count(&[Results::MissingOnBoth], None),
            "there in neither".to_owned(),
        ),
    ]);
    format!("{counts}\n")
}

/// A table for each column with its rows that differ most.
fn numbers(changes: &[NumberChange], all: bool, width: Option<usize>) -> String {
    let mut columns: BTreeMap<(&str, &str, &str), Vec<&NumberChange>> = BTreeMap::new();
    for change in changes {
        let place = (
            change.table.as_str(),
            change.output.as_str(),
            change.column.as_str(),
        );
        columns.entry(place).or_default().push(change);
    }
    let mut text = String::new();
    for ((table, output, column), mut changes) in columns {
        let _ = writeln!(text, "{table}, {output}: {column}");
        changes.sort_by(|one, other| other.difference.abs().total_cmp(&one.difference.abs()));
        let count = match all {
            true => changes.len(),
            false => changes.len().min(SHOWN),
        };
        let mut lines: Vec<Vec<String>> = changes[..count]
            .iter()
            .map(|change| cells(change))
            .collect();
        lines.insert(
            0,
            ["", "before", "after", "difference", "", "pairs"]
                .map(str::to_owned)
                .to_vec(),
        );
        let aligned = [
            Align::Left,
            Align::Right,
            Align::Right,
            Align::Right,
            Align::Left,
            Align::Right,
        ];
        // It stands in a section, below the name of its column.
        let width = width.map(|width| width - 4);
        for line in text_table_within(&lines, &aligned, width).lines() {
            let _ = writeln!(text, "  {line}");
        }
        if count < changes.len() {
            let _ = writeln!(
                text,
                "  and {} more rows (--all lists them)",
                changes.len() - count
            );
        }
    }
    text
}

fn cells(change: &NumberChange) -> Vec<String> {
    let row = change
        .row
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    vec![
        row.collect::<Vec<_>>().join(", "),
        significant(change.before),
        significant(change.after),
        format!(
            "{}{}",
            if change.difference > 0.0 { "+" } else { "" },
            significant(change.difference)
        ),
        change
            .half_width
            .map_or_else(String::new, |width| format!("± {}", significant(width))),
        change.pairs.to_string(),
    ]
}

/// A number with four significant digits.
fn significant(number: f64) -> String {
    const DIGITS: i32 = 4;
    let magnitude = number.abs();
    if number == 0.0 || !number.is_finite() {
        return number.to_string();
    }
    if !(1e-4..1e6).contains(&magnitude) {
        return format!("{number:.3e}");
    }
    let decimals = (DIGITS - 1 - magnitude.log10().floor() as i32).max(0);
    format!("{number:.*}", decimals.unsigned_abs() as usize)
}
