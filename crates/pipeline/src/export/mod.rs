//! Results as files of other programs: tables as CSV, NumPy arrays or Arrow, embeddings for TensorBoard's projector, and models,
//! which the program of the stage `model` writes.

pub(crate) mod csv;
mod model;
mod npz;
mod projector;

use std::path::{Path, PathBuf};

use eigenscope_artifact::arrow::record_batch::RecordBatch;
use eigenscope_artifact::{ArtifactError, TableReader};
use eigenscope_checkpoint::CheckpointError;

pub use model::{inspect, model, python};
pub use projector::{Projector, projector};

/// Rows of a table that are in memory at a time.
const ROWS: usize = 4096;

/// A result that cannot be written as asked.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error("cannot write {what}")]
    Write {
        what: &'static str,
        #[source]
        source: std::io::Error,
    },
    /// The table cannot be held by the format.
    #[error("{path} cannot be written as {format}: {reason}", path = path.display())]
    Unsuitable {
        path: PathBuf,
        format: &'static str,
        reason: String,
    },
    /// The program that writes models did not start, or failed.
    #[error("{program}: {reason}", program = program.display())]
    Program { program: PathBuf, reason: String },
}

/// A format of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableFormat {
    /// Comma-separated values (RFC 4180); lists are JSON.
    Csv,
    /// One array of NumPy for each column, or for each tensor.
    Npz,
    /// The file format of Arrow IPC, also known as Feather 2.
    Arrow,
}

/// The bytes of the table at `path` in a format, and notes on what is left out.
///
/// # Errors
/// The file is no readable artifact, or the format cannot hold it.
pub fn table(path: &Path, format: TableFormat) -> Result<(Vec<u8>, Vec<String>), ExportError> {
    match format {
        TableFormat::Csv => Ok((csv::write(path)?, Vec::new())),
        TableFormat::Npz => npz::write(path),
        TableFormat::Arrow => Ok((arrow(path)?, Vec::new())),
    }
}

fn arrow(path: &Path) -> Result<Vec<u8>, ExportError> {
    let reader = TableReader::open_any(path)?;
    let unsuitable =
        |error: eigenscope_artifact::arrow::error::ArrowError| ExportError::Unsuitable {
            path: path.to_owned(),
            format: "Arrow",
            reason: error.to_string(),
        };
    let mut bytes = Vec::new();
    let mut writer = arrow_ipc::writer::FileWriter::try_new(&mut bytes, &reader.summary().schema)
        .map_err(unsuitable)?;
    for batch in batches(&reader)? {
        writer.write(&batch?).map_err(unsuitable)?;
    }
    writer.finish().map_err(unsuitable)?;
    drop(writer);
    Ok(bytes)
}

fn batches(
    reader: &TableReader,
) -> Result<impl Iterator<Item = Result<RecordBatch, ArtifactError>>, ArtifactError> {
    reader.batches(ROWS, None, None)
}
