//! Tables as comma-separated values: RFC 4180, UTF-8, lines that end with `\n`.

use std::fmt::Write as _;
use std::path::Path;

use eigenscope_artifact::TableReader;
use eigenscope_artifact::arrow::array::Array;
use eigenscope_artifact::arrow::datatypes::DataType;

use super::{ExportError, batches};
use crate::cell_values::{Cell, cell, cell_values};

/// The table at `path`. A missing value is empty, a list is JSON, bytes are hexadecimal digits.
pub(super) fn write(path: &Path) -> Result<Vec<u8>, ExportError> {
    let text = write_up_to(path, u64::MAX)?;
    Ok(text.unwrap_or_default().into_bytes())
}

/// As [`write()`], but `None` as soon as it takes more than `most` bytes.
pub(crate) fn write_up_to(path: &Path, most: u64) -> Result<Option<String>, ExportError> {
    let reader = TableReader::open_any(path)?;
    let fields = reader.summary().schema.fields().clone();
    let names: Vec<String> = fields.iter().map(|field| escaped(field.name())).collect();
    let mut text = names.join(",");
    text.push('\n');
    for batch in batches(&reader)? {
        let batch = batch?;
        for row in 0..batch.num_rows() {
            let cells: Vec<String> = batch
                .columns()
                .iter()
                .map(|column| escaped(&value(column, row)))
                .collect();
            text.push_str(&cells.join(","));
            text.push('\n');
            if text.len() as u64 > most {
                return Ok(None);
            }
        }
    }
    Ok(Some(text))
}

/// The value of a column in a row, as text.
pub(super) fn value(column: &dyn Array, row: usize) -> String {
    if column.is_null(row) {
        return String::new();
    }
    match column.data_type() {
        DataType::List(_) | DataType::FixedSizeList(..) => {
            let mut items = Vec::new();
            cell_values(column, row, |cell| items.push(json(cell)));
            format!("[{}]", items.join(","))
        }
        _ => plain(cell(column, row)),
    }
}

fn plain(cell: Cell<'_>) -> String {
    match cell {
        Cell::Null => String::new(),
        Cell::Boolean(value) => value.to_string(),
        Cell::Integer(value) => value.to_string(),
        // The shortest decimals that read back as the same number.
        Cell::Number(value) => value.to_string(),
        Cell::Single(value) => value.to_string(),
        Cell::Text(text) => text.to_owned(),
        Cell::Bytes(bytes) => {
            let mut digits = String::with_capacity(2 * bytes.len());
            for byte in bytes {
                let _ = write!(digits, "{byte:02x}");
            }
            digits
        }
    }
}

fn json(cell: Cell<'_>) -> String {
    match cell {
        Cell::Null => "null".to_owned(),
        Cell::Text(text) => serde_json::Value::from(text).to_string(),
        other => plain(other),
    }
}

fn escaped(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}
