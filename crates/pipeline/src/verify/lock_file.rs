//! `PIPELINE.lock`: what every task of a pipeline computes, committed with the code.
//!
//! It holds the content digest of every output, the kind of machine they were made on, and the values in a few numbers for
//! other kinds. Written sorted, one column a line, so that a change of it can be read in review. It is not edited by hand:
//! `eigenscope lock` writes it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use eigenscope_artifact::{ArtifactError, KindName, output, regular};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use toml::Spanned;

use super::summary::{ColumnSummary, OutputSummary};
use crate::machine::Machine;
use crate::store::Store;
use crate::survey::Survey;
use crate::version::Versioned;
use eigenscope_plan::Plan;
use eigenscope_plan::file::{FileError, FileErrors, deserialize};

/// Version of the format; a file of another version is not read.
pub const LOCK_VERSION: u32 = 1;

/// The lock file of a pipeline.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockFile {
    pub version: u32,
    /// The kind of machine that the results were made on.
    pub machine: Machine,
    /// The outputs of every task, by its id.
    pub task: BTreeMap<String, BTreeMap<KindName, OutputSummary>>,
}

/// The part of every version's file that says which version it is.
#[derive(Deserialize)]
struct OfVersion {
    version: Spanned<u32>,
}

/// A lock file that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// A task that has no valid result cannot be locked.
    #[error(
        "{count} {} not up to date, `{first}` for one; run the pipeline first",
        if *count == 1 { "task is" } else { "tasks are" }
    )]
    Stale { count: usize, first: String },
    /// A result cannot be read, or the file not be written.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
}

impl LockFile {
    /// The lock file of a pipeline file: `digits.toml` has `digits.lock`.
    pub fn beside(pipeline: &Path) -> PathBuf {
        pipeline.with_extension("lock")
    }

    /// Reads the file at `path`.
    ///
    /// # Errors
    /// The file cannot be read or is no lock file.
    pub fn read(path: &Path) -> Result<Self, FileErrors> {
        Self::parse(path, &Self::read_text(path)?)
    }

    pub(crate) fn read_text(path: &Path) -> Result<String, FileErrors> {
        regular::read_to_string(path).map_err(|cause| {
            let error = FileError::new("unreadable", "the lock file cannot be read");
            let error = error
                .help("`eigenscope lock PIPELINE` writes it")
                .caused_by(cause);
            FileErrors::unreadable(path, error)
        })
    }

    /// Reads the text of the file at `path`.
    pub(crate) fn parse(path: &Path, text: &str) -> Result<Self, FileErrors> {
        let fail = |error: FileError| {
            let help = "this is not a lock file; `eigenscope lock PIPELINE` writes it anew";
            FileErrors::one(path, text, error.help(help))
        };
        let found: OfVersion = deserialize(text).map_err(fail)?;
        Versioned::new(*found.version.as_ref())
            .expect(LOCK_VERSION)
            .map_err(|reason| {
                fail(FileError::new("version", reason).at(&found.version.span(), "here"))
            })?;
        deserialize(text).map_err(fail)
    }

    /// The results of all tasks of the plan, as `survey` found them in the store. Every file is read.
    pub fn of(plan: &Plan, survey: &Survey, store: &Store) -> Result<Self, LockError> {
        let tasks = plan.tasks.iter().enumerate();
        let stale = tasks.filter(|(index, _)| !survey.get(*index).is_some_and(|s| s.is_current()));
        let stale: Vec<&str> = stale.map(|(_, task)| task.id.as_str()).collect();
        if let Some(first) = stale.first() {
            return Err(LockError::Stale {
                count: stale.len(),
                first: (*first).to_owned(),
            });
        }
        let mut task = BTreeMap::new();
        for (index, state) in survey.iter() {
            let (Some(planned), Some(key)) = (plan.tasks.get(index), state.key()) else {
                continue;
            };
            let outputs = planned.outputs.iter();
            let outputs = outputs.map(|kind| {
                let summary = OutputSummary::of(&store.output(key, kind), kind)?;
                Ok((kind.clone(), summary))
            });
            let outputs: Result<_, ArtifactError> = outputs.collect();
            task.insert(planned.id.clone(), outputs?);
        }
        Ok(Self {
            version: LOCK_VERSION,
            machine: Machine::this(),
            task,
        })
    }

