//! Reading one column of any table artifact, from the rows that meet some conditions, with the labels of each row.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use eigenscope_artifact::TableReader;
use eigenscope_artifact::arrow::datatypes::DataType;
use serde_json::Value;

use super::published::{Condition, PublishedNumber};
use crate::cell_values::{Cell, cell};

/// Rows decoded at once.
const BATCH_ROWS: usize = 8192;

/// A value that counts, and the labels of its row.
pub(super) struct Found {
    pub(super) value: f64,
    /// Labels of the task and columns that are called like a label, as texts.
    pub(super) labels: BTreeMap<String, String>,
}

/// What the rows of the table at `path` that meet all conditions have in the number's column. A condition is on a column, or
/// on a label of the task; `labels` are the names of all labels of the plan.
pub(super) fn rows(
    path: &Path,
    number: &PublishedNumber,
    task: &BTreeMap<String, Value>,
    labels: &BTreeSet<&str>,
) -> Result<Vec<Found>, String> {
    let reader =
        TableReader::open_named(path, number.kind.as_str()).map_err(|error| error.to_string())?;
    let schema = reader.summary().schema.clone();
    let (on_columns, on_task): (Vec<&Condition>, Vec<&Condition>) =
        number.conditions.iter().partition(|condition| {
            let name = &condition.column;
            schema.column_with_name(name).is_some() || !task.contains_key(name)
        });
    let accepts = |condition: &&Condition| {
        let label = task.get(&condition.column);
        label.is_some_and(|label| equals(label_cell(label), &condition.value))
    };
    if !on_task.iter().all(accepts) {
        return Ok(Vec::new());
    }
    let label_columns = schema.fields().iter().map(|field| field.name().as_str());
    let label_columns: Vec<&str> = label_columns.filter(|name| labels.contains(name)).collect();
    let wanted: Vec<&str> = on_columns
        .iter()
        .map(|condition| condition.column.as_str())
        .chain([number.column.as_str()])
        .collect();
    let mut positions = Vec::new();
    for name in wanted.iter().chain(&label_columns) {
        let Some((position, field)) = schema.column_with_name(name) else {
            let names = schema.fields().iter().map(|field| field.name().as_str());
            let names: Vec<&str> = names.chain(task.keys().map(String::as_str)).collect();
            return Err(format!("no column `{name}`, only {}", names.join(", ")));
        };
        if !readable(field.data_type()) {
            return Err(format!(
                "column `{name}` is {}, which cannot be compared",
                field.data_type()
            ));
        }
        positions.push(position);
    }
    let batches = reader
        .batches(BATCH_ROWS, None, Some(&positions))
        .map_err(|error| error.to_string())?;
    let column = number.column.as_str();
    let mut values = Vec::new();
    for batch in batches {
        let batch = batch.map_err(|error| error.to_string())?;
        let array = |name: &str| batch.column_by_name(name).map(|array| array.as_ref());
        for row in 0..batch.num_rows() {
            let accepted = on_columns.iter().all(|condition| {
                array(&condition.column)
                    .is_some_and(|array| equals(cell(array, row), &condition.value))
            });
            if !accepted {
                continue;
            }
            let found = array(column).map_or(Cell::Null, |array| cell(array, row));
            let value = found.number().ok_or_else(|| match found {
                Cell::Null => format!("column `{column}` has no value in a row that counts"),
                _ => format!("column `{column}` is not numeric"),
            })?;
            let own = task
                .iter()
                .map(|(name, value)| (name.clone(), value.to_string()));
            let mut labels: BTreeMap<String, String> = own.collect();
            for name in label_columns.iter().filter(|name| **name != column) {
                let found = array(name).map_or(Cell::Null, |array| cell(array, row));
                labels.insert((*name).to_owned(), format!("{found:?}"));
            }
            values.push(Found { value, labels });
        }
    }
    Ok(values)
}

/// A label as a cell.
fn label_cell(label: &Value) -> Cell<'_> {
    match label {
        Value::Bool(value) => Cell::Boolean(*value),
        Value::String(text) => Cell::Text(text),
        other => match (other.as_i64(), other.as_f64()) {
            (Some(value), _) => Cell::Integer(value.into()),
            (None, Some(value)) => Cell::Number(value),
            (None, None) => Cell::Null,
        },
    }
}

fn readable(kind: &DataType) -> bool {
    kind.is_integer()
        || matches!(
            kind,
            DataType::Boolean
                | DataType::Float32
                | DataType::Float64
                | DataType::Utf8
                | DataType::LargeUtf8
        )
}

/// Returns whether a cell has the value of a condition; a missing cell equals nothing.
fn equals(cell: Cell<'_>, value: &Value) -> bool {
    match cell {
        Cell::Null | Cell::Bytes(_) => false,
        Cell::Boolean(found) => value.as_bool() == Some(found),
        Cell::Text(found) => value.as_str() == Some(found),
        Cell::Integer(found) => match value.as_i64() {
            Some(value) => i128::from(value) == found,
            None => value.as_f64() == Some(found as f64),
        },
        Cell::Number(found) => value.as_f64() == Some(found),
        Cell::Single(found) => value.as_f64().map(|value| value as f32) == Some(found),
    }
}
