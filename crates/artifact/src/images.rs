//! The `images` artifact: pixels and labels of a data set, training rows first.
//!
//! Columns: `index` (position in the split's source file), `split`, `label`, `pixels` (fixed-size
//! binary, channel-major u8). Metadata: image size, channels, largest pixel value, class names, the
//! pixel transforms that readers apply, and whether the source's checksum was the published one.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    AsArray, FixedSizeBinaryArray, RecordBatch, StringArray, UInt16Array, UInt32Array,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt16Type, UInt32Type};
use parquet::file::properties::EnabledStatistics;
use parquet::schema::types::ColumnPath;
use serde::{Deserialize, Serialize};

use crate::limits::{self, batch_rows};
use crate::write::default_properties;
use crate::{
    ArtifactError, ArtifactKind, Digest, PixelTransform, Pixels, Provenance, TableReader,
    TableWriter,
};

/// Pixels and labels of a data set.
pub const IMAGES: ArtifactKind = ArtifactKind::new("images", 1);

/// How the source file compares with the published one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceCheck {
    /// Every file has the published SHA-256.
    Published,
    /// At least one file differs from the published one.
    Differs,
    /// No checksum was published for this source.
    Unpublished,
}

/// What all images of a data set share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageHeader {
    /// Stored height in pixels.
    pub height: usize,
    /// Stored width in pixels.
    pub width: usize,
    /// Stored channels (1 grey, 3 RGB).
    pub channels: usize,
    /// Largest value a pixel can have (255, or 16 for `digits`).
    pub maximum: u8,
    /// Name of every class; labels index into it.
    pub classes: Vec<String>,
    /// Transforms that turn stored pixels into network inputs.
    pub transforms: Vec<PixelTransform>,
    /// How the source compares with the published files.
    pub source: SourceCheck,
}

impl ImageHeader {
    /// Stored values of one image; `usize::MAX` if there are more.
    pub fn stored_len(&self) -> usize {
        self.channels
            .saturating_mul(self.height)
            .saturating_mul(self.width)
    }

    /// The checked transforms.
    ///
    /// # Errors
    /// A stored or transformed image of no value or of more than [`MAX_VALUES`](crate::MAX_VALUES), more than
    /// [`MAX_TRANSFORMS`](crate::MAX_TRANSFORMS) transforms, or one that does not fit.
    pub fn pixels(&self) -> Result<Pixels, String> {
        Pixels::new(
            [self.channels, self.height, self.width],
            self.maximum,
            &self.transforms,
        )
    }
}

/// The two halves of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SplitName {
    /// Rows to train on.
    Train,
    /// Rows to test on.
    Test,
}

impl SplitName {
    /// Name in the `split` column.
    pub const fn name(self) -> &'static str {
        match self {
            SplitName::Train => "train",
            SplitName::Test => "test",
        }
    }
}

/// Images of one split in source order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Split {
    /// Position of each image in its source file.
    pub indices: Vec<u32>,
    /// Class of each image.
    pub labels: Vec<u16>,
    /// Stored pixels, `[images, channels, height, width]`.
    pub pixels: Vec<u8>,
}

impl Split {
    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }
}

/// A whole data set in memory (55 MB for MNIST, 185 MB for CIFAR-10).
#[derive(Debug, Clone, PartialEq)]
pub struct Images {
    /// What all images share.
    pub header: ImageHeader,
    /// Training images.
    pub train: Split,
    /// Test images.
    pub test: Split,
}

fn schema(header: &ImageHeader) -> Result<SchemaRef, String> {
    let width = limits::values([header.channels, header.height, header.width])?;
    Ok(Arc::new(Schema::new(vec![
        Field::new("index", DataType::UInt32, false),
        Field::new("split", DataType::Utf8, false),
        Field::new("label", DataType::UInt16, false),
        Field::new("pixels", DataType::FixedSizeBinary(width), false),
    ])))
}

/// Position of the column `split`.
const SPLIT: usize = 1;
/// Position of the column of labels.
const LABEL: usize = 2;
/// Bytes of pixels after which a row group ends: what is not written yet is in memory.
const ROW_GROUP_BYTES: usize = 256 << 20;
/// Rows read at a time to count them.
const COUNTED_ROWS: usize = 8192;

