//! Tidy tables whose rows have images in input space: the columns of a record, then a column of vectors for each kind of image.
//!
//! Metadata: `header`, an [`ImageTableHeader`]. A reader that knows only the record's columns refuses the file.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Field, Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use crate::vector_column;
use crate::{ArtifactError, Digest, InputShape, Provenance, Record, TableReader, TableWriter};

/// The rows of a table with images.
pub trait ImageRecord: Record {
    /// Names of the columns of images, which stand behind the record's own.
    const IMAGES: &'static [&'static str];
}

/// What all images of a table share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageTableHeader {
    /// Shape of every image.
    pub shape: InputShape,
    /// Class names.
    pub classes: Vec<String>,
}

/// A row with its images.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageRow<R> {
    /// The record.
    pub row: R,
    /// One image for each of [`ImageRecord::IMAGES`], channel-major.
    pub images: Vec<Vec<f32>>,
}

/// A table with images, in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageTable<R> {
    /// What all images share.
    pub header: ImageTableHeader,
    /// The rows in stored order.
    pub rows: Vec<ImageRow<R>>,
}

fn schema<R: ImageRecord>(shape: InputShape) -> Result<SchemaRef, String> {
    let vector = vector_column::data_type(shape.values()?);
    let mut fields: Vec<_> = R::schema().fields().iter().cloned().collect();
    let images = R::IMAGES.iter();
    fields.extend(images.map(|name| Arc::new(Field::new(*name, vector.clone(), false))));
    Ok(Arc::new(Schema::new(fields)))
}

impl<R: ImageRecord + Clone> ImageTable<R> {
    /// Writes the table and returns the digest of its content.
    ///
    /// # Errors
    /// Returns an error if a row has another number of images, an image another number of values than the shape or a value that is
    /// not finite, or if the file cannot be written.
    pub fn write(&self, path: &Path, provenance: &Provenance) -> Result<Digest, ArtifactError> {
        let unwritable = |reason: String| ArtifactError::unwritable(path, reason);
        self.check().map_err(unwritable)?;
        let schema = schema::<R>(self.header.shape).map_err(unwritable)?;
        let width = self.header.shape.values().map_err(unwritable)?;
        let plain: Vec<R> = self.rows.iter().map(|row| row.row.clone()).collect();
        let mut columns: Vec<ArrayRef> = R::to_columns(&plain);
        for position in 0..R::IMAGES.len() {
            let images = self.rows.iter().map(|row| &row.images[position]);
            let values = images.flat_map(|image| image.iter().copied());
            columns.push(vector_column::to_array(width, values).map_err(unwritable)?);
        }
        let header =
            serde_json::to_string(&self.header).map_err(|error| unwritable(error.to_string()))?;
        let metadata = BTreeMap::from([("header".to_owned(), header)]);
        let batch = RecordBatch::try_new(schema.clone(), columns)
            .map_err(|error| unwritable(error.to_string()))?;
        let mut writer = TableWriter::create(path, R::KIND, schema, metadata, provenance)?;
        writer.write(&batch)?;
        writer.finish()
    }
}

impl<R: ImageRecord> ImageTable<R> {
    /// Reads a table of the record's kind.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read, has other columns than the record and its images, or holds a value that is not
    /// finite.
    pub fn read(path: &Path) -> Result<Self, ArtifactError> {
        let invalid = |reason: String| ArtifactError::invalid(path, reason);
        let reader = TableReader::open(path, R::KIND)?;
        let header: ImageTableHeader = reader.metadata_json("header")?;
        let schema = schema::<R>(header.shape).map_err(invalid)?;
        reader.expect_schema(&schema)?;
        let own = R::schema();
        let mut rows = Vec::new();
        for batch in reader.batches(1024, None, None)? {
            let batch = batch?;
            let (records, images) = batch.columns().split_at(own.fields().len());
            let records = RecordBatch::try_new(own.clone(), records.to_vec())
                .map_err(|error| ArtifactError::damaged(path, error))?;
            let mut images: Vec<_> = images.iter().map(vector_column::from_array).collect();
            for row in R::from_batch(&records) {
                let images = images.iter_mut().filter_map(Iterator::next).collect();
                rows.push(ImageRow { row, images });
            }
        }
        let table = Self { header, rows };
        table.check().map_err(invalid)?;
        Ok(table)
    }

    fn check(&self) -> Result<(), String> {
        for (number, row) in self.rows.iter().enumerate() {
            if row.images.len() != R::IMAGES.len() {
                let (found, expected) = (row.images.len(), R::IMAGES.len());
                return Err(format!(
                    "row {number} has {found} images, expected {expected}"
                ));
            }
            for (name, image) in R::IMAGES.iter().zip(&row.images) {
                if image.len() != self.header.shape.len() {
                    let (found, expected) = (image.len(), self.header.shape.len());
                    return Err(format!(
                        "`{name}` of row {number} has {found} values for inputs of {expected}"
                    ));
                }
                if let Some(value) = image.iter().find(|value| !value.is_finite()) {
                    return Err(format!("`{name}` of row {number} holds {value}"));
                }
            }
        }
        Ok(())
    }
}
