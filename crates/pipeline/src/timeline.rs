//! Draws a ledger: the one figure that is of a run and not of a pipeline, so that no cache holds it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use eigenscope_artifact::{Digest, Kind, Provenance, atomic};
use eigenscope_stage::{Event, Input, Section, TASK_VERSION, TaskFile};
use serde_json::json;

use crate::ledger::read_ledger;
use crate::programs::{ProgramError, Programs};
use crate::store::{Store, StoreError};

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum TimelineError {
    /// No run of the pipeline has left a ledger.
    #[error("no run of `{pipeline}` is recorded in {}: there is nothing to draw until one has run a task", .folder.display())]
    NoRun {
        /// The pipeline.
        pipeline: String,
        /// Folder of the ledgers.
        folder: PathBuf,
    },
    /// A file or folder could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The program that draws could not be started.
    #[error(transparent)]
    Program(#[from] ProgramError),
    /// It did not draw.
    #[error("the timeline cannot be drawn: {0}")]
    Drawing(String),
}

/// Draws a run of `pipeline` in which at least one task ran, as `output` (SVG) and beside it as PNG: the run called
/// `run`, or the latest. Returns its name.
///
/// # Errors
/// See [`TimelineError`].
pub fn draw(
    store: &Store,
    programs: &Programs,
    pipeline: &str,
    run: Option<&str>,
    output: &Path,
) -> Result<String, TimelineError> {
    let (run, ledger) = match run {
        Some(run) => {
            let ledger = store.ledger().join(format!("{run}.parquet"));
            read_ledger(&ledger)?;
            (run.to_owned(), ledger)
        }
        None => latest(store, pipeline).ok_or_else(|| TimelineError::NoRun {
            pipeline: pipeline.to_owned(),
            folder: store.ledger(),
        })?,
    };
    let folder = tempfile::tempdir()
        .map_err(|source| StoreError::io("create a folder in", &std::env::temp_dir(), source))?;
    let outputs = [Kind::Svg, Kind::Png, Kind::Interactive]
        .map(|kind| (kind, folder.path().join(kind.file_name())));
    let input = Input {
        task: run.clone(),
        labels: BTreeMap::new(),
        path: ledger,
        content: Digest::of(b""),
    };
    let task = TaskFile {
        version: TASK_VERSION,
        kind: "timeline".to_owned(),
        threads: 1,
        data_dir: PathBuf::new(),
        download: false,
        inputs: BTreeMap::from([("ledger".to_owned(), vec![input])]),
        outputs: outputs.clone().into(),
        provenance: Provenance {
            task: "timeline".to_owned(),
            kind: "figure/timeline".to_owned(),
            fingerprint: String::new(),
            parameters: json!({}),
            seed: 0,
            inputs: Vec::new(),
        },
    };
    run_task(&programs.path(Section::Figure), &task, folder.path())?;
    // The interactive form is of use in reports only.
    for (kind, drawn) in outputs.into_iter().take(2) {
        let bytes =
            std::fs::read(&drawn).map_err(|source| StoreError::io("read", &drawn, source))?;
        atomic::write_file(&output.with_extension(kind.extension()), &bytes)
            .map_err(StoreError::from)?;
    }
    Ok(run)
}

/// The latest run of `pipeline` that has a readable ledger.
fn latest(store: &Store, pipeline: &str) -> Option<(String, PathBuf)> {
    let entries = std::fs::read_dir(store.ledger()).into_iter().flatten();
    let mut ledgers: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    // The names begin with the time.
    ledgers.sort();
    ledgers.into_iter().rev().find_map(|ledger| {
        let row = read_ledger(&ledger).ok()?.into_iter().next()?;
        (row.pipeline == pipeline).then_some((row.run, ledger))
    })
}

fn run_task(program: &Path, task: &TaskFile, folder: &Path) -> Result<(), TimelineError> {
    let path = folder.join("task.json");
    serde_json::to_vec(task)
        .map_err(std::io::Error::from)
        .and_then(|text| std::fs::write(&path, text))
        .map_err(|source| StoreError::io("write", &path, source))?;
    let output = Command::new(program)
        .arg("run")
        .arg(&path)
        .stderr(Stdio::null())
        .output();
    let output = output.map_err(|source| {
        let path = program.to_owned();
        ProgramError::Start { path, source }
    })?;
    if output.status.success() {
        return Ok(());
    }
    let lines = String::from_utf8_lossy(&output.stdout);
    let mut events = lines
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let told = events.find_map(|event| match event {
        Event::Failed { messages } => Some(messages.join(": ")),
        _ => None,
    });
    Err(TimelineError::Drawing(
        told.unwrap_or_else(|| output.status.to_string()),
    ))
}
