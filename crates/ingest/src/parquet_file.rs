//! Parquet tables of others: a column of encoded pictures and one of labels, as Hugging Face's `datasets` writes them, or a column
//! a pixel.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use eigenscope_artifact::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use eigenscope_artifact::arrow::compute::cast;
use eigenscope_artifact::arrow::datatypes::{DataType, Field, Float64Type, Int64Type};
use eigenscope_artifact::{decoded, regular};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use parquet::basic::Compression;

use crate::arrays::{self, Range};
use crate::error::IngestError;
use crate::foreign::{START_BYTES, recognise};
use crate::label_names::LABEL_NAMES;

/// Largest column of a row group, decompressed, in bytes.
const MAXIMUM_COLUMN: i64 = 1 << 32;
/// Rows read at a time.
const BATCH_ROWS: usize = 512;

/// An opened table.
pub(crate) struct ParquetFile {
    pub(crate) path: PathBuf,
    file: File,
    metadata: ArrowReaderMetadata,
}

/// The columns of images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ImageColumns {
    /// One column of encoded pictures.
    Encoded(usize),
    /// A column a pixel.
    Pixels(Vec<usize>),
}

/// Labels of some rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Labels {
    Numbers(Vec<i64>),
    Names(Vec<String>),
}

impl Labels {
    /// The labels as they are, or as positions in `classes`, which count from `first`.
    pub(crate) fn numbers(&self, classes: Option<&[String]>, first: i64) -> Vec<i64> {
        let position = |name| classes?.binary_search(name).ok();
        match self {
            Self::Numbers(labels) => labels.clone(),
            // At most as many classes as labels.
            Self::Names(names) => names
                .iter()
                .map(|name| position(name).map_or(-1, |at| at as i64) + first)
                .collect(),
        }
    }

    /// The labels of text.
    pub(crate) fn names(&self) -> &[String] {
        match self {
            Self::Numbers(_) => &[],
            Self::Names(names) => names,
        }
    }
}

impl ParquetFile {
    pub(crate) fn open(path: &Path) -> Result<Self, IngestError> {
        let file = regular::open(path).map_err(|source| IngestError::io("open", path, source))?;
        let load = || ArrowReaderMetadata::load(&file, ArrowReaderOptions::new());
        let metadata = match decoded(load) {
            Some(Ok(metadata)) => metadata,
            Some(Err(_)) | None => return Err(no_table(path, &file)),
        };
        for group in metadata.metadata().row_groups() {
            for column in group.columns() {
                if !matches!(
                    column.compression(),
                    Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::ZSTD(_)
                ) {
                    let name = column.compression().to_string();
                    let name = name.split('(').next().unwrap_or_default();
                    let reason = format!(
                        "the table is compressed with {name}, which is not read: write it with `compression=\"snappy\"` or \"zstd\""
                    );
                    return Err(refused(path, reason));
                }
                if column.uncompressed_size() > MAXIMUM_COLUMN {
                    let reason =
                        format!("a column of more than {MAXIMUM_COLUMN} bytes in one row group");
                    return Err(refused(path, reason));
                }
            }
        }
        Ok(Self {
            path: path.to_owned(),
            file,
            metadata,
        })
    }

    /// The error about this file.
    pub(crate) fn refused(&self, reason: String) -> IngestError {
        refused(&self.path, reason)
    }

    /// The error about tables without rows, of which this is the first.
    pub(crate) fn empty(&self) -> IngestError {
        self.refused("the table has no rows: give a file with images".to_owned())
    }

    /// The rows of columns of numbers, one after the other.
    pub(crate) fn numbers(&self, batch: &RecordBatch) -> Result<Vec<f64>, IngestError> {
        let numbers = numbers(batch).map_err(|reason| self.refused(reason))?;
        numbers.ok_or_else(|| self.refused("a pixel has no value".to_owned()))
    }

    /// The pixels of images of `values` numbers each; `first` is the row of the first.
    pub(crate) fn pixels(
        &self,
        numbers: &[f64],
        range: Option<Range>,
        values: usize,
        first: usize,
    ) -> Result<Vec<u8>, IngestError> {
        let pixels = arrays::pixels(numbers.iter().copied(), range, values, first);
        pixels.map_err(|reason| self.refused(reason))
    }

    fn fields(&self) -> impl ExactSizeIterator<Item = &Field> {
        self.metadata.schema().fields().iter().map(AsRef::as_ref)
    }

    /// The column called `name`.
    pub(crate) fn column(&self, name: &str) -> Result<usize, IngestError> {
        self.fields()
            .position(|field| field.name() == name)
            .ok_or_else(|| {
                const LISTED: usize = 10;
                let names = self.fields().map(|field| field.name().as_str());
                let more = match self.fields().len().saturating_sub(LISTED) {
                    0 => String::new(),
                    more => format!(" and {more} more"),
                };
                let names: Vec<&str> = names.take(LISTED).collect();
                self.refused(format!(
                    "there is no column `{name}` among {}{more}",
                    names.join(", ")
                ))
            })
    }

