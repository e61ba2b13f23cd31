//! `eigenscope gc`: remove what no pipeline needs any more.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Result;
use eigenscope_pipeline::gc::{Collection, Options, Removal, RemovalKind, collect};
use eigenscope_pipeline::store::{Key, Store};
use eigenscope_pipeline::text_table::{Align, text_table_in_two_lines};
use eigenscope_plan::Plan;
use serde::Serialize;

use super::{plural, relative, tallied, tell};
use crate::arguments::{Gc, ProjectArguments};
use crate::exit;
use crate::json;
use crate::project::{all_plans, store};
use crate::settings;
use crate::sharing::Shared;
use crate::wrapping::width_of_stdout;

#[derive(Serialize)]
struct Report<'a> {
    dry_run: bool,
    #[serde(flatten)]
    collection: &'a Collection,
}

pub(crate) fn run(arguments: &ProjectArguments, command: &Gc) -> Result<u8> {
    let plans = all_plans(arguments, &command.pipelines).inspect_err(|_| {
        tell("nothing is removed: what a pipeline needs is unknown until its file can be read");
    })?;
    let mut options = Options {
        removable: None,
        keep_days: command.keep_days,
        keep_runs: command.keep_runs,
        dry_run: command.dry_run,
    };
    let store = store(arguments)?;
    if command.pushed {
        options.removable = Some(pushed(arguments, &plans, &store, &options)?);
    }
    let collection = collect(&plans, &store, &arguments.data_dir, &options)?;
    match command.json {
        true => super::print(&json::text(&Report {
            dry_run: command.dry_run,
            collection: &collection,
        })?)?,
        false => super::print_lines(&listed(&collection.removed))?,
    }
    if collection.spared_results > 0 {
        let count = collection.spared_results;
        let (were, stay) = match count {
            1 => ("was", "stays"),
            _ => ("were", "stay"),
        };
        let results = plural(count, "result");
        tell(&format!(
            "{count} {results} that no pipeline needs {were} not found on the remote and {stay}"
        ));
    }
    for note in notes(&collection, &plans) {
        tell(&note);
    }
    tell(&summary(&collection, command.dry_run));
    Ok(exit::OK)
}

/// The results that would be removed now and are on the remote with the same bytes. That takes long to find out, and the store is not
/// locked meanwhile: what becomes unneeded until the end is none of them.
fn pushed(
    arguments: &ProjectArguments,
    plans: &[Plan],
    store: &Store,
    options: &Options,
) -> Result<BTreeSet<Key>> {
    let file = plans
        .first()
        .map_or(Path::new(""), |plan| plan.file.as_path());
    let remote = Shared::new(&settings::read(file)?).remote()?;
    let dry_run = Options {
        dry_run: true,
        ..options.clone()
    };
    let going = collect(plans, store, &arguments.data_dir, &dry_run)?.removed_keys();
    Ok(remote.holds_intact(store, &going)?)
}

/// Notes about pipelines that were not examined, so that what they need is not kept.
fn notes(collection: &Collection, plans: &[Plan]) -> Vec<String> {
    let files = &collection.unknown_files;
    let stem = |file: &PathBuf| file.file_stem().unwrap_or_default().to_owned();
    let given: Vec<String> = plans.iter().map(|plan| relative(&plan.file)).collect();
    let given = given.join(", ");
    let of_files = files.iter().map(|file| {
        let shown = relative(file);
        let advice = match file.exists() {
            true => "name it to keep that",
            false => "the file is gone",
        };
        match plans.iter().find(|plan| stem(file) == *plan.name) {
            Some(plan) => format!(
                "{shown} has results here, too, and shares the links of {}: of its results those stay that these links lead \
                 to, but what else it needs is not kept; {advice}",
                relative(&plan.file)
            ),
            None => not_kept(&shown, &given, advice),
        }
    });
    let names = collection.unknown_pipelines.iter();
    let names = names.filter(|name| !files.iter().any(|file| stem(file) == name.as_str()));
    let of_names =
        names.map(|name| not_kept(&format!("`{name}`"), &given, "name its file to keep it"));
    of_files.chain(of_names).collect()
}

fn not_kept(pipeline: &str, given: &str, advice: &str) -> String {
    format!(
        "{pipeline} has results here and is none of the pipelines that were looked at ({given}): what only it needs is not \
         kept; {advice}"
    )
}

/// A line for everything that is removed, or two where its path does not fit the width.
pub(super) fn listed(removed: &[Removal]) -> String {
    let lines: Vec<Vec<String>> = removed
        .iter()
        .map(|item| {
            let path = item.path.display().to_string();
            let mut line = vec![item.what.name().to_owned(), bytes(item.bytes), path];
            line.extend(item.task.clone());
            line
        })
        .collect();
    let aligned = [Align::Left, Align::Right, Align::Left, Align::Left];
    text_table_in_two_lines(&lines, &aligned, 2, width_of_stdout())
}

pub(super) fn summary(collection: &Collection, dry_run: bool) -> String {
    let counts = RemovalKind::ALL.into_iter().map(|kind| {
        let of_kind = collection.removed.iter().filter(|item| item.what == kind);
        let count = of_kind.count();
        (count, plural(count, kind.name()))
    });
    let counts = tallied(counts);
    let stay = match collection.kept_results {
        1 => "1 result stays".to_owned(),
        kept => format!("{kept} results stay"),
    };
    if counts.is_empty() {
        return format!("nothing to remove; {stay}");
    }
    let freed = match dry_run {
        true => "would free",
        false => "freed",
    };
    let size = bytes(collection.freed_bytes);
    format!("{freed} {size}: {counts}; {stay}")
}

/// A size in the largest unit of which there is at least one.
pub(super) fn bytes(count: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    let mut size = count as f64;
    let mut unit = "B";
    for larger in units {
        if size < 1024.0 {
            break;
        }
        size /= 1024.0;
        unit = larger;
    }
    match unit {
        "B" => format!("{count} B"),
        _ => format!("{size:.1} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_short() {
        for (count, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1536, "1.5 KiB"),
            (3 << 30, "3.0 GiB"),
            (1 << 60, "1048576.0 TiB"),
        ] {
            assert_eq!(bytes(count), text);
        }
    }
}
