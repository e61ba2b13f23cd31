//! Writing a table: encoding, content digest, metadata, atomic placement.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::arrow::{
    ARROW_SCHEMA_META_KEY, ArrowSchemaConverter, ArrowWriter, encode_arrow_schema,
};
use parquet::basic::{Compression, Type, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{
    EnabledStatistics, WriterProperties, WriterPropertiesBuilder, WriterVersion,
};

use crate::atomic::AtomicFile;
use crate::digest::ColumnHasher;
use crate::footer::mark_type_order;
use crate::{ArtifactError, ArtifactKind, Digest, Provenance, Record};

/// Metadata entries of every artifact: of the Parquet file, and of the Arrow schema in it, which is where pyarrow's `read_schema` looks.
pub(crate) mod entry {
    pub(crate) const KIND: &str = "eigenscope.kind";
    pub(crate) const VERSION: &str = "eigenscope.version";
    pub(crate) const CONTENT: &str = "eigenscope.content";
    pub(crate) const METADATA: &str = "eigenscope.metadata";
    pub(crate) const PROVENANCE: &str = "eigenscope.provenance";
}

/// Writes one table batch by batch. Dropped before [`TableWriter::finish`], it leaves nothing.
pub struct TableWriter {
    path: PathBuf,
    kind: ArtifactKind,
    schema: SchemaRef,
    metadata: BTreeMap<String, String>,
    provenance: Provenance,
    columns: Vec<ColumnHasher>,
    rows: u64,
    file: AtomicFile,
    writer: ArrowWriter<File>,
}

impl TableWriter {
    /// Starts a table of `kind` at `path` with the given columns. `metadata` is part of the content.
    pub fn create(
        path: &Path,
        kind: ArtifactKind,
        schema: SchemaRef,
        metadata: BTreeMap<String, String>,
        provenance: &Provenance,
    ) -> Result<Self, ArtifactError> {
        Self::create_with(
            path,
            kind,
            schema,
            metadata,
            provenance,
            default_properties(),
        )
    }

    pub(crate) fn create_with(
        path: &Path,
        kind: ArtifactKind,
        schema: SchemaRef,
        metadata: BTreeMap<String, String>,
        provenance: &Provenance,
        properties: WriterPropertiesBuilder,
    ) -> Result<Self, ArtifactError> {
        let file = AtomicFile::create(path)?;
        let handle = file.handle()?;
        let writer = without_float_statistics(properties, &schema)
            .and_then(|properties| {
                let options = ArrowWriterOptions::new()
                    .with_properties(properties.build())
                    .with_skip_arrow_metadata(true);
                ArrowWriter::try_new_with_options(handle, schema.clone(), options)
            })
            .map_err(|error| ArtifactError::encoder(path, error))?;
        let columns = schema
            .fields()
            .iter()
            .map(|_| ColumnHasher::default())
            .collect();
        Ok(Self {
            path: path.to_owned(),
            kind,
            schema,
            metadata,
            provenance: provenance.clone(),
            columns,
            rows: 0,
            file,
            writer,
        })
    }

    /// Appends the rows of `batch`, which must have the table's columns.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), ArtifactError> {
        for (hasher, column) in self.columns.iter_mut().zip(batch.columns()) {
            hasher
                .update(column)
                .map_err(|reason| ArtifactError::unwritable(&self.path, reason))?;
        }
        self.rows += batch.num_rows() as u64;
        self.writer
            .write(batch)
            .map_err(|error| ArtifactError::encoder(&self.path, error))
    }

    /// Ends the current row group, so that its rows can be read alone.
    pub fn end_row_group(&mut self) -> Result<(), ArtifactError> {
        self.writer
            .flush()
            .map_err(|error| ArtifactError::encoder(&self.path, error))
    }

    /// Completes the file, places it and returns the digest of its content.
    pub fn finish(self) -> Result<Digest, ArtifactError> {
        let Self {
            path,
            kind,
            schema,
            metadata,
            provenance,
            columns,
            rows,
            file,
            mut writer,
        } = self;
        let unwritable = |reason: String| ArtifactError::unwritable(&path, reason);
        let metadata =
            serde_json::to_string(&metadata).map_err(|error| unwritable(error.to_string()))?;
        let provenance =
            serde_json::to_string(&provenance).map_err(|error| unwritable(error.to_string()))?;
        let content = content_digest(kind, &metadata, &schema, columns, rows);
        let entries = [
            (entry::KIND, kind.name().to_owned()),
            (entry::VERSION, kind.version().to_string()),
            (entry::CONTENT, content.to_string()),
            (entry::METADATA, metadata),
            (entry::PROVENANCE, provenance),
        ]
        .map(|(key, value)| (key.to_owned(), value));
        let described = Schema::new_with_metadata(schema.fields().clone(), entries.clone());
        let described = encode_arrow_schema(&described);
        let described = (ARROW_SCHEMA_META_KEY.to_owned(), described);
        for (key, value) in entries.into_iter().chain([described]) {
            writer.append_key_value_metadata(KeyValue::new(key, value));
        }
        let parquet = writer
            .finish()
            .map_err(|error| ArtifactError::encoder(&path, error))?;
        let columns = parquet.file_metadata().schema_descr().num_columns();
        mark_type_order(writer.inner_mut(), columns)
            .map_err(|source| ArtifactError::io("write", &path, source))?;
        file.place()?;
        Ok(content)
    }
}

fn content_digest(
    kind: ArtifactKind,
    metadata: &str,
    schema: &SchemaRef,
    columns: Vec<ColumnHasher>,
    rows: u64,
) -> Digest {
    let mut hasher = blake3::Hasher::new();
    let mut text = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    text(kind.name());
    text(&kind.version().to_string());
    text(metadata);
    for field in schema.fields() {
        text(field.name());
        text(&field.data_type().to_string());
    }
    hasher.update(&rows.to_le_bytes());
    for column in columns {
        for part in column.finish() {
            hasher.update(part.as_bytes());
        }
    }
    hasher.finalize().into()
}

/// zstd level 1, page index on, a fixed writer name: the same rows give the same bytes.
pub(crate) fn default_properties() -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_created_by("eigenscope".to_owned())
}

/// No minima and maxima of floats: readers differ in what they make of NaN and -0 there.
fn without_float_statistics(
    properties: WriterPropertiesBuilder,
    schema: &Schema,
) -> Result<WriterPropertiesBuilder, ParquetError> {
    let schema = ArrowSchemaConverter::new().convert(schema)?;
    let columns = schema.columns().iter();
    let floats =
        columns.filter(|column| matches!(column.physical_type(), Type::FLOAT | Type::DOUBLE));
    Ok(floats.fold(properties, |properties, column| {
        properties.set_column_statistics_enabled(column.path().clone(), EnabledStatistics::None)
    }))
}

/// Writes `rows` as a table of the record's kind and returns the digest of its content.
pub fn write_records<R: Record>(
    path: &Path,
    rows: &[R],
    provenance: &Provenance,
) -> Result<Digest, ArtifactError> {
    let schema = R::schema();
    let mut writer =
        TableWriter::create(path, R::KIND, schema.clone(), BTreeMap::new(), provenance)?;
    let batch = RecordBatch::try_new(schema, R::to_columns(rows))
        .map_err(|error| ArtifactError::unwritable(path, error.to_string()))?;
    writer.write(&batch)?;
    writer.finish()
}
