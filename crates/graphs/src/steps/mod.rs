//! Graphs of ONNX as lists of steps, with the tensors that the steps need.
//!
//! Nodes are read in order. What only computes sizes (`Shape`, `Gather`, ...) is evaluated; functions of single values are told by
//! what they make of some numbers, however they were taken apart by the exporter; what is left are maps, pools and sums, whose order
//! is that of the steps. Everything else is refused with its operator, its node and what is known.

mod arrange;
mod blocks;
mod elementwise;
mod error;
mod functions;
mod halves;
mod integers;
mod layout;
mod maps;
mod names;
mod nodes;
mod parts;
mod pieces;
mod windows;

use std::collections::BTreeMap;

use eigenscope_checkpoint::onnx::{Dimension, Graph};
use eigenscope_checkpoint::{Checkpoint, CheckpointError};
use serde_json::Value;

pub use error::GraphError;
pub use parts::GraphTensor;

/// A graph as a network.
#[derive(Debug)]
pub struct GraphNetwork {
    /// The list of steps, as a pipeline file would have it.
    pub steps: Value,
    /// The tensors under the names that the steps give them, ordered by name.
    pub tensors: Vec<GraphTensor>,
    /// Channels, height and width of the images that it reads, if it fixes them; also of a graph that reads the channels last.
    pub input: Option<[usize; 3]>,
}

impl GraphNetwork {
    /// Reads the graph of `checkpoint`; `None` if it has none.
    ///
    /// # Errors
    /// An operator, or a use of one, that steps do not have; values that cannot be read.
    pub fn read(checkpoint: &Checkpoint) -> Result<Option<Self>, GraphError> {
        let Some(graph) = checkpoint.graph() else {
            return Ok(None);
        };
        let (input, output) = ends(graph)?;
        let mut builder = nodes::Builder::new(checkpoint, graph, input);
        builder.run()?;
        let last = builder.output(&output)?;
        builder.check_rows(last)?;
        let input = match builder.pieces[0].sizes[..] {
            [_, Some(channels), Some(height), Some(width)] => Some([channels, height, width]),
            _ => None,
        };
        let arranged = arrange::arrange(&builder.pieces, last)?;
        let mut named = names::name(arranged)?;
        let tensors: BTreeMap<String, GraphTensor> = named
            .tensors
            .drain(..)
            .map(|tensor| (tensor.name.clone(), tensor))
            .collect();
        Ok(Some(Self {
            steps: Value::Array(named.steps),
            tensors: tensors.into_values().collect(),
            input,
        }))
    }

    /// The values of the tensor called `name`; `None` if there is no such tensor.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn values(
        &self,
        checkpoint: &Checkpoint,
        name: &str,
    ) -> Option<Result<Vec<f32>, CheckpointError>> {
        let tensor = self.tensors.iter().find(|tensor| tensor.name == name)?;
        Some(tensor.read(checkpoint))
    }
}

/// Lengths of dimensions that are known.
type Sizes = Vec<Option<usize>>;

/// Name and sizes of the one input, and the name of the one output.
fn ends(graph: &Graph) -> Result<((String, Sizes), String), GraphError> {
    let listed = |names: Vec<&str>| names.join("`, `");
    let inputs: Vec<&str> = graph
        .inputs
        .iter()
        .map(|input| input.name.as_str())
        .collect();
    let outputs: Vec<&str> = graph
        .outputs
        .iter()
        .map(|output| output.name.as_str())
        .collect();
    let ([input], [output]) = (graph.inputs.as_slice(), outputs.as_slice()) else {
        return Err(GraphError::new(
            "the graph",
            format!(
                "it has the inputs `{}` and the outputs `{}`; export it with the images as the one input and the logits as the one output",
                listed(inputs),
                listed(outputs)
            ),
        ));
    };
    let Some(shape) = &input.shape else {
        let reason = "the file does not say how many dimensions it has";
        return Err(GraphError::new(format!("input `{}`", input.name), reason));
    };
    let sizes = shape.iter().skip(1).map(|dimension| match dimension {
        Dimension::Fixed(length) => Some(*length),
        _ => None,
    });
    // The first counts images, however many the graph was exported with.
    let sizes = std::iter::once(None).chain(sizes).collect();
    Ok(((input.name.clone(), sizes), (*output).to_owned()))
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod written;
