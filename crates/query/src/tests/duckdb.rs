//! The answers of DuckDB to the queries of `tests/reference/sql_truth.json`, over the tables that it describes.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use eigenscope_artifact::arrow::array::{
    ArrayRef, FixedSizeBinaryArray, FixedSizeListArray, Float32Array, Float64Array, RecordBatch,
    StringArray, UInt32Array,
};
use eigenscope_artifact::arrow::datatypes::{DataType, Field, Schema};
use eigenscope_artifact::{ArtifactKind, TableWriter};
use eigenscope_testing::provenance;
use serde::Deserialize;
use serde_json::Value;

use super::{part, table_of};
use crate::{Catalogue, Table};

const TRUTH: &str = include_str!("../../../../tests/reference/sql_truth.json");

/// Largest relative difference of two numbers: DuckDB sums in another order.
const TOLERANCE: f64 = 1e-12;

#[derive(Deserialize)]
struct Truth {
    tables: Vec<TableTruth>,
    queries: Vec<QueryTruth>,
}

#[derive(Deserialize)]
struct TableTruth {
    name: String,
    kind: String,
    columns: Vec<(String, String)>,
    parts: Vec<PartTruth>,
}

#[derive(Deserialize)]
struct PartTruth {
    task: String,
    labels: Value,
    rows: Vec<Vec<Value>>,
}

#[derive(Deserialize)]
struct QueryTruth {
    query: String,
    ordered: bool,
    rows: Vec<Vec<Value>>,
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => text.parse().ok(),
        other => other.as_f64(),
    }
}

fn hexadecimal(value: &Value) -> Vec<u8> {
    let digits = value.as_str().expect("text").as_bytes();
    let bytes = digits.chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).expect("ASCII");
        u8::from_str_radix(pair, 16).expect("hexadecimal")
    });
    bytes.collect()
}

/// A column of a file as artifacts store it.
fn column(kind: &str, values: &[&Value]) -> (ArrayRef, bool) {
    let values = || values.iter().copied();
    match kind {
        "integer" => {
            let numbers =
                values().map(|value| value.as_u64().and_then(|value| u32::try_from(value).ok()));
            (Arc::new(UInt32Array::from_iter(numbers)), true)
        }
        "number" => (
            Arc::new(Float64Array::from_iter(values().map(number))),
            true,
        ),
        "text" => (
            Arc::new(StringArray::from_iter(values().map(Value::as_str))),
            true,
        ),
        "bytes" => {
            let bytes = FixedSizeBinaryArray::try_from_iter(values().map(hexadecimal));
            (Arc::new(bytes.expect("bytes")), false)
        }
        "vector" => {
            let lists: Vec<&Vec<Value>> = values()
                .map(|value| value.as_array().expect("a list"))
                .collect();
            let items = lists.iter().flat_map(|list| list.iter());
            let items = items.map(|item| item.as_f64().expect("a number") as f32);
            let item = Arc::new(Field::new("item", DataType::Float32, false));
            let length = lists[0].len() as i32;
            let items = Arc::new(Float32Array::from_iter_values(items));
            (
                Arc::new(FixedSizeListArray::new(item, length, items, None)),
                false,
            )
        }
        other => panic!("no type {other}"),
    }
}

fn table(folder: &Path, truth: &TableTruth) -> Table {
    let kind = ArtifactKind::new(truth.kind.clone().leak(), 1);
    let parts = truth.parts.iter().enumerate().map(|(index, found)| {
        let path = folder.join(format!("{}-{index}.parquet", truth.name));
        let columns = truth.columns.iter().enumerate().map(|(place, (_, kind))| {
            let values: Vec<&Value> = found.rows.iter().map(|row| &row[place]).collect();
            column(kind, &values)
        });
        let columns: Vec<(ArrayRef, bool)> = columns.collect();
        let fields = truth.columns.iter().zip(&columns);
        let fields = fields.map(|((name, _), (array, nullable))| {
            Field::new(name, array.data_type().clone(), *nullable)
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let arrays = columns.into_iter().map(|(array, _)| array).collect();
        let batch = RecordBatch::try_new(schema.clone(), arrays).expect("a batch");
        let writer = TableWriter::create(&path, kind, schema, BTreeMap::new(), &provenance());
        let mut writer = writer.expect("created");
        writer.write(&batch).expect("written");
        writer.finish().expect("placed");
        part(&found.task, found.labels.clone(), path)
    });
    let table = table_of(&truth.name, kind, parts.collect());
    assert_eq!(table.problem, None);
    table
}

fn close(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Array(found), Value::Array(expected)) => rows_close(found, expected),
        (Value::Number(one), Value::Number(other)) if one.is_i64() && other.is_i64() => {
            one == other
        }
        (Value::Number(one), Value::Number(other)) => {
            let (one, other) = (
                one.as_f64().expect("finite"),
                other.as_f64().expect("finite"),
            );
            (one - other).abs() <= TOLERANCE * one.abs().max(other.abs()).max(1e-3)
        }
        _ => found == expected,
    }
}

fn rows_close(found: &[Value], expected: &[Value]) -> bool {
    found.len() == expected.len()
        && found
            .iter()
            .zip(expected)
            .all(|(one, other)| close(one, other))
}

/// Whether the rows are those expected, in any order unless the query has one.
fn agree(found: &[Vec<Value>], truth: &QueryTruth) -> bool {
    if found.len() != truth.rows.len() {
        return false;
    }
    if truth.ordered {
        return found
            .iter()
            .zip(&truth.rows)
            .all(|(one, other)| rows_close(one, other));
    }
    let mut left: Vec<&Vec<Value>> = truth.rows.iter().collect();
    found.iter().all(|row| {
        let place = left.iter().position(|other| rows_close(row, other));
        place.map(|place| left.swap_remove(place)).is_some()
    })
}

#[test]
fn answers_are_those_of_duckdb() {
    let truth: Truth = serde_json::from_str(TRUTH).expect("the fixture");
    assert!(truth.queries.len() >= 100);
    let folder = tempfile::tempdir().expect("a folder");
    let tables = truth.tables.iter().map(|found| table(folder.path(), found));
    let catalogue = Catalogue {
        tables: tables.collect(),
    };
    let mut wrong = Vec::new();
    for query in &truth.queries {
        match catalogue.query("digits", &query.query) {
            Ok(answer) if agree(&answer.rows, query) => {}
            Ok(answer) => wrong.push(format!(
                "{}\n  found    {:?}\n  expected {:?}",
                query.query, answer.rows, query.rows
            )),
            Err(error) => wrong.push(format!("{}\n  {error}", query.query)),
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        truth.queries.len(),
        wrong.join("\n")
    );
}
