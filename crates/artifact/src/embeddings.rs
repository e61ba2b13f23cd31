//! The `embeddings` artifact: what one layer makes of every image of a split.
//!
//! Columns: `index` (position of the image in the split's source file), `label`, `predicted` (class of largest logit),
//! `vector` (fixed-size list of f32, the layer's output before any activation). Metadata: layer, split, class names.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, UInt16Array, UInt32Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt16Type, UInt32Type};
use serde::{Deserialize, Serialize};

use crate::limits;
use crate::vector_column;
use crate::{ArtifactError, ArtifactKind, Digest, Provenance, SplitName, TableReader, TableWriter};

/// What one layer makes of every image, with the predicted class.
pub const EMBEDDINGS: ArtifactKind = ArtifactKind::new("embeddings", 1);

/// What all embeddings of an artifact share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbeddingsHeader {
    /// Name of the layer.
    pub layer: String,
    /// Values of one embedding.
    pub width: usize,
    /// Split of the images.
    pub split: SplitName,
    /// Class names; labels and predictions index into it.
    pub classes: Vec<String>,
}

/// The embeddings of one split, in its order (5 MB for 10,000 of 128 values).
#[derive(Debug, Clone, PartialEq)]
pub struct Embeddings {
    /// What all share.
    pub header: EmbeddingsHeader,
    /// Position of each image in its source file.
    pub indices: Vec<u32>,
    /// Class of each image.
    pub labels: Vec<u16>,
    /// Class that the model predicts.
    pub predicted: Vec<u16>,
    /// `[images, width]`.
    pub vectors: Vec<f32>,
}

fn schema(header: &EmbeddingsHeader) -> Result<SchemaRef, String> {
    let width = limits::values([header.width, 1, 1])?;
    Ok(Arc::new(Schema::new(vec![
        Field::new("index", DataType::UInt32, false),
        Field::new("label", DataType::UInt16, false),
        Field::new("predicted", DataType::UInt16, false),
        Field::new("vector", vector_column::data_type(width), false),
    ])))
}

impl Embeddings {
    /// Number of images.
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// The embeddings, in order.
    pub fn vectors(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.vectors.chunks_exact(self.header.width.max(1))
    }

    /// Positions of `count` embeddings, or of all if there are fewer, in ascending order: the first ones of each class, and the
    /// same number of every class if there are enough.
    pub fn evenly(&self, count: usize) -> Vec<usize> {
        let mut seen = vec![0_usize; self.header.classes.len()];
        let occurrence = |label: &u16| {
            let seen = &mut seen[usize::from(*label)];
            *seen += 1;
            *seen
        };
        let occurrences: Vec<usize> = self.labels.iter().map(occurrence).collect();
        let mut chosen: Vec<usize> = (0..self.len()).collect();
        chosen.sort_by_key(|position| occurrences[*position]);
        chosen.truncate(count);
        chosen.sort_unstable();
        chosen
    }

    /// What makes them unfit, if anything does.
    fn flaw(&self) -> Option<String> {
        let images = self.len();
        if self.labels.len() != images
            || self.predicted.len() != images
            || images.checked_mul(self.header.width) != Some(self.vectors.len())
        {
            return Some(format!(
                "{images} indices, {} labels, {} predictions and {} values do not fit together",
                self.labels.len(),
                self.predicted.len(),
                self.vectors.len()
            ));
        }
        let classes = self.header.classes.len();
        let mut named = self.labels.iter().chain(&self.predicted);
        if let Some(class) = named.find(|class| usize::from(**class) >= classes) {
            return Some(format!("class {class}, but there are {classes}"));
        }
        let value = self.vectors.iter().find(|value| !value.is_finite())?;
        Some(format!("an embedding holds {value}"))
    }

    /// Writes the artifact.
    ///
    /// # Errors
    /// Lengths that do not fit together, an unknown class, a value that is not finite, or a file that cannot be
    /// written.
    pub fn write(&self, path: &Path, provenance: &Provenance) -> Result<Digest, ArtifactError> {
        let unwritable = |reason: String| ArtifactError::unwritable(path, reason);
        if let Some(flaw) = self.flaw() {
            return Err(unwritable(flaw));
        }
        let header =
            serde_json::to_string(&self.header).map_err(|error| unwritable(error.to_string()))?;
        let metadata = BTreeMap::from([("header".to_owned(), header)]);
        let schema = schema(&self.header).map_err(unwritable)?;
        let width = limits::values([self.header.width, 1, 1]).map_err(unwritable)?;
        let vectors =
            vector_column::to_array(width, self.vectors.iter().copied()).map_err(unwritable)?;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(UInt32Array::from(self.indices.clone())),
            Arc::new(UInt16Array::from(self.labels.clone())),
            Arc::new(UInt16Array::from(self.predicted.clone())),
            vectors,
        ];
        let batch = RecordBatch::try_new(schema.clone(), columns)
            .map_err(|error| unwritable(error.to_string()))?;
        let mut writer = TableWriter::create(path, EMBEDDINGS, schema, metadata, provenance)?;
        writer.write(&batch)?;
        writer.finish()
    }

    /// Reads the artifact.
    ///
    /// # Errors
    /// A file that cannot be read, or that [`Embeddings::write`] would not write.
    pub fn read(path: &Path) -> Result<Self, ArtifactError> {
        let reader = TableReader::open(path, EMBEDDINGS)?;
        let header: EmbeddingsHeader = reader.metadata_json("header")?;
        let invalid = |reason| ArtifactError::invalid(path, reason);
        reader.expect_schema(&*schema(&header).map_err(invalid)?)?;
        let rows = limits::batch_rows(header.width.saturating_mul(4));
        let mut all = Self {
            header,
            indices: Vec::new(),
            labels: Vec::new(),
            predicted: Vec::new(),
            vectors: Vec::new(),
        };
        for batch in reader.batches(rows, None, None)? {
            let batch = batch?;
            let class = |column: usize| batch.column(column).as_primitive::<UInt16Type>().values();
            let indices = batch.column(0).as_primitive::<UInt32Type>();
            all.indices.extend(indices.values());
            all.labels.extend(class(1));
            all.predicted.extend(class(2));
            all.vectors
                .extend(vector_column::from_array(batch.column(3)).flatten());
        }
        match all.flaw() {
            Some(reason) => Err(invalid(reason)),
            None => Ok(all),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_its_share_of_the_images() {
        let embeddings = |labels: &[u16]| Embeddings {
            header: EmbeddingsHeader {
                layer: "layer".to_owned(),
                width: 1,
                split: SplitName::Test,
                classes: ["a", "b", "c"].map(str::to_owned).to_vec(),
            },
            indices: (0..labels.len() as u32).collect(),
            labels: labels.to_vec(),
            predicted: labels.to_vec(),
            vectors: vec![0.0; labels.len()],
        };
        let some = embeddings(&[0, 0, 0, 0, 2, 1, 2, 2]);
        assert_eq!(some.evenly(3), [0, 4, 5]);
        assert_eq!(some.evenly(5), [0, 1, 4, 5, 6]);
        assert_eq!(some.evenly(6), [0, 1, 2, 4, 5, 6]);
        assert_eq!(some.evenly(100), [0, 1, 2, 3, 4, 5, 6, 7]);
        assert!(embeddings(&[]).evenly(3).is_empty());
    }
}
