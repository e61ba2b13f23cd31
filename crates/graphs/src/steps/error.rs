//! What a list of steps has no words for.

use eigenscope_checkpoint::CheckpointError;
use eigenscope_checkpoint::onnx::Node;

/// Operators that are understood, for messages.
pub(super) const KNOWN: &str = "Conv, Gemm, MatMul with Add, BatchNormalization, Relu, Gelu (also taken apart), Sigmoid, x * Sigmoid(x), Tanh, \
     LeakyRelu, MaxPool, AveragePool, GlobalAveragePool, ReduceMean over height and width, Flatten, Reshape to one row an image, Add of \
     a value and what is made of it, Mul of two linear maps of one value or of the halves of one, and Softmax as the end";

/// A graph that is no list of steps.
#[derive(Debug, thiserror::Error)]
pub enum GraphError {
    /// A node that steps do not have.
    #[error("{place}: {reason}")]
    Node {
        /// The operator and its node.
        place: String,
        /// What is not possible and what is known.
        reason: String,
    },
    /// Values that decide what a node does cannot be read.
    #[error(transparent)]
    Values(#[from] CheckpointError),
}

impl GraphError {
    pub(super) fn new(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Node {
            place: place.into(),
            reason: reason.into(),
        }
    }

    pub(super) fn of(node: &Node, reason: impl Into<String>) -> Self {
        Self::new(node.describe(), reason)
    }

    /// The error of an operator that is not known.
    pub(super) fn unknown(node: &Node) -> Self {
        let operator = node.op_type.as_str();
        let is_of_integers = operator.contains("QuantizeLinear")
            || operator.starts_with("QLinear")
            || operator.ends_with("Integer");
        if is_of_integers {
            return Self::of(
                node,
                "the model is quantised, and networks compute with floating-point numbers: export it as it was before it was quantised",
            );
        }
        Self::of(
            node,
            format!("this operator cannot be a step; known are {KNOWN}"),
        )
    }
}
