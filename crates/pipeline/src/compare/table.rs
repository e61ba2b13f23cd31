//! Reading one column of any table artifact, from the rows that meet some conditions.

use std::path::Path;

use eigenscope_artifact::arrow::datatypes::DataType;
use eigenscope_artifact::{Kind, TableReader};
use serde_json::Value;

use super::published::Condition;
use crate::cells::{Cell, cell};

/// Rows decoded at once.
const BATCH_ROWS: usize = 8192;

/// The values of `column` in the rows of the table at `path` that meet all conditions.
pub(super) fn column(
    path: &Path,
    kind: Kind,
    column: &str,
    conditions: &[Condition],
) -> Result<Vec<f64>, String> {
    let reader = TableReader::open(path, kind).map_err(|error| error.to_string())?;
    let schema = reader.summary().schema.clone();
    let wanted: Vec<&str> = conditions
        .iter()
        .map(|condition| condition.column.as_str())
        .chain([column])
        .collect();
    let mut positions = Vec::new();
    for name in &wanted {
        let Some((position, field)) = schema.column_with_name(name) else {
            let names: Vec<&str> = schema
                .fields()
                .iter()
                .map(|field| field.name().as_str())
                .collect();
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
    let mut values = Vec::new();
    for batch in batches {
        let batch = batch.map_err(|error| error.to_string())?;
        let array = |name: &str| batch.column_by_name(name).map(|array| array.as_ref());
        for row in 0..batch.num_rows() {
            let accepted = conditions.iter().all(|condition| {
                array(&condition.column)
                    .is_some_and(|array| equals(cell(array, row), &condition.value))
            });
            if !accepted {
                continue;
            }
            let found = array(column).map_or(Cell::Null, |array| cell(array, row));
            values.push(found.number().ok_or_else(|| match found {
                Cell::Null => format!("column `{column}` has no value in a row that counts"),
                _ => format!("column `{column}` is not numeric"),
            })?);
        }
    }
    Ok(values)
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

/// Whether a cell has the value of a condition; a missing cell equals nothing.
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
