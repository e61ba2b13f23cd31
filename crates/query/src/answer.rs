//! Asking, and the answer as a table, CSV or JSON.

use std::io::{self, Write};

use eigenscope_pipeline::aligned::{Align, aligned};
use eigenscope_pipeline::file::known;
use polars::error::PolarsError;
use polars::prelude as pl;
use polars::sql::{SQLContext, extract_table_identifiers};
use serde::Serialize;
use serde_json::{Number, Value};

use crate::catalogue::{Catalogue, Table};
use crate::error::QueryError;
use crate::load::{Wanted, frame};

/// Rows that answer a query.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Values, row by row. Bytes are hexadecimal text; what is no number (NaN) or infinite is text, too.
    pub rows: Vec<Vec<Value>>,
    /// Tables that were read of which some tasks are not up to date.
    #[serde(skip)]
    pub incomplete: Vec<String>,
    #[serde(skip)]
    numeric: Vec<bool>,
}

impl Catalogue {
    /// Reads the tables and columns that `query` names into memory and answers it. `pipeline` is only named in messages.
    ///
    /// # Errors
    /// It names an unknown table or column, is no SQL that polars knows, or a file cannot be read.
    pub fn query(&self, pipeline: &str, query: &str) -> Result<Answer, QueryError> {
        if query.trim().is_empty() {
            return Err(QueryError::Empty);
        }
        let names = extract_table_identifiers(query, true, true)?;
        let tables = || {
            names
                .iter()
                .filter_map(|name| Some((name, self.table(name)?)))
        };
        let mut context = SQLContext::new();
        let wanted = Wanted::of(query);
        for (name, table) in tables() {
            if table.parts.is_empty() {
                return Err(QueryError::NotComputed {
                    name: table.name.clone(),
                    tasks: table.tasks.clone(),
                    pipeline: pipeline.to_owned(),
                });
            }
            // As the query calls it: `"metric.final"` in quotes is `metric_final`.
            context.register(name, pl::IntoLazy::lazy(frame(table, &wanted)?));
        }
        let tables: Vec<&Table> = tables().map(|(_, table)| table).collect();
        let answer = context.execute(query).and_then(pl::LazyFrame::collect);
        let answer = answer.map_err(|error| self.explained(error, &names, &tables))?;
        let incomplete = tables.iter().filter(|table| !table.missing.is_empty());
        Ok(Answer {
            incomplete: incomplete.map(|table| table.name.clone()).collect(),
            ..Answer::of(&answer)
        })
    }

    /// The error with known names, if it is about an unknown one. Names of common table expressions are among `names`.
    fn explained(&self, error: PolarsError, names: &[String], tables: &[&Table]) -> QueryError {
        let text = error.to_string();
        let unknown_table = names.iter().find(|name| {
            // Without quotes polars looks for what stands before the first dot.
            let first = name.split('.').next().unwrap_or(name);
            [name, first]
                .iter()
                .any(|name| text.contains(&format!("relation '{name}' was not found")))
        });
        if let Some(name) = unknown_table {
            let tables = self.tables.iter().map(|table| table.name.as_str());
            return QueryError::UnknownTable {
                name: name.clone(),
                known: known("tables", name, tables),
            };
        }
        let columns = || {
            let columns = tables.iter().flat_map(|table| &table.columns);
            columns.map(|column| column.name.as_str())
        };
        match unknown_column(&error) {
            Some(name) if !columns().any(|column| column == name) => QueryError::UnknownColumn {
                known: known("columns", &name, columns().collect::<Vec<_>>()),
                name,
            },
            _ => QueryError::Query(error),
        }
    }
}

/// The column that the error says there is not.
fn unknown_column(error: &PolarsError) -> Option<String> {
    match error {
        PolarsError::ColumnNotFound(text) => quoted(text),
        PolarsError::SQLInterface(text) if text.starts_with("no column named") => quoted(text),
        PolarsError::Context { error, .. } => unknown_column(error),
        _ => None,
    }
}

/// The first text in quotes.
fn quoted(text: &str) -> Option<String> {
    text.split(['"', '\'']).nth(1).map(str::to_owned)
}

impl Answer {
    fn of(frame: &pl::DataFrame) -> Self {
        let columns = frame.columns();
        let value =
            |column: &pl::Column, row| column.get(row).map_or(Value::Null, |any| json(&any));
        Self {
            columns: columns
                .iter()
                .map(|column| column.name().to_string())
                .collect(),
            rows: (0..frame.height())
                .map(|row| columns.iter().map(|column| value(column, row)).collect())
                .collect(),
            incomplete: Vec::new(),
            numeric: columns
                .iter()
                .map(|column| column.dtype().is_primitive_numeric())
                .collect(),
        }
    }

    /// An aligned table with the names of the columns.
    pub fn text(&self) -> String {
        let cells = self.rows.iter().map(|row| {
            let cells = row
                .iter()
                .map(|value| cell(value).unwrap_or_else(|| "-".to_owned()));
            cells.collect()
        });
        let rows: Vec<Vec<String>> = std::iter::once(self.columns.clone()).chain(cells).collect();
        let align = self.numeric.iter().map(|numeric| match numeric {
            true => Align::Right,
            false => Align::Left,
        });
        aligned(&rows, &align.collect::<Vec<_>>())
    }

    /// Comma-separated values (RFC 4180, lines end with `\n`) under the names of the columns; a missing value is empty.
    pub fn write_csv(&self, out: &mut impl Write) -> io::Result<()> {
        let names = self.columns.iter().map(|name| escaped(name));
        writeln!(out, "{}", names.collect::<Vec<_>>().join(","))?;
        for row in &self.rows {
            let cells = row
                .iter()
                .map(|value| escaped(&cell(value).unwrap_or_default()));
            writeln!(out, "{}", cells.collect::<Vec<_>>().join(","))?;
        }
        Ok(())
    }
}

/// A value as text; `None` if it is missing.
fn cell(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn escaped(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

fn json(value: &pl::AnyValue<'_>) -> Value {
    match value {
        pl::AnyValue::Null => Value::Null,
        pl::AnyValue::Boolean(value) => Value::Bool(*value),
        pl::AnyValue::String(text) => Value::String((*text).to_owned()),
        pl::AnyValue::StringOwned(text) => Value::String(text.to_string()),
        pl::AnyValue::UInt32(value) => (*value).into(),
        pl::AnyValue::UInt64(value) => (*value).into(),
        pl::AnyValue::Int32(value) => (*value).into(),
        pl::AnyValue::Int64(value) => (*value).into(),
        // The shortest decimal of a single-precision number, not the digits of its double.
        pl::AnyValue::Float32(value) => number(&value.to_string()),
        pl::AnyValue::Float64(value) => number(&value.to_string()),
        pl::AnyValue::Binary(bytes) => hexadecimal(bytes),
        pl::AnyValue::BinaryOwned(bytes) => hexadecimal(bytes),
        pl::AnyValue::List(items) => Value::Array(items.iter().map(|item| json(&item)).collect()),
        other => Value::String(other.to_string()),
    }
}

/// The number that a text is; the text itself if JSON has no such number.
fn number(text: &str) -> Value {
    let parsed = text.parse::<f64>().ok().and_then(Number::from_f64);
    parsed.map_or_else(|| Value::String(text.to_owned()), Value::Number)
}

fn hexadecimal(bytes: &[u8]) -> Value {
    let digits = bytes.iter().map(|byte| format!("{byte:02x}"));
    Value::String(digits.collect())
}
