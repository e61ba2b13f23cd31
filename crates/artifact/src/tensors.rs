//! Artifacts that hold named tensors, one row and one row group a tensor, so that one can be read alone.
//!
//! - `tensors`: the weights of a model. Orientation is PyTorch's: `[out, in]` for linear layers,
//!   `[out, in, kh, kw]` for convolutions. Metadata: `architecture`.
//! - `bases`: for every layer, named by it, the unit eigenvectors of a covariance in the space of the layer's
//!   inputs, `[rank, in]`, largest eigenvalue first. Metadata: `header`, a [`BasesHeader`].
//! - `alignments`: for every layer, named by it, the orthogonal map between what it reads in two networks,
//!   `[channels of the first, channels of the second]`. Metadata: `header`, empty.
//! - `shared-bases`: for every rank k, `basis-k` `[k, D]`, vectors of input space that all classes share, and `core-k` `[C, k, k]`, the
//!   quadratic form of every class in them. Metadata: `header`, a [`SharedBasesHeader`].
//!
//! Data is little-endian f32 with byte-stream-split encoding.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{AsArray, ListBuilder, RecordBatch, StringArray, UInt32Builder};
use arrow::datatypes::{DataType, Field, Float32Type, Schema, SchemaRef, UInt32Type};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::limits::MAX_TENSOR_VALUES;
use crate::tensor_writer::TensorWriter;
use crate::write::Table;
use crate::{ArtifactError, ArtifactKind, Digest, InputShape, Provenance, TableReader};

/// Named weight tensors of a model.
pub const TENSORS: ArtifactKind = ArtifactKind::new("tensors", 1);
/// Eigenvectors of a covariance in the space of every layer's inputs.
pub const BASES: ArtifactKind = ArtifactKind::new("bases", 2);
/// Orthogonal maps between the activations of two networks.
pub const ALIGNMENTS: ArtifactKind = ArtifactKind::new("alignments", 1);
/// Bases that the quadratic forms of all classes share.
pub const SHARED_BASES: ArtifactKind = ArtifactKind::new("shared-bases", 1);

/// A tensor with its name, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct NamedTensor {
    /// Name, such as `embed.weight`.
    pub name: String,
    /// Length of every axis.
    pub shape: Vec<usize>,
    /// `shape.product()` values, at most [`MAX_TENSOR_VALUES`].
    pub data: Vec<f32>,
}

fn item(data_type: DataType) -> Arc<Field> {
    Arc::new(Field::new("item", data_type, false))
}

pub(crate) fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("name", DataType::Utf8, false),
        Field::new("shape", DataType::List(item(DataType::UInt32)), false),
        Field::new("data", DataType::List(item(DataType::Float32)), false),
    ]))
}

/// The part of the header of [`TENSORS`] that every model has, whatever its network.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ModelHeader {
    /// Shape of one input after the pixel transforms.
    pub input: InputShape,
    /// Class names.
    pub classes: Vec<String>,
}

/// What the eigenvectors of a `bases` artifact are those of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BasesHeader {
    /// Whose covariance.
    pub of: CovarianceOf,
    /// What the eigenvalues of each layer say about the eigenvectors.
    pub layers: BTreeMap<String, BasisHeader>,
}

/// What the eigenvalues of one layer say about its eigenvectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BasisHeader {
    /// Number of eigenvalues above [`BasisHeader::CUT`] of the largest. The eigenvectors of the others span the null space:
    /// their directions are arbitrary.
    pub rank: u32,
    /// Of weights, the number of eigenvalues above the upper edge of the Marchenko-Pastur law of an untrained layer.
    pub spikes: Option<u32>,
}

impl BasisHeader {
    /// Part of the largest eigenvalue below which those of single-precision data are rounding.
    pub const CUT: f64 = 1e-7;
}

/// Whose covariance in the space of a layer's inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CovarianceOf {
    /// What the layer reads.
    Activations,
    /// The rows of its weight.
    Weights,
}

impl CovarianceOf {
    /// Name in tables.
    pub const fn name(self) -> &'static str {
        match self {
            CovarianceOf::Activations => "activations",
            CovarianceOf::Weights => "weights",
        }
    }
}

/// The bases of a `shared-bases` artifact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SharedBasesHeader {
    /// Shape of the inputs that the vectors live on.
    pub shape: InputShape,
    /// Class names.
    pub classes: Vec<String>,
    /// Hidden size of the model.
    pub hidden: u32,
    /// The number of vectors of each basis and the share of the interaction tensor's norm in it, ascending.
    pub ranks: Vec<(u32, f64)>,
}

/// Metadata key of what all tensors of an artifact share.
fn header_key(kind: ArtifactKind) -> &'static str {
    if kind == TENSORS {
        "architecture"
    } else {
        "header"
    }
}

/// Writes `tensors` in the given order. `header` is what they share, as JSON: for [`TENSORS`] the
/// architecture of the model that they belong to.
pub fn write_tensors(
    path: &Path,
    kind: ArtifactKind,
    header: &impl Serialize,
    tensors: &[NamedTensor],
    provenance: &Provenance,
) -> Result<Digest, ArtifactError> {
    let header = serde_json::to_string(header)
        .map_err(|error| ArtifactError::unwritable(path, error.to_string()))?;
    let metadata = BTreeMap::from([(header_key(kind).to_owned(), header)]);
    let table = Table::create(path, kind, schema(), metadata, provenance)?;
    let mut writer = TensorWriter::new(table)?;
    for tensor in tensors {
        append(&mut writer, path, tensor)?;
    }
    writer.finish()
}