    /// The columns of images: the one called `image` if there is one, or all columns of numbers but that of the labels.
    pub(crate) fn images(&self, image: &str, label: usize) -> Result<ImageColumns, IngestError> {
        if let Some(column) = self.fields().position(|field| field.name() == image) {
            return match self.fields().nth(column).map(Field::data_type) {
                Some(kind) if may_be_encoded(kind) => Ok(ImageColumns::Encoded(column)),
                other => Err(self.refused(format!(
                    "column `{image}`: expected encoded pictures (binary, or a struct with `bytes`), found {}",
                    other.map(DataType::to_string).unwrap_or_default()
                ))),
            };
        }
        let is_pixel =
            |(at, field): &(usize, &Field)| *at != label && field.data_type().is_numeric();
        let pixels: Vec<usize> = self
            .fields()
            .enumerate()
            .filter(is_pixel)
            .map(|(at, _)| at)
            .collect();
        match pixels.len() {
            0 => self.column(image).map(ImageColumns::Encoded),
            _ => Ok(ImageColumns::Pixels(pixels)),
        }
    }

    /// The number of rows.
    pub(crate) fn rows(&self) -> usize {
        let rows = self.metadata.metadata().file_metadata().num_rows();
        usize::try_from(rows).unwrap_or(0)
    }

    /// The name of a column that may be that of encoded pictures.
    pub(crate) fn picture_like(&self) -> Option<String> {
        let mut fields = self.fields();
        let found = fields.find(|field| may_be_encoded(field.data_type()))?;
        Some(found.name().clone())
    }

    /// The name of a column that may be that of labels.
    pub(crate) fn label_like(&self) -> Option<String> {
        let called = |known: &&&str| self.column(known).is_ok();
        if let Some(name) = LABEL_NAMES.iter().find(called) {
            return Some((*name).to_owned());
        }
        let is_label =
            |field: &&Field| field.data_type().is_integer() || field.name().contains("label");
        let mut labels = self.fields().filter(is_label);
        let only = labels.next()?;
        labels.next().is_none().then(|| only.name().clone())
    }

    /// The first rows of some columns, at most so many.
    pub(crate) fn first_batch(&self, columns: &[usize], rows: usize) -> Option<RecordBatch> {
        self.batches_of(columns, rows).ok()?.next()?.ok()
    }

    /// The names of the classes that `datasets` writes into its tables.
    pub(crate) fn class_names(&self, label: &str) -> Option<Vec<String>> {
        let entries = self
            .metadata
            .metadata()
            .file_metadata()
            .key_value_metadata()?;
        let text = entries
            .iter()
            .find(|entry| entry.key == "huggingface")?
            .value
            .as_deref()?;
        let described: serde_json::Value = serde_json::from_str(text).ok()?;
        let names = described["info"]["features"][label]["names"].as_array()?;
        names
            .iter()
            .map(|name| Some(name.as_str()?.to_owned()))
            .collect()
    }

    /// The rows of some columns, in batches.
    pub(crate) fn batches(
        &self,
        columns: &[usize],
    ) -> Result<impl Iterator<Item = Result<RecordBatch, IngestError>> + use<'_>, IngestError> {
        self.batches_of(columns, BATCH_ROWS)
    }

    /// The rows of some columns, in batches of so many.
    fn batches_of(
        &self,
        columns: &[usize],
        rows: usize,
    ) -> Result<impl Iterator<Item = Result<RecordBatch, IngestError>> + use<'_>, IngestError> {
        let file = self.file.try_clone();
        let file = file.map_err(|source| IngestError::io("read", &self.path, source))?;
        let builder =
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        let mask = ProjectionMask::roots(builder.parquet_schema(), columns.iter().copied());
        let builder = builder.with_projection(mask).with_batch_size(rows);
        let mut reader = match decoded(|| builder.build()) {
            Some(Ok(reader)) => reader,
            Some(Err(_)) | None => return Err(self.refused(DAMAGED.to_owned())),
        };
        let mut failed = false;
        Ok(std::iter::from_fn(move || {
            if failed {
                return None;
            }
            let item = match decoded(|| reader.next()) {
                Some(item) => item?.map_err(|_| self.refused(DAMAGED.to_owned())),
                None => Err(self.refused(DAMAGED.to_owned())),
            };
            failed = item.is_err();
            Some(item)
        }))
    }

    /// All labels.
    pub(crate) fn labels(&self, column: usize) -> Result<Labels, IngestError> {
        let is_number = self
            .fields()
            .nth(column)
            .is_some_and(|field| field.data_type().is_integer());
        let (mut numbers, mut names) = (Vec::new(), Vec::new());
        for batch in self.batches(&[column])? {
            let batch = batch?;
            let wanted = if is_number {
                DataType::Int64
            } else {
                DataType::Utf8
            };
            let labels = cast(batch.column(0), &wanted).map_err(|_| {
                self.refused(format!(
                    "the labels are of the type {}: expected are whole numbers or names",
                    batch.column(0).data_type()
                ))
            })?;
            if let Some(row) = (0..labels.len()).find(|&row| labels.is_null(row)) {
                let row = row + numbers.len() + names.len();
                return Err(self.refused(format!("row {row} has no label")));
            }
            match is_number {
                true => numbers.extend_from_slice(labels.as_primitive::<Int64Type>().values()),
                false => names.extend(
                    labels
                        .as_string::<i32>()
                        .iter()
                        .flatten()
                        .map(str::to_owned),
                ),
            }
        }
        Ok(match is_number {
            true => Labels::Numbers(numbers),
            false => Labels::Names(names),
        })
    }
}

