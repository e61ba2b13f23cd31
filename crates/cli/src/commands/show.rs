//! `eigenscope show`: what an artifact holds and where it came from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use eigenscope_pipeline::show::{Shown, show};
use eigenscope_plan::file::closest;
use serde::Serialize;
use serde_json::Value;

use super::{stale_link, tell};
use crate::arguments::{ProjectArguments, Show};
use crate::exit;
use crate::json;
use crate::project::known_pipelines;
use crate::wrapping::width_of_stdout;

#[derive(Serialize)]
struct Report {
    artifacts: Vec<ArtifactReport>,
}

#[derive(Serialize)]
struct ArtifactReport {
    file: PathBuf,
    kind: String,
    schema_version: u32,
    rows: u64,
    content: String,
    /// Task, parameters, seed, code and inputs that made it.
    provenance: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted_for: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    metadata: BTreeMap<String, String>,
    columns: Vec<ColumnReport>,
    /// The first rows as `show` prints them: long values are cut.
    head: Vec<Vec<String>>,
}

#[derive(Serialize)]
struct ColumnReport {
    name: String,
    #[serde(rename = "type")]
    type_name: String,
    nullable: bool,
}

impl ArtifactReport {
    fn new(file: PathBuf, shown: Shown) -> Result<Self> {
        let summary = shown.summary;
        let fields = summary.schema.fields().iter();
        Ok(Self {
            file,
            kind: summary.kind.to_string(),
            schema_version: summary.version,
            rows: summary.rows,
            content: summary.content.to_string(),
            provenance: serde_json::to_value(&summary.provenance)?,
            accepted_for: shown.accepted_for,
            warnings: shown.warnings,
            metadata: summary.metadata,
            columns: fields
                .map(|field| ColumnReport {
                    name: field.name().clone(),
                    type_name: field.data_type().to_string(),
                    nullable: field.is_nullable(),
                })
                .collect(),
            head: shown.rows,
        })
    }
}

pub(crate) fn run(arguments: &ProjectArguments, command: &Show) -> Result<u8> {
    let mut texts = Vec::new();
    let mut artifacts = Vec::new();
    for path in &command.paths {
        for note in stale_link::notes(arguments, path) {
            tell(&note);
        }
        for file in tables(path)? {
            let shown = show(&file, command.rows)?;
            match command.json {
                true => artifacts.push(ArtifactReport::new(file, shown)?),
                false => {
                    let shown = shown.text(width_of_stdout());
                    texts.push(format!("{}\n{shown}", file.display()));
                }
            }
        }
    }
    match command.json {
        true => super::print(&json::text(&Report { artifacts })?)?,
        false => super::print_lines(&texts.join("\n"))?,
    }
    Ok(exit::OK)
}

/// The file itself, or the Parquet files of a folder.
fn tables(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.exists() {
        bail!("{} does not exist{}", path.display(), meant(path));
    }
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files: Vec<PathBuf> = entries(path)
        .with_context(|| format!("cannot read {}", path.display()))?
        .into_iter()
        .filter(|file| {
            file.extension()
                .is_some_and(|extension| extension == "parquet")
        })
        .collect();
    if files.is_empty() {
        bail!("{} holds no Parquet files", path.display());
    }
    files.sort();
    Ok(files)
}

fn entries(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder)?;
    Ok(entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect())
}

/// What may be meant by a path that is not there, in words: results of a pipeline of this name, or the path that is most like it.
fn meant(path: &Path) -> String {
    let name = path.to_string_lossy();
    if known_pipelines().iter().any(|pipeline| *pipeline == name) {
        return format!(
            "; `show` takes the path of a result, and `eigenscope ls {name} '*'` says those of the pipeline"
        );
    }
    // The first part that is missing is the one that is misspelt.
    let missing = path.ancestors().take_while(|part| !part.exists()).last();
    let Some((missing, name)) = missing.and_then(|part| Some((part, part.file_name()?))) else {
        return String::new();
    };
    let folder = match missing.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let there = entries(folder).unwrap_or_default();
    let there: Vec<String> = there
        .iter()
        .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .collect();
    let name = name.to_string_lossy();
    let close = closest(&name, there.iter().map(String::as_str));
    close.map_or_else(String::new, |close| {
        let close = missing.with_file_name(close);
        format!("; did you mean `{}`?", close.display())
    })
}
