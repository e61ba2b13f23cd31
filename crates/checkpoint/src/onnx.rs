//! ONNX files: graphs of operators with their initial values, read and written.
//!
//! The messages are those of `onnx.proto`, of which networks need a dozen. Values of tensors stay in the file until they are read.

mod external;
mod graph;
mod order;
mod read;
mod tensor;
mod wire;
mod write;

pub use graph::{Attribute, Dimension, Graph, Node, Opset, ValueInfo};
pub(crate) use read::open;
pub use write::{InitialValues, Initializer, NewGraph, write};
