//! Tensors of steps, from those of a graph.

use eigenscope_checkpoint::{Checkpoint, CheckpointError, TensorInfo};

use super::layout::{RowOfPlaces, in_order};

/// A tensor of a step, put together from tensors of a graph one above the other.
#[derive(Debug, Clone)]
pub struct GraphTensor {
    /// Its name in the list of steps, such as `conv1.weight`.
    pub name: String,
    /// The length of each dimension, the outermost first.
    pub shape: Vec<usize>,
    pub(super) parts: Vec<Part>,
}

/// Values of a tensor of a graph.
#[derive(Debug, Clone)]
pub(super) enum Part {
    /// All values in order.
    Whole(Box<TensorInfo>),
    /// A matrix with rows and columns exchanged.
    Transposed(Box<TensorInfo>),
    /// A matrix that reads rows of places with the channels last, its columns in the order of steps. Its rows and columns may be
    /// exchanged.
    ChannelsLast {
        tensor: Box<TensorInfo>,
        is_transposed: bool,
        row: RowOfPlaces,
    },
    /// So many zeros: a bias that is not there.
    Zeros(usize),
}

impl Part {
    /// The tensor of the graph that the values are from.
    pub(super) fn source(&self) -> Option<&TensorInfo> {
        match self {
            Self::Whole(tensor) | Self::Transposed(tensor) | Self::ChannelsLast { tensor, .. } => {
                Some(tensor)
            }
            Self::Zeros(_) => None,
        }
    }

    fn read(&self, checkpoint: &Checkpoint) -> Result<Vec<f32>, CheckpointError> {
        match self {
            Self::Whole(tensor) => checkpoint.read(tensor),
            Self::Transposed(tensor) => read_transposed(checkpoint, tensor),
            Self::ChannelsLast {
                tensor,
                is_transposed,
                row,
            } => {
                let values = match is_transposed {
                    true => read_transposed(checkpoint, tensor)?,
                    false => checkpoint.read(tensor)?,
                };
                Ok(in_order(&values, *row))
            }
            Self::Zeros(count) => Ok(vec![0.0; *count]),
        }
    }
}

/// The values of a matrix, column by column.
fn read_transposed(
    checkpoint: &Checkpoint,
    tensor: &TensorInfo,
) -> Result<Vec<f32>, CheckpointError> {
    let values = checkpoint.read(tensor)?;
    let columns = tensor.shape.last().copied().unwrap_or(1).max(1);
    let rows = values.len() / columns;
    let column = |column| (0..rows).map(move |row| row * columns + column);
    let indices = (0..columns).flat_map(column);
    Ok(indices.map(|index| values[index]).collect())
}

impl GraphTensor {
    pub(super) fn read(&self, checkpoint: &Checkpoint) -> Result<Vec<f32>, CheckpointError> {
        match self.parts.as_slice() {
            [one] => one.read(checkpoint),
            parts => {
                let mut values = Vec::new();
                for part in parts {
                    values.extend(part.read(checkpoint)?);
                }
                Ok(values)
            }
        }
    }
}
