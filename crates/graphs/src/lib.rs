//! Networks as graphs of ONNX, both ways.
//!
//! * [`GraphNetwork::read`] makes of the graph of a file a list of steps as a pipeline file has it, with the tensors that the steps
//!   need under the names that they give them. What steps do not have is refused with its operator and node.
//! * [`graph_of`] makes of a stored model a graph that onnxruntime computes to the same logits; `eigenscope_checkpoint::onnx::write`
//!   writes it.
//!
//! This crate knows no files and no tasks.

#![warn(missing_docs)]

mod steps;
mod write;

pub use steps::{GraphError, GraphNetwork, GraphTensor};
pub use write::graph_of;
