//! From Parquet files to columns of values: only the columns that a query reads.

use std::collections::BTreeSet;
use std::rc::Rc;

use eigenscope_artifact::arrow::array::{Array, ArrayRef, AsArray};
use eigenscope_artifact::arrow::datatypes::{
    ArrowPrimitiveType, DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use eigenscope_artifact::arrow::util::display::array_value_to_string;
use eigenscope_artifact::{ArtifactError, TableReader};
use serde_json::Value as Json;

use crate::catalogue::{LabelType, Part, Source, Table};
use crate::error::{QueryError, refused};
use crate::value::Value;

/// Rows decoded at once.
const BATCH_ROWS: usize = 65_536;

/// The number of rows of all files of `table`, and its columns. Those that are not `used` are empty.
pub(crate) fn columns(
    table: &Table,
    used: &BTreeSet<usize>,
) -> Result<(usize, Vec<Vec<Value>>), QueryError> {
    let mut columns = vec![Vec::new(); table.columns.len()];
    let mut rows = 0;
    for part in &table.parts {
        rows += read(table, part, used, &mut columns)?;
    }
    Ok((rows, columns))
}

/// Appends the rows of one file; their number.
fn read(
    table: &Table,
    part: &Part,
    used: &BTreeSet<usize>,
    columns: &mut [Vec<Value>],
) -> Result<usize, QueryError> {
    let reader = TableReader::open_named(&part.path, table.kind.as_str())?;
    let positions = used
        .iter()
        .filter_map(|&used| match table.columns[used].source {
            Source::File(position) => Some(position),
            Source::Task | Source::Label(..) => None,
        });
    let positions: Vec<usize> = positions.collect();
    let mut rows = 0;
    if positions.is_empty() {
        rows = usize::try_from(reader.summary().rows).unwrap_or(usize::MAX);
    } else {
        for batch in reader.batches(BATCH_ROWS, None, Some(&positions))? {
            let batch = batch?;
            rows += batch.num_rows();
            for &used in used {
                let column = &table.columns[used];
                if let Source::File(_) = column.source {
                    let array = batch.column_by_name(&column.name).ok_or_else(|| {
                        ArtifactError::Damaged {
                            path: part.path.clone(),
                            reason: "a column that its schema names is missing".to_owned(),
                        }
                    })?;
                    append(array, &table.name, &column.name, &mut columns[used])?;
                }
            }
        }
    }
    for &used in used {
        let value = match &table.columns[used].source {
            Source::File(_) => continue,
            Source::Task => Value::text(&part.task),
            Source::Label(label, kind) => constant(part.labels.get(label), *kind),
        };
        let column = &mut columns[used];
        column.resize(column.len() + rows, value);
    }
    Ok(rows)
}

/// The value of a label; a missing one is null.
fn constant(value: Option<&Json>, label_type: LabelType) -> Value {
    let Some(value) = value else {
        return Value::Null;
    };
    let typed = match label_type {
        LabelType::Boolean => value.as_bool().map(Value::Boolean),
        LabelType::Integer => value.as_i64().map(Value::Integer),
        LabelType::Number => value.as_f64().map(Value::Number),
        LabelType::Text => Some(match value {
            Json::String(text) => Value::text(text),
            other => Value::text(&other.to_string()),
        }),
    };
    typed.unwrap_or(Value::Null)
}

/// Appends the values of a column of a file. A type that no table has so far is given as text.
fn append(
    array: &ArrayRef,
    table: &str,
    column: &str,
    values: &mut Vec<Value>,
) -> Result<(), QueryError> {
    let large = |value: String| {
        refused(
            format!(
                "the column `{column}` of `{table}` holds {value}, which does not fit a signed 64-bit integer"
            ),
            "leave the column out, or read the file with another program: `eigenscope show`",
        )
    };
    match array.data_type() {
        DataType::Boolean => values.extend(
            array
                .as_boolean()
                .iter()
                .map(|value| value.map_or(Value::Null, Value::Boolean)),
        ),
        DataType::Utf8 => values.extend(texts(array.as_string::<i32>().iter())),
        DataType::LargeUtf8 => values.extend(texts(array.as_string::<i64>().iter())),
        DataType::FixedSizeBinary(_) => values.extend(
            array
                .as_fixed_size_binary()
                .iter()
                .map(|bytes| bytes.map_or(Value::Null, |bytes| Value::Bytes(Rc::from(bytes)))),
        ),
        DataType::Int8 => integers::<Int8Type>(array, values),
        DataType::Int16 => integers::<Int16Type>(array, values),
        DataType::Int32 => integers::<Int32Type>(array, values),
        DataType::Int64 => integers::<Int64Type>(array, values),
        DataType::UInt8 => integers::<UInt8Type>(array, values),
        DataType::UInt16 => integers::<UInt16Type>(array, values),
        DataType::UInt32 => integers::<UInt32Type>(array, values),
        DataType::UInt64 => {
            for value in array.as_primitive::<UInt64Type>() {
                values.push(match value {
                    None => Value::Null,
                    Some(value) => {
                        Value::Integer(i64::try_from(value).map_err(|_| large(value.to_string()))?)
                    }
                });
            }
        }
        DataType::Float32 => numbers::<Float32Type>(array, values),
        DataType::Float64 => numbers::<Float64Type>(array, values),
        DataType::List(item) if *item.data_type() == DataType::UInt32 => {
            for list in array.as_list::<i32>().iter() {
                values.push(list.map_or(Value::Null, |list| {
                    let items = list.as_primitive::<UInt32Type>().values().iter();
                    Value::Integers(items.map(|&item| item.into()).collect())
                }));
            }
        }
        DataType::List(item) if *item.data_type() == DataType::Float32 => {
            values.extend(lists(array.as_list::<i32>().iter()));
        }
        DataType::FixedSizeList(item, _) if *item.data_type() == DataType::Float32 => {
            values.extend(lists(array.as_fixed_size_list().iter()));
        }
        _ => values.extend(
            (0..array.len()).map(|row| match array_value_to_string(array, row) {
                Ok(text) if !array.is_null(row) => Value::text(&text),
                _ => Value::Null,
            }),
        ),
    }
    Ok(())
}

fn texts<'a>(texts: impl Iterator<Item = Option<&'a str>>) -> impl Iterator<Item = Value> {
    // Most columns of texts repeat few of them.
    let mut last: Option<Rc<str>> = None;
    texts.map(move |text| match (text, &last) {
        (None, _) => Value::Null,
        (Some(text), Some(known)) if **known == *text => Value::Text(known.clone()),
        (Some(text), _) => Value::Text(last.insert(Rc::from(text)).clone()),
    })
}

fn integers<T: ArrowPrimitiveType>(array: &ArrayRef, values: &mut Vec<Value>)
where
    T::Native: Into<i64>,
{
    let items = array.as_primitive::<T>().iter();
    values.extend(items.map(|item| item.map_or(Value::Null, |item| Value::Integer(item.into()))));
}

fn numbers<T: ArrowPrimitiveType>(array: &ArrayRef, values: &mut Vec<Value>)
where
    T::Native: Into<f64>,
{
    let items = array.as_primitive::<T>().iter();
    values.extend(items.map(|item| item.map_or(Value::Null, |item| Value::Number(item.into()))));
}

fn lists(lists: impl Iterator<Item = Option<ArrayRef>>) -> impl Iterator<Item = Value> {
    lists.map(|list| {
        list.map_or(Value::Null, |list| {
            Value::Numbers(Rc::from(&list.as_primitive::<Float32Type>().values()[..]))
        })
    })
}