/// Writes a data set split by split, in pieces of any size.
pub struct ImageWriter {
    header: ImageHeader,
    path: std::path::PathBuf,
    schema: SchemaRef,
    writer: TableWriter,
    last: Option<SplitName>,
    /// Bytes of pixels in the current row group.
    pending: usize,
}

impl ImageWriter {
    /// Starts an `images` artifact at `path`.
    pub fn create(
        path: &Path,
        header: ImageHeader,
        provenance: &Provenance,
    ) -> Result<Self, ArtifactError> {
        let schema = header
            .pixels()
            .and_then(|_| schema(&header))
            .map_err(|reason| ArtifactError::unwritable(path, reason))?;
        let text = serde_json::to_string(&header)
            .map_err(|error| ArtifactError::unwritable(path, error.to_string()))?;
        let metadata = BTreeMap::from([("header".to_owned(), text)]);
        let pixels = ColumnPath::from("pixels");
        let properties = default_properties()
            .set_column_dictionary_enabled(pixels.clone(), false)
            .set_column_statistics_enabled(pixels, EnabledStatistics::None);
        let writer = TableWriter::create_with(
            path,
            IMAGES,
            schema.clone(),
            metadata,
            provenance,
            properties,
        )?;
        Ok(Self {
            header,
            path: path.to_owned(),
            schema,
            writer,
            last: None,
            pending: 0,
        })
    }

    /// Appends images; all training images come before the test images.
    pub fn write(&mut self, name: SplitName, split: &Split) -> Result<(), ArtifactError> {
        let unwritable = |reason: String| ArtifactError::unwritable(&self.path, reason);
        if self.last > Some(name) {
            return Err(unwritable("training images after test images".to_owned()));
        }
        self.last = Some(name);
        let stored = self.header.stored_len();
        if split.indices.len() != split.len()
            || Some(split.pixels.len()) != split.len().checked_mul(stored)
        {
            return Err(unwritable(format!(
                "{} labels, {} indices and {} pixels of {stored} an image do not fit together",
                split.len(),
                split.indices.len(),
                split.pixels.len()
            )));
        }
        if let Some(label) = split
            .labels
            .iter()
            .find(|label| usize::from(**label) >= self.header.classes.len())
        {
            return Err(unwritable(format!(
                "label {label}, but there are {} classes",
                self.header.classes.len()
            )));
        }
        let batch_rows = batch_rows(stored);
        for start in (0..split.len()).step_by(batch_rows) {
            let rows = start..(start + batch_rows).min(split.len());
            let pixels = split.pixels[rows.start * stored..rows.end * stored].chunks_exact(stored);
            let batch = FixedSizeBinaryArray::try_from_iter(pixels).and_then(|pixels| {
                RecordBatch::try_new(
                    self.schema.clone(),
                    vec![
                        Arc::new(UInt32Array::from_iter_values(
                            split.indices[rows.clone()].iter().copied(),
                        )),
                        Arc::new(StringArray::from_iter_values(
                            rows.clone().map(|_| name.name()),
                        )),
                        Arc::new(UInt16Array::from_iter_values(
                            split.labels[rows.clone()].iter().copied(),
                        )),
                        Arc::new(pixels),
                    ],
                )
            });
            let batch = batch.map_err(|error| unwritable(error.to_string()))?;
            self.writer.write(&batch)?;
            self.pending += stored * rows.len();
            if self.pending >= ROW_GROUP_BYTES {
                self.writer.end_row_group()?;
                self.pending = 0;
            }
        }
        Ok(())
    }

    /// Completes the file and returns the digest of its content.
    pub fn finish(self) -> Result<Digest, ArtifactError> {
        self.writer.finish()
    }
}

/// An opened `images` artifact.
pub struct ImageReader {
    path: std::path::PathBuf,
    header: ImageHeader,
    pixels: Pixels,
    reader: TableReader,
}

