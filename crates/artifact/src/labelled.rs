//! Tidy tables whose rows belong to groups: a column for each label in front of the table's own columns.
//!
//! Which columns are labels stands in the table's metadata, so that a reader that knows only the table's own columns
//! refuses the file rather than mixing the groups.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, RecordBatch, StringArray, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Float64Type, Schema, SchemaRef, UInt64Type};
use serde_json::Value;

use crate::{About, ArtifactError, Digest, Provenance, Record, TableReader, TableWriter};

/// Metadata entry with the labels of the leading columns, as a JSON list.
const LABELS: &str = "labels";

/// A value of a swept parameter.
pub type LabelValue = Value;

/// Values of swept parameters by name.
pub type Labels = BTreeMap<String, LabelValue>;

/// A row and the labels of its group.
#[derive(Debug, Clone, PartialEq)]
pub struct Labelled<R> {
    /// The group.
    pub labels: Labels,
    /// The row.
    pub row: R,
}

/// Name of the column that holds `label` in a table with the columns of `own`: `label_` stands before the name of a
/// column that the table has anyway.
pub fn label_column(label: &str, own: &Schema) -> String {
    match own.column_with_name(label) {
        None => label.to_owned(),
        Some(_) => format!("label_{label}"),
    }
}

/// Writes labelled rows, which may all be about something, as a table of the record's kind and returns the digest of its content.
///
/// Labels are columns in alphabetical order: boolean, unsigned, floating or text, whatever holds all values of a label. A
/// value is missing where a row lacks the label.
///
/// # Errors
/// The file cannot be written.
pub fn write_labelled<R: Record + Clone>(
    path: &Path,
    rows: &[Labelled<R>],
    about: Option<&About>,
    provenance: &Provenance,
) -> Result<Digest, ArtifactError> {
    let names: BTreeSet<&str> = rows
        .iter()
        .flat_map(|row| row.labels.keys().map(String::as_str))
        .collect();
    let own = R::schema();
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    for name in &names {
        let values = rows.iter().map(|row| row.labels.get(*name));
        let column = column(&values.collect::<Vec<_>>());
        let data_type = column.data_type().clone();
        fields.push(Arc::new(Field::new(
            label_column(name, &own),
            data_type,
            true,
        )));
        columns.push(column);
    }
    fields.extend(own.fields().iter().cloned());
    let plain: Vec<R> = rows.iter().map(|row| row.row.clone()).collect();
    columns.extend(R::to_columns(&plain));
    let unwritable = |reason: String| ArtifactError::unwritable(path, reason);
    let mut metadata = BTreeMap::new();
    about.map_or(Ok(()), |about| about.write(path, &mut metadata))?;
    if !names.is_empty() {
        let names = serde_json::to_string(&names).map_err(|error| unwritable(error.to_string()))?;
        metadata.insert(LABELS.to_owned(), names);
    }
    let schema: SchemaRef = Arc::new(Schema::new(fields));
    let mut writer = TableWriter::create(path, R::KIND, schema.clone(), metadata, provenance)?;
    let batch =
        RecordBatch::try_new(schema, columns).map_err(|error| unwritable(error.to_string()))?;
    writer.write(&batch)?;
    writer.finish()
}

/// All rows of a table with their labels; a table written without labels has none.
///
/// # Errors
/// The file cannot be read, or has other columns than the record and its labels.
pub fn read_labelled<R: Record>(path: &Path) -> Result<Vec<Labelled<R>>, ArtifactError> {
    let reader = TableReader::open(path, R::KIND)?;
    let names: Vec<String> = match reader.summary().metadata.contains_key(LABELS) {
        true => reader.metadata_json(LABELS)?,
        false => Vec::new(),
    };
    let own = R::schema();
    let found = &reader.summary().schema;
    let mut fields = Vec::new();
    for (position, name) in names.iter().enumerate() {
        let data_type = found.fields().get(position).map(|field| field.data_type());
        let data_type = data_type.filter(|kind| holds_labels(kind)).cloned();
        // Whatever else stands there is refused by the comparison of the schemas.
        let data_type = data_type.unwrap_or(DataType::Utf8);
        fields.push(Arc::new(Field::new(
            label_column(name, &own),
            data_type,
            true,
        )));
    }
    fields.extend(own.fields().iter().cloned());
    reader.expect_schema(&Schema::new(fields))?;
    let mut rows = Vec::new();
    for batch in reader.batches(8192, None, None)? {
        let batch = batch?;
        let (labels, values) = batch.columns().split_at(names.len());
        let own = RecordBatch::try_new(own.clone(), values.to_vec())
            .map_err(|error| ArtifactError::damaged(path, error))?;
        for (at, row) in R::from_batch(&own).into_iter().enumerate() {
            let labels = names.iter().zip(labels);
            let labels =
                labels.filter_map(|(name, column)| Some((name.clone(), value(column, at)?)));
            rows.push(Labelled {
                labels: labels.collect(),
                row,
            });
        }
    }
    Ok(rows)
}

fn holds_labels(kind: &DataType) -> bool {
    matches!(
        kind,
        DataType::Boolean | DataType::UInt64 | DataType::Float64 | DataType::Utf8
    )
}

/// The values of one label.
fn column(values: &[Option<&Value>]) -> ArrayRef {
    let all = |is: fn(&Value) -> bool| values.iter().flatten().all(|value| is(value));
    let values = values.iter();
    if all(Value::is_boolean) {
        let values = values.map(|value| value.and_then(Value::as_bool));
        Arc::new(values.collect::<BooleanArray>())
    } else if all(Value::is_u64) {
        let values = values.map(|value| value.and_then(Value::as_u64));
        Arc::new(values.collect::<UInt64Array>())
    } else if all(Value::is_number) {
        let values = values.map(|value| value.and_then(Value::as_f64));
        Arc::new(values.collect::<Float64Array>())
    } else {
        let values = values.map(|value| {
            value.map(|value| match value {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            })
        });
        Arc::new(values.collect::<StringArray>())
    }
}

/// The label in one row of its column.
fn value(column: &ArrayRef, row: usize) -> Option<Value> {
    if column.is_null(row) {
        return None;
    }
    Some(match column.data_type() {
        DataType::Boolean => column.as_boolean().value(row).into(),
        DataType::UInt64 => column.as_primitive::<UInt64Type>().value(row).into(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).into(),
        _ => column.as_string::<i32>().value(row).into(),
    })
}
