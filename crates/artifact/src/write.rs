//! Writing a table: encoding, content digest, metadata, atomic placement.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Schema, SchemaRef};
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::arrow::{
    ARROW_SCHEMA_META_KEY, ArrowSchemaConverter, ArrowWriter, encode_arrow_schema,
};
use parquet::basic::{Compression, Type, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, ParquetMetaData};
use parquet::file::properties::{
    EnabledStatistics, WriterProperties, WriterPropertiesBuilder, WriterVersion,
};

use crate::atomic::AtomicFile;
use crate::digest::ColumnHasher;
use crate::footer::mark_type_order;
use crate::{About, ArtifactError, ArtifactKind, Digest, Provenance, Record};

/// Metadata entries of every artifact: of the Parquet file, and of the Arrow schema in it, which is where pyarrow's `read_schema` looks.
pub(crate) mod entry {
    pub(crate) const KIND: &str = "eigenscope.kind";
    pub(crate) const VERSION: &str = "eigenscope.version";
    pub(crate) const CONTENT: &str = "eigenscope.content";
    pub(crate) const METADATA: &str = "eigenscope.metadata";
    pub(crate) const PROVENANCE: &str = "eigenscope.provenance";
}

/// What a table is and holds, apart from its encoding, and the file that it becomes. Dropped, it leaves nothing.
pub(crate) struct Table {
    path: PathBuf,
    kind: ArtifactKind,
    pub(crate) schema: SchemaRef,
    metadata: BTreeMap<String, String>,
    provenance: Provenance,
    columns: Vec<ColumnHasher>,
    rows: u64,
    file: AtomicFile,
}

impl Table {
    pub(crate) fn create(
        path: &Path,
        kind: ArtifactKind,
        schema: SchemaRef,
        metadata: BTreeMap<String, String>,
        provenance: &Provenance,
    ) -> Result<Self, ArtifactError> {
        Ok(Self {
            path: path.to_owned(),
            kind,
            metadata,
            provenance: provenance.clone(),
            columns: schema
                .fields()
                .iter()
                .map(|_| ColumnHasher::default())
                .collect(),
            schema,
            rows: 0,
            file: AtomicFile::create(path)?,
        })
    }

    /// The encoder of its rows.
    pub(crate) fn writer(
        &self,
        properties: WriterPropertiesBuilder,
    ) -> Result<ArrowWriter<File>, ArtifactError> {
        let handle = self.file.handle()?;
        without_float_statistics(properties, &self.schema)
            .and_then(|properties| {
                let options = ArrowWriterOptions::new()
                    .with_properties(properties.build())
                    .with_skip_arrow_metadata(true);
                ArrowWriter::try_new_with_options(handle, self.schema.clone(), options)
            })
            .map_err(|error| self.encoder_error(error))
    }

    /// Adds `rows` rows of the first columns to the digest.
    pub(crate) fn add(&mut self, rows: usize, columns: &[ArrayRef]) -> Result<(), ArtifactError> {
        self.rows += rows as u64;
        for (hasher, column) in self.columns.iter_mut().zip(columns) {
            let hashed = hasher.update(column);
            hashed.map_err(|reason| ArtifactError::unwritable(&self.path, reason))?;
        }
        Ok(())
    }

    /// Adds a row of the last column to the digest, a list of f32.
    pub(crate) fn add_list(&mut self, values: &[f32]) {
        if let Some(hasher) = self.columns.last_mut() {
            hasher.update_with_list(values);
        }
    }

