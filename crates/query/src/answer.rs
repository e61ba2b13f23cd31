//! Asking, and the answer as a table, CSV or JSON.

use std::io::{self, Write};
use std::thread;

use eigenscope_pipeline::text_table::{Align, six_digits, text_table_within};
use serde::Serialize;
use serde_json::{Number, Value as Json};

use crate::bind::{Bound, bind};
use crate::catalogue::Catalogue;
use crate::error::{QueryError, refused};
use crate::parse::parse;
use crate::run::{Relation, Runner};
use crate::value::{Type, Value};

/// Stack of the thread that answers, in bytes: enough for the deepest query that is accepted.
const STACK_BYTES: usize = 256 << 20;

/// Rows that answer a query.
#[derive(Debug, Serialize)]
pub struct Answer {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Values, row by row. Bytes are hexadecimal text; NaN and infinite numbers are text, too.
    pub rows: Vec<Vec<Json>>,
    /// Tables that were read of which some tasks are not up to date.
    #[serde(skip)]
    pub incomplete: Vec<String>,
    #[serde(skip)]
    numeric: Vec<bool>,
}

impl Catalogue {
    /// Answers a query. Reads the columns that it names into memory, and no others. `pipeline` is only named in messages.
    ///
    /// # Errors
    /// It names an unknown table or column, asks for what is not supported, has no value (such as a division by zero),
    /// or a file cannot be read.
    pub fn query(&self, pipeline: &str, query: &str) -> Result<Answer, QueryError> {
        thread::scope(|scope| {
            let thread = thread::Builder::new().stack_size(STACK_BYTES);
            let answer = thread.spawn_scoped(scope, || self.answer(pipeline, query));
            let answer = answer.map_err(|error| {
                let problem = format!("cannot start a thread with a stack of 256 MiB: {error}");
                refused(problem, "raise the limit of memory: `ulimit -v unlimited`")
            })?;
            answer
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    fn answer(&self, pipeline: &str, query: &str) -> Result<Answer, QueryError> {
        let Bound {
            plan,
            columns,
            used,
            tables,
        } = bind(self, pipeline, &parse(query)?)?;
        let rows = Runner::new(self, &used).rows(&plan, &[])?;
        let tables = tables.into_iter().map(|position| &self.tables[position]);
        let incomplete = tables.filter(|table| !table.missing.is_empty());
        Ok(Answer {
            rows: json_rows(&rows),
            incomplete: incomplete.map(|table| table.name.clone()).collect(),
            numeric: columns
                .iter()
                .map(|column| matches!(column.kind, Type::Integer | Type::Number))
                .collect(),
            columns: columns.into_iter().map(|column| column.name).collect(),
        })
    }
}

fn json_rows(rows: &Relation) -> Vec<Vec<Json>> {
    let row = |row| rows.row(row).iter().map(json).collect();
    (0..rows.rows).map(row).collect()
}

impl Answer {
    /// An aligned table of at most `width` characters with the names of the columns, numbers with six significant digits.
    pub fn text(&self, width: Option<usize>) -> String {
        let cells = self.rows.iter().map(|row| {
            let cells = row
                .iter()
                .map(|value| shown(value).unwrap_or_else(|| "-".to_owned()));
            cells.collect()
        });
        let rows: Vec<Vec<String>> = std::iter::once(self.columns.clone()).chain(cells).collect();
        let align = self.numeric.iter().map(|numeric| match numeric {
            true => Align::Right,
            false => Align::Left,
        });
        text_table_within(&rows, &align.collect::<Vec<_>>(), width)
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

/// A value for people, numbers with six significant digits; `None` if it is missing.
fn shown(value: &Json) -> Option<String> {
    match value.as_f64() {
        Some(number) if value.is_f64() => Some(six_digits(number)),
        _ => cell(value),
    }
}

/// A value as text; `None` if it is missing.
fn cell(value: &Json) -> Option<String> {
    match value {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

fn escaped(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

fn json(value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Boolean(value) => Json::Bool(*value),
        Value::Integer(value) => (*value).into(),
        Value::Number(value) => number(*value),
        Value::Text(text) => Json::String(text.to_string()),
        Value::Bytes(bytes) => Json::String(hexadecimal(bytes)),
        Value::Integers(items) => items.iter().copied().collect(),
        // The shortest decimal of a single-precision number, not the digits of its double.
        Value::Numbers(items) => items
            .iter()
            .map(|item| number(item.to_string().parse().unwrap_or((*item).into())))
            .collect(),
    }
}

/// A number; text if JSON has no such number.
fn number(value: f64) -> Json {
    Number::from_f64(value).map_or_else(|| Json::String(value.to_string()), Json::Number)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
