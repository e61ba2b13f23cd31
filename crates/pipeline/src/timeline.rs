//! Drawings of ledgers: figures of a run, not of a pipeline, and so not part of the store.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use eigenscope_artifact::{Digest, INTERACTIVE, KindName, PDF, PNG, Provenance, SVG};
use eigenscope_stage::{Device, Input, Stage, TASK_VERSION, TaskFile};
use serde_json::json;

use crate::invoke::{InvokeError, invoke};
use crate::ledger::{ledgers, read_ledger};
use crate::store::{Store, StoreError};
use eigenscope_plan::programs::Programs;

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub enum TimelineError {
    /// No run of the pipeline has left a ledger.
    #[error("no run of `{pipeline}` is recorded in {}: there is nothing to draw until one has run a task", .folder.display())]
    NoRun { pipeline: String, folder: PathBuf },
    /// A file or folder could not be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The program that draws did not.
    #[error(transparent)]
    Drawing(#[from] InvokeError),
}

/// A run as a picture.
#[derive(Debug)]
pub struct Drawing {
    pub run: String,
    pub svg: Vec<u8>,
    pub png: Vec<u8>,
    pub pdf: Vec<u8>,
}

/// Draws a run of `pipeline` in which at least one task ran: the one called `run`, or the latest.
///
/// # Errors
/// See [`TimelineError`].
pub fn draw(
    store: &Store,
    programs: &Programs,
    pipeline: &str,
    run: Option<&str>,
) -> Result<Drawing, TimelineError> {
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
    let outputs = [SVG, PNG, PDF, INTERACTIVE]
        .map(|kind| (KindName::from(kind), folder.path().join(kind.file_name())));
    let input = Input {
        task: run.clone(),
        labels: BTreeMap::new(),
        path: ledger,
        content: Digest::of(b""),
        renamed: BTreeMap::new(),
    };
    let task = TaskFile {
        version: TASK_VERSION,
        kind: "timeline".to_owned(),
        threads: 1,
        data_dir: PathBuf::new(),
        download: false,
        device: Device::Cpu,
        card: None,
        inputs: BTreeMap::from([("ledger".to_owned(), vec![input])]),
        outputs: outputs.clone().into(),
        provenance: Provenance {
            task: "timeline".to_owned(),
            kind: "figure/timeline".to_owned(),
            fingerprint: String::new(),
            parameters: json!({}),
            seed: 0,
            inputs: Vec::new(),
            device: None,
        },
        renamed: None,
    };
    invoke(&programs.path(Stage::Figure), "run", &task)?;
    // The interactive form is of use in reports only.
    let read =
        |path: &Path| std::fs::read(path).map_err(|source| StoreError::io("read", path, source));
    let [(_, svg), (_, png), (_, pdf), _] = &outputs;
    Ok(Drawing {
        run,
        svg: read(svg)?,
        png: read(png)?,
        pdf: read(pdf)?,
    })
}

/// The latest run of `pipeline` that has a readable ledger.
fn latest(store: &Store, pipeline: &str) -> Option<(String, PathBuf)> {
    ledgers(store).into_iter().rev().find_map(|ledger| {
        let row = read_ledger(&ledger).ok()?.into_iter().next()?;
        (row.pipeline == pipeline).then_some((row.run, ledger))
    })
}