impl ImageReader {
    /// Opens the artifact and checks its header and columns.
    pub fn open(path: &Path) -> Result<Self, ArtifactError> {
        let reader = TableReader::open(path, IMAGES)?;
        let header: ImageHeader = reader.metadata_json("header")?;
        let invalid = |reason| ArtifactError::invalid(path, reason);
        let pixels = header.pixels().map_err(invalid)?;
        reader.expect_schema(&*schema(&header).map_err(invalid)?)?;
        Ok(Self {
            path: path.to_owned(),
            header,
            pixels,
            reader,
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What all images share.
    pub fn header(&self) -> &ImageHeader {
        &self.header
    }

    /// The transforms, ready to apply.
    pub fn pixels(&self) -> &Pixels {
        &self.pixels
    }

    /// Reads both splits.
    pub fn read(self) -> Result<Images, ArtifactError> {
        let (mut train, mut test) = (Split::default(), Split::default());
        for batch in self
            .reader
            .batches(batch_rows(self.header.stored_len()), None, None)?
        {
            let batch = batch?;
            self.append(&batch, SplitName::Train, &mut train)?;
            self.append(&batch, SplitName::Test, &mut test)?;
        }
        Ok(Images {
            header: self.header,
            train,
            test,
        })
    }

    /// Number of images of one split, without reading any pixel.
    pub fn count(&self, name: SplitName) -> Result<u32, ArtifactError> {
        let mut count = 0;
        for batch in self.reader.batches(COUNTED_ROWS, None, Some(&[SPLIT]))? {
            let batch = batch?;
            for split in batch.column(0).as_string::<i32>().iter().flatten() {
                count += usize::from(self.split_name(split)? == name);
            }
        }
        u32::try_from(count).map_err(|_| {
            let reason = format!("{count} {} images are too many", name.name());
            ArtifactError::invalid(&self.path, reason)
        })
    }

    /// The labels of one split, without reading any pixel.
    pub fn labels(&self, name: SplitName) -> Result<Vec<u16>, ArtifactError> {
        let mut labels = Vec::new();
        let columns = [SPLIT, LABEL];
        for batch in self.reader.batches(COUNTED_ROWS, None, Some(&columns))? {
            let batch = batch?;
            let found = batch.column(1).as_primitive::<UInt16Type>().values();
            let splits = batch.column(0).as_string::<i32>().iter().flatten();
            for (split, label) in splits.zip(found) {
                if self.split_name(split)? == name {
                    labels.push(*label);
                }
            }
        }
        Ok(labels)
    }

    /// Reads one split in pieces of 1 to `images` images, so that it is never in memory whole.
    pub fn pieces(
        &self,
        name: SplitName,
        images: usize,
    ) -> Result<impl Iterator<Item = Result<Split, ArtifactError>>, ArtifactError> {
        let batches = self.reader.batches(images, None, None)?;
        let pieces = batches.map(move |batch| {
            let mut piece = Split::default();
            self.append(&batch?, name, &mut piece)?;
            Ok(piece)
        });
        let any = |piece: &Result<Split, _>| piece.as_ref().map_or(true, |piece| !piece.is_empty());
        Ok(pieces.filter(any))
    }

    fn split_name(&self, text: &str) -> Result<SplitName, ArtifactError> {
        let names = [SplitName::Train, SplitName::Test];
        let known = names.into_iter().find(|split| split.name() == text);
        known.ok_or_else(|| {
            let reason = format!("split `{text}`, expected `train` or `test`");
            ArtifactError::invalid(&self.path, reason)
        })
    }

    /// Appends the images of `batch` that belong to a split, all of them checked.
    fn append(
        &self,
        batch: &RecordBatch,
        name: SplitName,
        part: &mut Split,
    ) -> Result<(), ArtifactError> {
        let invalid = |reason: String| Err(ArtifactError::invalid(&self.path, reason));
        let index = batch.column(0).as_primitive::<UInt32Type>();
        let split = batch.column(1).as_string::<i32>();
        let label = batch.column(2).as_primitive::<UInt16Type>();
        let pixels = batch.column(3).as_fixed_size_binary();
        let classes = self.header.classes.len();
        let maximum = self.header.maximum;
        for row in 0..batch.num_rows() {
            let (split, label) = (split.value(row), label.value(row));
            let split = self.split_name(split)?;
            if usize::from(label) >= classes {
                return invalid(format!("label {label}, but there are {classes} classes"));
            }
            if split != name {
                continue;
            }
            let pixels = pixels.value(row);
            if let Some(value) = pixels.iter().find(|value| **value > maximum) {
                return invalid(format!(
                    "pixel value {value}, but the largest allowed is {maximum}"
                ));
            }
            part.indices.push(index.value(row));
            part.labels.push(label);
            part.pixels.extend_from_slice(pixels);
        }
        Ok(())
    }
}
