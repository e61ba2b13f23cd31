//! Reading a table back: nothing about the file is believed before it is checked.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};

use crate::limits;
use crate::write::entry;
use crate::{ArtifactError, ArtifactKind, Digest, KindName, Provenance, Record, decoded, regular};

/// What an artifact says about itself.
#[derive(Debug, Clone)]
pub struct Summary {
    /// Kind named by the metadata.
    pub kind: KindName,
    /// Version of the kind's schema.
    pub version: u32,
    /// Number of rows.
    pub rows: u64,
    /// Columns.
    pub schema: SchemaRef,
    /// Digest of the content, as recorded when it was written.
    pub content: Digest,
    /// Metadata of this kind (image size, class names, ...).
    pub metadata: BTreeMap<String, String>,
    /// What made it.
    pub provenance: Provenance,
}

/// An opened artifact whose metadata have been checked.
pub struct TableReader {
    path: PathBuf,
    summary: Summary,
    file: File,
    parquet: ArrowReaderMetadata,
    /// Bytes of the values of fixed size in one row.
    row_bytes: usize,
}

impl TableReader {
    /// Opens an artifact of any kind and version.
    pub fn open_any(path: &Path) -> Result<Self, ArtifactError> {
        let file = regular::open(path).map_err(|source| ArtifactError::io("open", path, source))?;
        let options = ArrowReaderOptions::new()
            .with_page_index_policy(parquet::file::metadata::PageIndexPolicy::Optional);
        let parquet = guarded(path, || ArrowReaderMetadata::load(&file, options))?;
        let entries: BTreeMap<&str, &str> = parquet
            .metadata()
            .file_metadata()
            .key_value_metadata()
            .map(|entries| {
                entries
                    .iter()
                    .filter_map(|entry| Some((entry.key.as_str(), entry.value.as_deref()?)))
                    .collect()
            })
            .unwrap_or_default();
        let get = |name: &'static str| {
            entries
                .get(name)
                .copied()
                .ok_or_else(|| ArtifactError::Foreign {
                    path: path.to_owned(),
                    entry: name,
                })
        };
        let invalid = |reason: String| ArtifactError::invalid(path, reason);
        let kind = get(entry::KIND)?.parse().map_err(invalid)?;
        let version = get(entry::VERSION)?;
        let version = version.parse().map_err(|_| {
            invalid(format!(
                "the schema version is `{version}`, expected a number"
            ))
        })?;
        let json_error = |name: &str, error: serde_json::Error| {
            ArtifactError::invalid(
                path,
                format!("metadata entry `{name}` cannot be read: {error}"),
            )
        };
        let summary = Summary {
            kind,
            version,
            rows: u64::try_from(parquet.metadata().file_metadata().num_rows())
                .map_err(|_| ArtifactError::damaged(path, "a negative number of rows"))?,
            schema: parquet.schema().clone(),
            content: get(entry::CONTENT)?
                .parse()
                .map_err(|reason: String| ArtifactError::invalid(path, reason))?,
            metadata: serde_json::from_str(get(entry::METADATA)?)
                .map_err(|error| json_error(entry::METADATA, error))?,
            provenance: serde_json::from_str(get(entry::PROVENANCE)?)
                .map_err(|error| json_error(entry::PROVENANCE, error))?,
        };
        let row_bytes = limits::row_bytes(&summary.schema)
            .map_err(|reason| ArtifactError::invalid(path, reason))?;
        Ok(Self {
            path: path.to_owned(),
            summary,
            file,
            parquet,
            row_bytes,
        })
    }

    /// Opens an artifact of this kind and this version of its schema.
    ///
    /// # Errors
    /// The file cannot be read, or holds another kind or version.
    pub fn open(path: &Path, kind: ArtifactKind) -> Result<Self, ArtifactError> {
        let reader = Self::open_named(path, kind.name())?;
        match reader.summary.version {
            version if version == kind.version() => Ok(reader),
            found => Err(ArtifactError::WrongVersion {
                path: path.to_owned(),
                expected: kind,
                found,
            }),
        }
    }

    /// Opens an artifact of the kind with this name, whatever the version of its schema.
    ///
    /// # Errors
    /// The file cannot be read, or holds another kind.
    pub fn open_named(path: &Path, kind: &str) -> Result<Self, ArtifactError> {
        let reader = Self::open_any(path)?;
        match reader.summary.kind.as_str() {
            found if found == kind => Ok(reader),
            found => Err(ArtifactError::WrongKind {
                path: path.to_owned(),
                expected: kind.to_owned(),
                found: found.to_owned(),
            }),
        }
    }

    /// What the artifact says about itself.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    /// Value of a metadata entry of this kind.
    pub fn metadata(&self, name: &str) -> Result<&str, ArtifactError> {
        self.summary
            .metadata
            .get(name)
            .map(String::as_str)
            .ok_or_else(|| {
                ArtifactError::invalid(
                    &self.path,
                    format!("metadata of `{}` lacks `{name}`", self.summary.kind),
                )
            })
    }

    /// Value of a metadata entry that is JSON of type `T`.
    pub fn metadata_json<T: serde::de::DeserializeOwned>(
        &self,
        name: &str,
    ) -> Result<T, ArtifactError> {
        serde_json::from_str(self.metadata(name)?).map_err(|error| {
            ArtifactError::invalid(&self.path, format!("metadata entry `{name}`: {error}"))
        })
    }

    /// Refuses a table whose columns are not `expected` (names, types and nullability, in order).
    pub fn expect_schema(&self, expected: &Schema) -> Result<(), ArtifactError> {
        let wrong = |reason: String| {
            Err(ArtifactError::WrongSchema {
                path: self.path.clone(),
                kind: self.summary.kind.clone(),
                reason,
            })
        };
        let found = &self.summary.schema;
        for (position, field) in expected.fields().iter().enumerate() {
            match found.fields().get(position) {
                None => return wrong(format!("column `{}` is missing", field.name())),
                Some(other)
                    if other.name() != field.name()
                        || other.data_type() != field.data_type()
                        || other.is_nullable() != field.is_nullable() =>
                {
                    return wrong(format!(
                        "column {position} is `{}` ({}), expected `{}` ({})",
                        other.name(),
                        other.data_type(),
                        field.name(),
                        field.data_type(),
                    ));
                }
                Some(_) => {}
            }
        }
        match found.fields().get(expected.fields().len()) {
            Some(extra) => wrong(format!("unexpected column `{}`", extra.name())),
            None => Ok(()),
        }
    }

    /// Number of rows of every row group, in file order.
    pub fn row_groups(&self) -> Vec<i64> {
        let groups = self.parquet.metadata().row_groups();
        groups.iter().map(|group| group.num_rows()).collect()
    }

    /// Rows in batches from the given row groups and columns (all when `None`).
    ///
    /// A batch has at most `batch_rows` rows, and fewer where that many would take more than about 64 MiB.
    pub fn batches(
        &self,
        batch_rows: usize,
        row_groups: Option<Vec<usize>>,
        columns: Option<&[usize]>,
    ) -> Result<impl Iterator<Item = Result<RecordBatch, ArtifactError>> + use<>, ArtifactError>
    {
        let path = self.path.clone();
        let file = self
            .file
            .try_clone()
            .map_err(|source| ArtifactError::io("read", &path, source))?;
        let mut builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.parquet.clone())
                .with_batch_size(batch_rows.clamp(1, limits::batch_rows(self.row_bytes)));
        if let Some(row_groups) = row_groups {
            builder = builder.with_row_groups(row_groups);
        }
        if let Some(columns) = columns {
            let mask = ProjectionMask::roots(builder.parquet_schema(), columns.iter().copied());
            builder = builder.with_projection(mask);
        }
        let mut reader = guarded(&path, || builder.build())?;
        let mut failed = false;
        Ok(std::iter::from_fn(move || {
            if failed {
                return None;
            }
            let item = guarded(&path, || reader.next().transpose()).transpose();
            failed = matches!(item, Some(Err(_)));
            item
        }))
    }
}

