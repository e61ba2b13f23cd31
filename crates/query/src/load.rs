//! From Parquet files to a polars frame: only the columns that a query can need.

use std::collections::BTreeSet;

use eigenscope_artifact::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use eigenscope_artifact::arrow::datatypes::{
    ArrowPrimitiveType, DataType, Float32Type, Float64Type, UInt16Type, UInt32Type, UInt64Type,
};
use eigenscope_artifact::arrow::util::display::array_value_to_string;
use eigenscope_artifact::{ArtifactError, TableReader};
use polars::prelude as pl;
use polars::prelude::{IntoColumn, IntoSeries, ListBuilderTrait, NamedFrom};
use serde_json::Value;

use crate::catalogue::{Column, LabelType, Part, Source, Table};
use crate::error::QueryError;

/// Rows decoded at once.
const BATCH_ROWS: usize = 65_536;

/// Words of a query that mean columns without naming them.
const ALL_COLUMNS: [&str; 3] = ["*", "columns", "natural"];

/// Which columns a query can need: those that have a word of it as their name, or all.
#[derive(Debug)]
pub(crate) struct Wanted {
    words: BTreeSet<String>,
}

impl Wanted {
    pub(crate) fn of(query: &str) -> Self {
        let query = query.to_lowercase();
        let words = query.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        let mut words: BTreeSet<String> = words.map(str::to_owned).collect();
        if query.replace("count(*)", "").contains('*') {
            words.insert("*".to_owned());
        }
        Self { words }
    }

    /// The id of the task is always there, so that every table has a column.
    fn includes(&self, column: &Column) -> bool {
        column.source == Source::Task
            || ALL_COLUMNS.iter().any(|word| self.words.contains(*word))
            || self.words.contains(&column.name.to_lowercase())
    }
}

/// The rows of all files of `table`, with the columns that are wanted.
pub(crate) fn frame(table: &Table, wanted: &Wanted) -> Result<pl::DataFrame, QueryError> {
    let mut frame = pl::DataFrame::default();
    for part in &table.parts {
        for rows in part_frames(table, part, wanted)? {
            frame.vstack_mut(&rows)?;
        }
    }
    Ok(frame)
}

/// One frame for each batch of rows of a file.
fn part_frames(
    table: &Table,
    part: &Part,
    wanted: &Wanted,
) -> Result<Vec<pl::DataFrame>, QueryError> {
    let columns = || {
        table
            .columns
            .iter()
            .filter(|column| wanted.includes(column))
    };
    let positions: Vec<usize> = columns()
        .filter_map(|column| match column.source {
            Source::File(position) => Some(position),
            Source::Task | Source::Label(..) => None,
        })
        .collect();
    let reader = TableReader::open(&part.path, table.kind)?;
    let mut batches: Vec<RecordBatch> = Vec::new();
    for batch in reader.batches(BATCH_ROWS, None, Some(&positions))? {
        batches.push(batch?);
    }
    if batches.is_empty() {
        // A file without rows still has columns.
        let schema = &reader.summary().schema;
        let schema = schema.project(&positions);
        batches.extend(schema.map(|schema| RecordBatch::new_empty(schema.into())));
    }
    let mut frames = Vec::new();
    for batch in &batches {
        let rows = batch.num_rows();
        let columns = columns().map(|column| {
            let name = pl::PlSmallStr::from_str(&column.name);
            let series = match &column.source {
                Source::Task => pl::Series::new(name, vec![part.task.as_str(); rows]),
                Source::Label(label, kind) => constant(name, part.labels.get(label), *kind, rows),
                Source::File(_) => from_file(name, batch, &column.name, part)?,
            };
            Ok(series.into_column())
        });
        let columns = columns.collect::<Result<Vec<_>, QueryError>>()?;
        frames.push(pl::DataFrame::new(rows, columns)?);
    }
    Ok(frames)
}

