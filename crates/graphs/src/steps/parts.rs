//! Tensors of steps, from those of a graph.

use eigenscope_checkpoint::{Checkpoint, CheckpointError, TensorInfo};

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
    /// So many zeros: a bias that is not there.
    Zeros(usize),
}

impl Part {
    /// The tensor of the graph that the values are from.
    pub(super) fn source(&self) -> Option<&TensorInfo> {
        match self {
            Self::Whole(tensor) | Self::Transposed(tensor) => Some(tensor),
            Self::Zeros(_) => None,
        }
    }

    fn read(&self, checkpoint: &Checkpoint) -> Result<Vec<f32>, CheckpointError> {
        match self {
            Self::Whole(tensor) => checkpoint.read(tensor),
            Self::Transposed(tensor) => {
                let values = checkpoint.read(tensor)?;
                let columns = tensor.shape.last().copied().unwrap_or(1).max(1);
                let rows = values.len() / columns;
                let column = |column| (0..rows).map(move |row| row * columns + column);
                Ok((0..columns)
                    .flat_map(column)
                    .map(|index| values[index])
                    .collect())
            }
            Self::Zeros(count) => Ok(vec![0.0; *count]),
        }
    }
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