    pub fn write(&self, path: &Path, pipeline: &str) -> Result<(), LockError> {
        Ok(output::write(path, self.text(pipeline).as_bytes())?)
    }

    /// The file as it is written.
    pub(crate) fn text(&self, pipeline: &str) -> String {
        let Machine {
            architecture,
            system,
            vectors,
            cache,
            functions,
        } = &self.machine;
        let mut text = format!(
            "# What the pipeline `{pipeline}` computes. Written by `eigenscope lock {pipeline}`, read by `eigenscope verify`.\n\
             # A change of it is a change of results.\n\
             version = {}\n\n[machine]\n",
            self.version
        );
        for (name, value) in [
            ("architecture", architecture),
            ("system", system),
            ("vectors", vectors),
            ("cache", cache),
            ("functions", functions),
        ] {
            let _ = writeln!(text, "{name} = {}", quoted(value));
        }
        for (task, outputs) in &self.task {
            for (kind, output) in outputs {
                let _ = writeln!(text, "\n[task.{}.{kind}]", quoted(task));
                let _ = writeln!(text, "content = \"{}\"", output.content);
                if let Some(rows) = output.rows {
                    let _ = writeln!(text, "rows = {rows}");
                }
                for (name, column) in &output.columns {
                    let _ = writeln!(text, "columns.{} = {{ {} }}", key(name), fields(column));
                }
                if output.columns.is_empty() {
                    text.push_str("columns = {}\n");
                }
            }
        }
        text
    }
}

fn fields(column: &ColumnSummary) -> String {
    let exact = column.exact.iter();
    let exact = exact.map(|digest| format!("exact = {}", quoted(digest)));
    let missing = column.missing.iter();
    let missing = missing.map(|count| format!("missing = {count}"));
    let numbers = column.statistics().into_iter();
    let numbers = numbers.filter_map(|(name, value)| {
        // The same digits as Rust's shortest; TOML writes the others its own way.
        let number = toml::Value::Float(value?);
        Some(format!("{name} = {number}"))
    });
    let fields: Vec<String> = exact.chain(missing).chain(numbers).collect();
    fields.join(", ")
}

/// A text in quotes; the escapes of JSON are escapes of TOML.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A key, in quotes where TOML wants them.
fn key(name: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    match !name.is_empty() && name.bytes().all(is_bare) {
        true => name.to_owned(),
        false => quoted(name),
    }
}

#[cfg(test)]
mod tests {
    use eigenscope_artifact::{Digest, SVG};

    use super::*;
    use eigenscope_artifact::tables::embeddings::MapRow;

    fn example() -> LockFile {
        let column = ColumnSummary {
            missing: Some(2),
            mean: Some(1.5e-9),
            trend: Some(f64::NAN),
            minimum: Some(f64::NEG_INFINITY),
            maximum: Some(3.0e30),
            ..ColumnSummary::default()
        };
        let word = ColumnSummary {
            exact: Some("0123".to_owned()),
            ..ColumnSummary::default()
        };
        let columns = BTreeMap::from([
            ("value".to_owned(), column),
            ("(metadata)".to_owned(), word),
        ]);
        let output = |columns| OutputSummary {
            content: Digest::of(b"x"),
            rows: Some(3),
            columns,
        };
        let id = "metric.a[name=\"x\\y\",λ=1]".to_owned();
        let outputs = [
            (MapRow::KIND.into(), output(columns)),
            (SVG.into(), output(BTreeMap::new())),
        ];
        LockFile {
            version: LOCK_VERSION,
            machine: Machine::this(),
            task: BTreeMap::from([(id, BTreeMap::from(outputs))]),
        }
    }

    #[test]
    fn a_file_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("p.lock");
        let lock = example();
        lock.write(&path, "p").expect("written");
        let read = LockFile::read(&path).expect("readable");
        assert_eq!(format!("{read:?}"), format!("{lock:?}"));
    }
}
