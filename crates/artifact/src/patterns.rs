//! The `patterns` artifact: a few named images in input space, with what is known about each.
//!
//! Columns: `name`, `eigenvalue`, `bias_component`, `cosine_with_target` (the three missing where they make no
//! sense), `vector` (fixed-size list of f32, one input). Metadata: the shape of an input.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Float64Type, Schema, SchemaRef};

use crate::vector_column;
use crate::{
    ArtifactError, ArtifactKind, Digest, InputShape, Provenance, TableReader, TableWriter,
};

/// Named images in input space: an eigenvector, a linear term, the image looked for.
pub const PATTERNS: ArtifactKind = ArtifactKind::new("patterns", 1);

/// One named image in input space.
#[derive(Debug, Clone, PartialEq)]
pub struct PatternRow {
    /// What it is, unique in its table: "top eigenvector".
    pub name: String,
    /// Its eigenvalue, where it is an eigenvector.
    pub eigenvalue: Option<f64>,
    /// The eigenvector's component along the constant input 1, where a bias was folded in.
    pub bias_component: Option<f64>,
    /// Cosine of the angle between `vector` and the target, -1 to 1, with its sign; missing for the target itself
    /// and where either is all zero.
    pub cosine_with_target: Option<f64>,
    /// The image, channel-major, not normalised.
    pub vector: Vec<f32>,
}

/// A `patterns` artifact read whole.
#[derive(Debug, Clone, PartialEq)]
pub struct Patterns {
    /// Shape of the inputs.
    pub shape: InputShape,
    /// The patterns in stored order.
    pub rows: Vec<PatternRow>,
}

fn schema(shape: InputShape) -> Result<SchemaRef, String> {
    let vector = vector_column::data_type(shape.values()?);
    Ok(Arc::new(Schema::new(vec![
        Field::new("name", DataType::Utf8, false),
        Field::new("eigenvalue", DataType::Float64, true),
        Field::new("bias_component", DataType::Float64, true),
        Field::new("cosine_with_target", DataType::Float64, true),
        Field::new("vector", vector, false),
    ])))
}

/// What makes `rows` unfit for inputs of `shape`, if anything does.
fn flaw(shape: InputShape, rows: &[PatternRow]) -> Option<String> {
    rows.iter().enumerate().find_map(|(at, row)| {
        let name = &row.name;
        if row.vector.len() != shape.len() {
            let found = row.vector.len();
            return Some(format!(
                "pattern `{name}` has {found} values for inputs of {}",
                shape.len()
            ));
        }
        if rows[..at].iter().any(|other| other.name == *name) {
            return Some(format!("there are two patterns `{name}`"));
        }
        let value = row.vector.iter().find(|value| !value.is_finite())?;
        Some(format!("pattern `{name}` holds {value}"))
    })
}

/// Writes `rows`, whose names must differ and whose vectors must be finite and of the length of `shape`.
///
/// # Errors
/// Rows that are not so, or a file that cannot be written.
pub fn write_patterns(
    path: &Path,
    shape: InputShape,
    rows: &[PatternRow],
    provenance: &Provenance,
) -> Result<Digest, ArtifactError> {
    let unwritable = |reason: String| ArtifactError::unwritable(path, reason);
    if let Some(reason) = flaw(shape, rows) {
        return Err(unwritable(reason));
    }
    let json = serde_json::to_string(&shape).map_err(|error| unwritable(error.to_string()))?;
    let metadata = BTreeMap::from([("shape".to_owned(), json)]);
    let schema = schema(shape).map_err(unwritable)?;
    let batch =
        to_batch(&schema, shape, rows).map_err(|error| ArtifactError::unwritable(path, error))?;
    let mut writer = TableWriter::create(path, PATTERNS, schema, metadata, provenance)?;
    writer.write(&batch)?;
    writer.finish()
}

fn to_batch(
    schema: &SchemaRef,
    shape: InputShape,
    rows: &[PatternRow],
) -> Result<RecordBatch, String> {
    let values = rows.iter().flat_map(|row| row.vector.iter().copied());
    let vectors = vector_column::to_array(shape.values()?, values)?;
    let numbers = |pick: fn(&PatternRow) -> Option<f64>| {
        Arc::new(rows.iter().map(pick).collect::<Float64Array>())
    };
    let names = StringArray::from_iter_values(rows.iter().map(|row| &row.name));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(names),
        numbers(|row| row.eigenvalue),
        numbers(|row| row.bias_component),
        numbers(|row| row.cosine_with_target),
        vectors,
    ];
    RecordBatch::try_new(schema.clone(), columns).map_err(|error| error.to_string())
}

impl Patterns {
    /// Reads the artifact.
    ///
    /// # Errors
    /// Another kind or schema, two patterns of one name, or a vector that is not finite.
    pub fn read(path: &Path) -> Result<Self, ArtifactError> {
        let reader = TableReader::open(path, PATTERNS)?;
        let shape: InputShape = reader.metadata_json("shape")?;
        let schema = schema(shape).map_err(|reason| ArtifactError::invalid(path, reason))?;
        reader.expect_schema(&schema)?;
        let mut rows = Vec::new();
        for batch in reader.batches(1024, None, None)? {
            rows.extend(batch_rows(&batch?));
        }
        match flaw(shape, &rows) {
            Some(reason) => Err(ArtifactError::invalid(path, reason)),
            None => Ok(Self { shape, rows }),
        }
    }

    /// The pattern called `name`.
    pub fn get(&self, name: &str) -> Option<&PatternRow> {
        self.rows.iter().find(|row| row.name == name)
    }
}

fn batch_rows(batch: &RecordBatch) -> Vec<PatternRow> {
    let names = batch.column(0).as_string::<i32>();
    let [eigenvalues, bias_components, cosines] = [1, 2, 3].map(|column| {
        let values = batch.column(column).as_primitive::<Float64Type>();
        values.iter().collect::<Vec<_>>()
    });
    vector_column::from_array(batch.column(4))
        .enumerate()
        .map(|(row, vector)| PatternRow {
            name: names.value(row).to_owned(),
            eigenvalue: eigenvalues[row],
            bias_component: bias_components[row],
            cosine_with_target: cosines[row],
            vector,
        })
        .collect()
}
