//! What a graph consists of.

use std::collections::BTreeMap;

use crate::{DType, TensorInfo};

/// A graph of operators. Its initial values are [the tensors of the file](crate::Checkpoint::tensors).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Graph {
    /// Its name.
    pub name: String,
    /// The program that wrote the file.
    pub producer: String,
    /// Versions of the sets of operators.
    pub opsets: Vec<Opset>,
    /// What the graph reads, without initial values.
    pub inputs: Vec<ValueInfo>,
    /// What the graph computes.
    pub outputs: Vec<ValueInfo>,
    /// The operators, each after those whose outputs it reads.
    pub nodes: Vec<Node>,
}

impl Graph {
    /// The version of the standard operators.
    pub fn opset(&self) -> Option<i64> {
        let standard = |opset: &&Opset| matches!(opset.domain.as_str(), "" | "ai.onnx");
        self.opsets.iter().find(standard).map(|opset| opset.version)
    }
}

/// A set of operators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opset {
    /// Who defines them; empty for the standard.
    pub domain: String,
    /// Their version.
    pub version: i64,
}

/// A value that enters or leaves a graph.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueInfo {
    /// Its name.
    pub name: String,
    /// Its type, if it is a tensor of a known one.
    pub dtype: Option<DType>,
    /// Its dimensions, if the file says how many.
    pub shape: Option<Vec<Dimension>>,
}

/// The length of a dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dimension {
    /// A length.
    Fixed(usize),
    /// A length that may differ from run to run, by name.
    Named(String),
    /// Not stated.
    Unknown,
}

/// An application of an operator.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Node {
    /// Its name, which may be empty.
    pub name: String,
    /// The operator.
    pub op_type: String,
    /// Who defines the operator; empty for the standard.
    pub domain: String,
    /// Names of what it reads; an empty one is an optional input that is left out.
    pub inputs: Vec<String>,
    /// Names of what it computes.
    pub outputs: Vec<String>,
    /// Its attributes by name.
    pub attributes: BTreeMap<String, Attribute>,
}

/// The value of an attribute.
#[derive(Debug, Clone)]
pub enum Attribute {
    /// A number.
    Float(f32),
    /// An integer.
    Int(i64),
    /// A text.
    Text(String),
    /// A tensor, to be read with [`Checkpoint::read`](crate::Checkpoint::read).
    Tensor(Box<TensorInfo>),
    /// Numbers.
    Floats(Vec<f32>),
    /// Integers.
    Ints(Vec<i64>),
    /// Texts.
    Texts(Vec<String>),
    /// Something else, such as a graph.
    Other,
}

impl PartialEq for Attribute {
    /// Tensors are compared by name, shape and type.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Float(a), Self::Float(b)) => a.to_bits() == b.to_bits(),
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::Floats(a), Self::Floats(b)) => a == b,
            (Self::Ints(a), Self::Ints(b)) => a == b,
            (Self::Texts(a), Self::Texts(b)) => a == b,
            (Self::Tensor(a), Self::Tensor(b)) => {
                (&a.name, &a.shape, a.dtype) == (&b.name, &b.shape, b.dtype)
            }
            (Self::Other, Self::Other) => true,
            _ => false,
        }
    }
}

impl Node {
    /// What messages call it: the operator, with the name or the first output.
    pub fn describe(&self) -> String {
        let name = match self.name.as_str() {
            "" => self.outputs.first().map_or("", String::as_str),
            name => name,
        };
        let domain = match self.domain.as_str() {
            "" | "ai.onnx" => String::new(),
            domain => format!("{domain}."),
        };
        let (operator, name) = (
            crate::error::shown(&self.op_type),
            crate::error::shown(name),
        );
        format!("{domain}{operator} `{name}`")
    }

    /// The integer attribute `name`; `None` if it is not there or something else.
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.attributes.get(name)? {
            Attribute::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// The attribute `name` of integers.
    pub fn ints(&self, name: &str) -> Option<&[i64]> {
        match self.attributes.get(name)? {
            Attribute::Ints(values) => Some(values),
            _ => None,
        }
    }

    /// The attribute `name`, a number.
    pub fn float(&self, name: &str) -> Option<f32> {
        match self.attributes.get(name)? {
            Attribute::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// The attribute `name`, a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.attributes.get(name)? {
            Attribute::Text(value) => Some(value),
            _ => None,
        }
    }
}