/// Names of the classes of tables whose labels are in the column `label`: the sorted labels of text, or else those in the files. Labels
/// that are not known are passed over.
pub(crate) fn class_names<'a>(
    tables: impl Iterator<Item = (&'a ParquetFile, Option<&'a Labels>)> + Clone,
    label: &str,
) -> Option<Vec<String>> {
    let labels = tables.clone().filter_map(|(_, labels)| labels);
    let names: BTreeSet<&String> = labels.flat_map(Labels::names).collect();
    match names.is_empty() {
        true => tables
            .into_iter()
            .find_map(|(file, _)| file.class_names(label)),
        false => Some(names.into_iter().cloned().collect()),
    }
}

/// Returns whether a column of this type may hold encoded pictures.
fn may_be_encoded(kind: &DataType) -> bool {
    matches!(
        kind,
        DataType::Binary | DataType::LargeBinary | DataType::Struct(_)
    )
}

const DAMAGED: &str = "the table is damaged: replace it with an intact copy, or write it again";

/// The error about a file without the parts that every Parquet table has.
fn no_table(path: &Path, mut file: &File) -> IngestError {
    let mut start = Vec::new();
    let read = file
        .seek(SeekFrom::Start(0))
        .and_then(|_| file.take(START_BYTES as u64).read_to_end(&mut start));
    let reason = match (read, recognise(&start)) {
        (Ok(0), _) => "the file is empty".to_owned(),
        _ if start.starts_with(b"PAR1") => {
            "the Parquet table is damaged or cut short: replace it with an intact copy, or write it again"
                .to_owned()
        }
        (_, Some(format)) => format!(
            "expected a Parquet table, found {}: {}",
            format.name, format.advice
        ),
        _ => "expected a Parquet table, found something else: give the right file".to_owned(),
    };
    refused(path, reason)
}

fn refused(path: &Path, reason: String) -> IngestError {
    IngestError::Labels {
        path: path.to_owned(),
        reason,
    }
}

/// The reason of a row without a picture.
pub(crate) fn no_picture() -> String {
    "the picture is not in the table: write it with its bytes".to_owned()
}

/// The encoded pictures in a column: binary, or a struct with `bytes`. `None` where there is none.
pub(crate) fn encoded(column: &ArrayRef) -> Result<Vec<Option<Vec<u8>>>, String> {
    let bytes = match column.as_struct_opt() {
        Some(fields) => fields
            .column_by_name("bytes")
            .ok_or("the struct of the pictures has no field `bytes`")?,
        None => column,
    };
    let bytes = cast(bytes, &DataType::LargeBinary).map_err(|_| {
        format!(
            "the pictures are of the type {}: expected are bytes",
            bytes.data_type()
        )
    })?;
    let bytes = bytes.as_binary::<i64>();
    Ok(bytes
        .iter()
        .map(|value| value.map(<[u8]>::to_vec))
        .collect())
}

/// The rows of columns of numbers, one after the other. `None` where a value is missing.
fn numbers(batch: &RecordBatch) -> Result<Option<Vec<f64>>, String> {
    let width = batch.num_columns();
    let mut values = vec![0.0; width * batch.num_rows()];
    for (at, column) in batch.columns().iter().enumerate() {
        let column = cast(column, &DataType::Float64).map_err(|_| {
            format!(
                "pixels are of the type {}: expected are numbers",
                column.data_type()
            )
        })?;
        if column.null_count() > 0 {
            return Ok(None);
        }
        let places = values.iter_mut().skip(at).step_by(width.max(1));
        for (place, value) in places.zip(column.as_primitive::<Float64Type>().values()) {
            *place = *value;
        }
    }
    Ok(Some(values))
}