    /// The digest of its content, and the metadata entries of its file.
    pub(crate) fn entries(&mut self) -> Result<(Digest, Vec<KeyValue>), ArtifactError> {
        let text = |text: serde_json::Result<String>| {
            text.map_err(|error| self.unwritable(error.to_string()))
        };
        let metadata = text(serde_json::to_string(&self.metadata))?;
        let provenance = text(serde_json::to_string(&self.provenance))?;
        let columns = std::mem::take(&mut self.columns);
        let content = content_digest(self.kind, &metadata, &self.schema, columns, self.rows);
        let entries = [
            (entry::KIND, self.kind.name().to_owned()),
            (entry::VERSION, self.kind.version().to_string()),
            (entry::CONTENT, content.to_string()),
            (entry::METADATA, metadata),
            (entry::PROVENANCE, provenance),
        ]
        .map(|(key, value)| (key.to_owned(), value));
        let described = Schema::new_with_metadata(self.schema.fields().clone(), entries.clone());
        let described = encode_arrow_schema(&described);
        let described = (ARROW_SCHEMA_META_KEY.to_owned(), described);
        let entries = entries.into_iter().chain([described]);
        let entries = entries.map(|(key, value)| KeyValue::new(key, value));
        Ok((content, entries.collect()))
    }

    /// Places the file, which an encoder has completed through `handle`.
    pub(crate) fn place(
        self,
        handle: &mut File,
        parquet: &ParquetMetaData,
    ) -> Result<(), ArtifactError> {
        let columns = parquet.file_metadata().schema_descr().num_columns();
        mark_type_order(handle, columns)
            .map_err(|source| ArtifactError::io("write", &self.path, source))?;
        self.file.place()
    }

    pub(crate) fn encoder_error(&self, error: ParquetError) -> ArtifactError {
        ArtifactError::encoder(&self.path, error)
    }

    pub(crate) fn unwritable(&self, reason: String) -> ArtifactError {
        ArtifactError::unwritable(&self.path, reason)
    }
}

/// Writes one table batch by batch. Dropped before [`TableWriter::finish`], it leaves nothing.
pub struct TableWriter {
    table: Table,
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
        let properties = default_properties();
        Self::create_with(path, kind, schema, metadata, provenance, properties)
    }

    pub(crate) fn create_with(
        path: &Path,
        kind: ArtifactKind,
        schema: SchemaRef,
        metadata: BTreeMap<String, String>,
        provenance: &Provenance,
        properties: WriterPropertiesBuilder,
    ) -> Result<Self, ArtifactError> {
        let table = Table::create(path, kind, schema, metadata, provenance)?;
        let writer = table.writer(properties)?;
        Ok(Self { table, writer })
    }

    /// Appends the rows of `batch`, which must have the table's columns.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), ArtifactError> {
        self.table.add(batch.num_rows(), batch.columns())?;
        let written = self.writer.write(batch);
        written.map_err(|error| self.table.encoder_error(error))
    }

    /// Ends the current row group, so that its rows can be read alone.
    pub fn end_row_group(&mut self) -> Result<(), ArtifactError> {
        let flushed = self.writer.flush();
        flushed.map_err(|error| self.table.encoder_error(error))
    }

    /// Completes the file, places it and returns the digest of its content.
    pub fn finish(self) -> Result<Digest, ArtifactError> {
        let Self {
            mut table,
            mut writer,
        } = self;
        let (content, entries) = table.entries()?;
        for entry in entries {
            writer.append_key_value_metadata(entry);
        }
        let parquet = writer.finish();
        let parquet = parquet.map_err(|error| table.encoder_error(error))?;
        table.place(writer.inner_mut(), &parquet)?;
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

/// Writes `rows`, which may all be about something, as a table of the record's kind and returns the digest of its content.
pub fn write_records<R: Record>(
    path: &Path,
    rows: &[R],
    about: Option<&About>,
    provenance: &Provenance,
) -> Result<Digest, ArtifactError> {
    let schema = R::schema();
    let mut metadata = BTreeMap::new();
    about.map_or(Ok(()), |about| about.write(path, &mut metadata))?;
    let mut writer = TableWriter::create(path, R::KIND, schema.clone(), metadata, provenance)?;
    let batch = RecordBatch::try_new(schema, R::to_columns(rows))
        .map_err(|error| ArtifactError::unwritable(path, error.to_string()))?;
    writer.write(&batch)?;
    writer.finish()
}
