//! The `eigenpairs` artifact: the extreme eigenvalues of every class's interaction matrix, with their
//! eigenvectors in input space.
//!
//! Per class, the `count` lowest and the `count` highest eigenvalues are kept, ascending. The `count`
//! of largest absolute value are always among them, so one artifact serves every [`Selection`]. The size of
//! the matrix is in the metadata, so that a reader knows which eigenpairs are certain to be there.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, RecordBatch, UInt32Array};
use arrow::datatypes::{DataType, Field, Float64Type, Schema, SchemaRef, UInt32Type};
use serde::{Deserialize, Serialize};

use crate::vector_column;
use crate::{
    About, ArtifactError, ArtifactKind, Digest, InputShape, Provenance, TableReader, TableWriter,
};

/// Extreme eigenvalues of every class with their eigenvectors in input space.
pub const EIGENPAIRS: ArtifactKind = ArtifactKind::new("eigenpairs", 1);

/// Which eigenpairs of a class to look at, and in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Selection {
    /// Most negative eigenvalue first.
    Lowest,
    /// Most positive eigenvalue first.
    Highest,
    /// Largest absolute eigenvalue first.
    Magnitude,
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Selection::Lowest => "lowest",
            Selection::Highest => "highest",
            Selection::Magnitude => "largest in magnitude",
        })
    }
}

impl Selection {
    /// Positions in `ascending` of the first `count` eigenvalues of this selection.
    ///
    /// Equal magnitudes are ordered by position, so the result does not depend on the sort.
    pub fn positions(self, ascending: &[f64], count: usize) -> Vec<usize> {
        let mut positions: Vec<usize> = (0..ascending.len()).collect();
        match self {
            Selection::Lowest => {}
            Selection::Highest => positions.reverse(),
            Selection::Magnitude => {
                positions.sort_by(|&a, &b| {
                    ascending[b]
                        .abs()
                        .total_cmp(&ascending[a].abs())
                        .then(a.cmp(&b))
                });
            }
        }
        positions.truncate(count);
        positions
    }
}

/// What all eigenpairs of a model share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EigenpairsHeader {
    /// Shape of the images that the eigenvectors live on.
    pub shape: InputShape,
    /// Class names.
    pub classes: Vec<String>,
    /// Size d of every class's interaction matrix (`[d, d]`): the hidden size of the model.
    pub size: u32,
}

/// One eigenpair of one class.
#[derive(Debug, Clone, PartialEq)]
pub struct EigenpairRow {
    /// Class (output index).
    pub class: u32,
    /// Position of the eigenvalue in the class's ascending spectrum.
    pub index: u32,
    /// The eigenvalue.
    pub eigenvalue: f64,
    /// Eigenvector in input space, E^T v, not normalised; the entry of largest absolute value is positive.
    pub input_vector: Vec<f32>,
}

fn schema(header: &EigenpairsHeader) -> Result<SchemaRef, String> {
    let vector = vector_column::data_type(header.shape.values()?);
    Ok(Arc::new(Schema::new(vec![
        Field::new("class", DataType::UInt32, false),
        Field::new("index", DataType::UInt32, false),
        Field::new("eigenvalue", DataType::Float64, false),
        Field::new("input_vector", vector, false),
    ])))
}

/// Refuses `row` after `last` unless rows are sorted by class and then strictly by index, eigenvalues ascend
/// within a class, classes and indices exist, and all values are finite.
fn check_row(
    header: &EigenpairsHeader,
    last: Option<&EigenpairRow>,
    row: &EigenpairRow,
) -> Result<(), String> {
    let EigenpairRow { class, index, .. } = row;
    let refuse = |reason: String| Err(format!("class {class}, eigenpair {index}: {reason}"));
    if *class as usize >= header.classes.len() {
        return refuse(format!("there are {} classes", header.classes.len()));
    }
    if *index >= header.size {
        let size = header.size;
        return refuse(format!("a {size} x {size} matrix has none of this index"));
    }
    if row.input_vector.len() != header.shape.len() {
        return refuse(format!(
            "an eigenvector of {} values for inputs of {}",
            row.input_vector.len(),
            header.shape.len()
        ));
    }
    if !row.eigenvalue.is_finite() || !row.input_vector.iter().all(|value| value.is_finite()) {
        return refuse("a value is not finite".to_owned());
    }
    match last {
        Some(last) if last.class > *class => refuse(format!("comes after class {}", last.class)),
        Some(last) if last.class < *class => Ok(()),
        Some(last) if last.index >= *index => refuse(format!(
            "comes after index {}, expected ascending",
            last.index
        )),
        Some(last) if last.eigenvalue > row.eigenvalue => refuse(format!(
            "eigenvalue {} comes after {}, expected ascending",
            row.eigenvalue, last.eigenvalue
        )),
        _ => Ok(()),
    }
}