/// Runs a decoder on bytes that may be anything: its errors, and its panics, mean a damaged file.
fn guarded<T, E: std::fmt::Display>(
    path: &Path,
    decode: impl FnOnce() -> Result<T, E>,
) -> Result<T, ArtifactError> {
    match decoded(decode) {
        Some(result) => result.map_err(|error| ArtifactError::damaged(path, error)),
        None => Err(ArtifactError::damaged(path, "the decoder gave up on it")),
    }
}

/// All rows of a tidy table.
pub fn read_records<R: Record>(path: &Path) -> Result<Vec<R>, ArtifactError> {
    let reader = TableReader::open(path, R::KIND)?;
    reader.expect_schema(&R::schema())?;
    let mut rows = Vec::new();
    for batch in reader.batches(8192, None, None)? {
        rows.extend(R::from_batch(&batch?));
    }
    Ok(rows)
}

/// What the artifact at `path` says about itself, whatever its kind.
pub fn summarise(path: &Path) -> Result<Summary, ArtifactError> {
    TableReader::open_any(path).map(|reader| reader.summary)
}

#[cfg(test)]
mod tests {
    use std::panic::{self, catch_unwind};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    // The only test that lets a decoder panic: the hook of the process is set once.
    #[test]
    fn a_panic_of_a_decoder_is_an_error_and_is_not_printed() {
        static PRINTED: AtomicUsize = AtomicUsize::new(0);
        panic::set_hook(Box::new(|_| {
            PRINTED.fetch_add(1, Ordering::Relaxed);
        }));
        let path = Path::new("table.parquet");
        let error = guarded(path, || -> Result<(), String> { panic!("index 9 of 3") })
            .expect_err("a panic");
        assert!(matches!(error, ArtifactError::Damaged { .. }), "{error}");
        assert_eq!(PRINTED.load(Ordering::Relaxed), 0);
        assert!(catch_unwind(|| panic!("another")).is_err());
        assert_eq!(PRINTED.load(Ordering::Relaxed), 1);
        let _ = panic::take_hook();
    }
}