fn from_file(
    name: pl::PlSmallStr,
    batch: &RecordBatch,
    column: &str,
    part: &Part,
) -> Result<pl::Series, QueryError> {
    let damaged = |reason: &str| ArtifactError::Damaged {
        path: part.path.clone(),
        reason: reason.to_owned(),
    };
    let array = batch
        .column_by_name(column)
        .ok_or_else(|| damaged("a column that its schema names is missing"))?;
    Ok(series(name, array))
}

/// The same value in every row.
fn constant(
    name: pl::PlSmallStr,
    value: Option<&Value>,
    label_type: LabelType,
    rows: usize,
) -> pl::Series {
    match label_type {
        LabelType::Boolean => pl::Series::new(name, vec![value.and_then(Value::as_bool); rows]),
        LabelType::Integer => pl::Series::new(name, vec![value.and_then(Value::as_i64); rows]),
        LabelType::Number => pl::Series::new(name, vec![value.and_then(Value::as_f64); rows]),
        LabelType::Text => {
            let text = value.map(|value| match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            });
            pl::Series::new(name, vec![text; rows])
        }
    }
}

/// A column of a file. A type that no table has so far is given as text.
fn series(name: pl::PlSmallStr, array: &ArrayRef) -> pl::Series {
    match array.data_type() {
        DataType::Boolean => pl::Series::new(name, array.as_boolean().iter().collect::<Vec<_>>()),
        DataType::Utf8 => {
            pl::Series::new(name, array.as_string::<i32>().iter().collect::<Vec<_>>())
        }
        DataType::FixedSizeBinary(_) => {
            let values = array.as_fixed_size_binary().iter();
            pl::Series::new(name, values.collect::<Vec<_>>())
        }
        // polars is built without 16-bit integers.
        DataType::UInt16 => {
            let values = array.as_primitive::<UInt16Type>().iter();
            let values = values.map(|value| value.map(u32::from));
            pl::Series::new(name, values.collect::<Vec<_>>())
        }
        DataType::UInt32 => numbers::<UInt32Type>(name, array),
        DataType::UInt64 => numbers::<UInt64Type>(name, array),
        DataType::Float32 => numbers::<Float32Type>(name, array),
        DataType::Float64 => numbers::<Float64Type>(name, array),
        DataType::List(item) if *item.data_type() == DataType::UInt32 => {
            let lists = array.as_list::<i32>();
            lists_of::<UInt32Type, pl::UInt32Type>(name, lists.iter(), pl::DataType::UInt32)
        }
        DataType::List(item) if *item.data_type() == DataType::Float32 => {
            let lists = array.as_list::<i32>();
            lists_of::<Float32Type, pl::Float32Type>(name, lists.iter(), pl::DataType::Float32)
        }
        DataType::FixedSizeList(item, _) if *item.data_type() == DataType::Float32 => {
            let lists = array.as_fixed_size_list();
            lists_of::<Float32Type, pl::Float32Type>(name, lists.iter(), pl::DataType::Float32)
        }
        _ => {
            let text = |row| array_value_to_string(array, row).ok();
            pl::Series::new(name, (0..array.len()).map(text).collect::<Vec<_>>())
        }
    }
}

fn numbers<T: ArrowPrimitiveType>(name: pl::PlSmallStr, array: &ArrayRef) -> pl::Series
where
    pl::Series: NamedFrom<Vec<Option<T::Native>>, [Option<T::Native>]>,
{
    let values = array.as_primitive::<T>().iter();
    pl::Series::new(name, values.collect::<Vec<_>>())
}

fn lists_of<T, P>(
    name: pl::PlSmallStr,
    lists: impl ExactSizeIterator<Item = Option<ArrayRef>>,
    item: pl::DataType,
) -> pl::Series
where
    T: ArrowPrimitiveType,
    P: pl::PolarsNumericType<Native = T::Native>,
{
    let mut builder = pl::ListPrimitiveChunkedBuilder::<P>::new(name, lists.len(), 0, item);
    for list in lists {
        match &list {
            Some(list) => builder.append_slice(list.as_primitive::<T>().values()),
            None => builder.append_null(),
        }
    }
    builder.finish().into_series()
}