/// Writes `rows`, which must be sorted by class and then ascending by index and eigenvalue, and may all be about something.
///
/// # Errors
/// Rows out of order, of another shape, class or size than the header's, or not finite; a failure to write.
pub fn write_eigenpairs(
    path: &Path,
    header: &EigenpairsHeader,
    rows: &[EigenpairRow],
    about: Option<&About>,
    provenance: &Provenance,
) -> Result<Digest, ArtifactError> {
    let unwritable = |reason: String| ArtifactError::unwritable(path, reason);
    let schema = schema(header).map_err(unwritable)?;
    let mut last = None;
    for row in rows {
        check_row(header, last, row).map_err(unwritable)?;
        last = Some(row);
    }
    let text = serde_json::to_string(header).map_err(|error| unwritable(error.to_string()))?;
    let mut metadata = BTreeMap::from([("header".to_owned(), text)]);
    about.map_or(Ok(()), |about| about.write(path, &mut metadata))?;
    let width = header.shape.values().map_err(unwritable)?;
    let values = rows.iter().flat_map(|row| row.input_vector.iter().copied());
    let vectors = vector_column::to_array(width, values).map_err(unwritable)?;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt32Array::from_iter_values(
            rows.iter().map(|row| row.class),
        )),
        Arc::new(UInt32Array::from_iter_values(
            rows.iter().map(|row| row.index),
        )),
        Arc::new(Float64Array::from_iter_values(
            rows.iter().map(|row| row.eigenvalue),
        )),
        vectors,
    ];
    let batch = RecordBatch::try_new(schema.clone(), columns);
    let mut writer = TableWriter::create(path, EIGENPAIRS, schema, metadata, provenance)?;
    writer.write(&batch.map_err(|error| unwritable(error.to_string()))?)?;
    writer.finish()
}

/// An `eigenpairs` artifact read whole (3 MB per thousand vectors of MNIST size).
#[derive(Debug, Clone)]
pub struct Eigenpairs {
    /// What all eigenpairs share.
    pub header: EigenpairsHeader,
    path: PathBuf,
    /// Sorted by class, then by index.
    rows: Vec<EigenpairRow>,
}

impl Eigenpairs {
    /// Reads the artifact.
    ///
    /// # Errors
    /// A file that cannot be read, or rows that [`write_eigenpairs`] would not write.
    pub fn read(path: &Path) -> Result<Self, ArtifactError> {
        let reader = TableReader::open(path, EIGENPAIRS)?;
        let header: EigenpairsHeader = reader.metadata_json("header")?;
        let invalid = |reason| ArtifactError::invalid(path, reason);
        let schema = schema(&header).map_err(invalid)?;
        reader.expect_schema(&schema)?;
        let mut rows: Vec<EigenpairRow> = Vec::new();
        for batch in reader.batches(1024, None, None)? {
            for row in batch_rows(&batch?) {
                check_row(&header, rows.last(), &row).map_err(invalid)?;
                rows.push(row);
            }
        }
        Ok(Self {
            header,
            path: path.to_owned(),
            rows,
        })
    }

    /// The first `min(count, d)` eigenpairs of `class` in the order of `selection`, d being the size of the
    /// matrix.
    ///
    /// They are certain to be stored if all d are, or that many at the end of the spectrum (for the largest
    /// absolute values: at both ends) that the selection starts from.
    ///
    /// # Errors
    /// [`ArtifactError::TooFewEigenpairs`] unless they are; a class that there is not.
    pub fn select(
        &self,
        class: usize,
        selection: Selection,
        count: usize,
    ) -> Result<Vec<&EigenpairRow>, ArtifactError> {
        let classes = self.header.classes.len();
        if class >= classes {
            let reason = format!("class {class}, but there are {classes}");
            return Err(ArtifactError::invalid(&self.path, reason));
        }
        let start = self
            .rows
            .partition_point(|row| (row.class as usize) < class);
        let end = self.rows.partition_point(|row| row.class as usize <= class);
        let rows = &self.rows[start..end];
        let size = self.header.size;
        let asked = count.min(size as usize);
        let lowest = run_length(rows.iter().map(|row| row.index), 0..size);
        let highest = run_length(rows.iter().rev().map(|row| row.index), (0..size).rev());
        let stored = match selection {
            Selection::Lowest => lowest,
            Selection::Highest => highest,
            Selection::Magnitude => lowest.min(highest),
        };
        if stored < asked {
            return Err(ArtifactError::TooFewEigenpairs {
                path: self.path.clone(),
                class,
                selection,
                asked,
                stored,
                size,
            });
        }
        let ascending: Vec<f64> = rows.iter().map(|row| row.eigenvalue).collect();
        let positions = selection.positions(&ascending, asked);
        Ok(positions.into_iter().map(|at| &rows[at]).collect())
    }
}

/// How many of `found` agree with `expected` before the first that does not.
fn run_length(found: impl Iterator<Item = u32>, expected: impl Iterator<Item = u32>) -> usize {
    found.zip(expected).take_while(|(a, b)| a == b).count()
}

fn batch_rows(batch: &RecordBatch) -> Vec<EigenpairRow> {
    let class = batch.column(0).as_primitive::<UInt32Type>();
    let index = batch.column(1).as_primitive::<UInt32Type>();
    let eigenvalue = batch.column(2).as_primitive::<Float64Type>();
    vector_column::from_array(batch.column(3))
        .enumerate()
        .map(|(row, input_vector)| EigenpairRow {
            class: class.value(row),
            index: index.value(row),
            eigenvalue: eigenvalue.value(row),
            input_vector,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selections_order_as_their_names_say() {
        let ascending = [-3.0, -1.0, 0.5, 1.0, 2.0];
        assert_eq!(Selection::Lowest.positions(&ascending, 2), [0, 1]);
        assert_eq!(Selection::Highest.positions(&ascending, 2), [4, 3]);
        assert_eq!(Selection::Magnitude.positions(&ascending, 4), [0, 4, 1, 3]);
    }

    #[test]
    fn the_largest_magnitudes_are_among_the_lowest_and_highest() {
        let ascending = [-5.0, -4.0, -0.1, 0.0, 0.2, 4.5, 6.0];
        let count = 3;
        let ends: Vec<usize> = (0..count)
            .chain(ascending.len() - count..ascending.len())
            .collect();
        for position in Selection::Magnitude.positions(&ascending, count) {
            assert!(ends.contains(&position));
        }
    }
}