/// Appends a tensor to the file at `path`.
pub(crate) fn append(
    writer: &mut TensorWriter,
    path: &Path,
    tensor: &NamedTensor,
) -> Result<(), ArtifactError> {
    let unwritable = |reason: String| {
        ArtifactError::unwritable(path, format!("tensor `{}`: {reason}", tensor.name))
    };
    check_length(&tensor.shape, tensor.data.len()).map_err(unwritable)?;
    let mut shape = ListBuilder::new(UInt32Builder::new()).with_field(item(DataType::UInt32));
    for &length in &tensor.shape {
        let length =
            u32::try_from(length).map_err(|_| unwritable(format!("axis of length {length}")))?;
        shape.values().append_value(length);
    }
    shape.append(true);
    let name = StringArray::from(vec![tensor.name.as_str()]);
    writer.write(Arc::new(name), Arc::new(shape.finish()), &tensor.data)
}

/// Refuses a number of values that is not the product of `shape`, or is beyond the limit.
fn check_length(shape: &[usize], values: usize) -> Result<(), String> {
    if values > MAX_TENSOR_VALUES {
        return Err(format!(
            "{values} values, a tensor can have at most {MAX_TENSOR_VALUES}"
        ));
    }
    let product = shape
        .iter()
        .try_fold(1usize, |product, &axis| product.checked_mul(axis));
    if product != Some(values) {
        return Err(format!("shape {shape:?} does not hold {values} values"));
    }
    Ok(())
}

/// An opened artifact of named tensors.
pub struct TensorReader {
    path: PathBuf,
    kind: ArtifactKind,
    header: serde_json::Value,
    reader: TableReader,
}

impl TensorReader {
    /// Opens the artifact and checks its columns, and that every tensor is a row group of its own.
    pub fn open(path: &Path, kind: ArtifactKind) -> Result<Self, ArtifactError> {
        let reader = TableReader::open(path, kind)?;
        reader.expect_schema(&schema())?;
        if let Some(rows) = reader.row_groups().into_iter().find(|&rows| rows != 1) {
            return Err(ArtifactError::invalid(
                path,
                format!("a row group of {rows} tensors, expected one"),
            ));
        }
        let header = reader.metadata_json(header_key(kind))?;
        Ok(Self {
            path: path.to_owned(),
            kind,
            header,
            reader,
        })
    }

    /// What the tensors share.
    ///
    /// # Errors
    /// The metadata is not a `T`.
    pub fn header<T: DeserializeOwned>(&self) -> Result<T, ArtifactError> {
        T::deserialize(&self.header).map_err(|error| {
            ArtifactError::invalid(&self.path, format!("{}: {error}", header_key(self.kind)))
        })
    }

    /// Names of the tensors, in file order. Reads none of their values.
    pub fn names(&self) -> Result<Vec<String>, ArtifactError> {
        let mut names = Vec::new();
        for batch in self.reader.batches(1024, None, Some(&[0]))? {
            let batch = batch?;
            let column = batch.column(0).as_string::<i32>();
            names.extend(column.iter().flatten().map(str::to_owned));
        }
        Ok(names)
    }

    /// Reads every tensor, in file order.
    pub fn read(&self) -> Result<Vec<NamedTensor>, ArtifactError> {
        self.read_groups(None)
    }

    /// Reads the tensor called `name` and nothing of the others but their names.
    pub fn read_one(&self, name: &str) -> Result<NamedTensor, ArtifactError> {
        let names = self.names()?;
        let tensor = match names.iter().position(|found| found == name) {
            Some(group) => self.read_groups(Some(vec![group]))?.pop(),
            None => None,
        };
        tensor.ok_or_else(|| {
            ArtifactError::invalid(
                &self.path,
                format!("no tensor `{name}`, only {}", names.join(", ")),
            )
        })
    }

    fn read_groups(&self, groups: Option<Vec<usize>>) -> Result<Vec<NamedTensor>, ArtifactError> {
        let mut tensors = Vec::new();
        for batch in self.reader.batches(1, groups, None)? {
            let batch = batch?;
            for row in 0..batch.num_rows() {
                let tensor = tensor(&batch, row)
                    .map_err(|reason| ArtifactError::invalid(&self.path, reason))?;
                tensors.push(tensor);
            }
        }
        Ok(tensors)
    }
}

fn tensor(batch: &RecordBatch, row: usize) -> Result<NamedTensor, String> {
    let name = batch.column(0).as_string::<i32>().value(row).to_owned();
    let shape = batch.column(1).as_list::<i32>().value(row);
    let shape: Vec<usize> = shape
        .as_primitive::<UInt32Type>()
        .values()
        .iter()
        .map(|&length| length as usize)
        .collect();
    let data = batch.column(2).as_list::<i32>().value(row);
    check_length(&shape, data.len()).map_err(|reason| format!("tensor `{name}`: {reason}"))?;
    let data = data.as_primitive::<Float32Type>().values().to_vec();
    Ok(NamedTensor { name, shape, data })
}
