//! Writing graphs, with the same bytes for the same graph.

use std::borrow::Cow;
use std::io::{self, Write};

use super::graph::{Attribute, Dimension, Node, ValueInfo};
use crate::layout::count;
use crate::safetensors::write_values;
use crate::{CheckpointError, DType};

/// Version of the format, and of the standard operators, that are written: what every onnxruntime since 1.12 reads.
const IR_VERSION: u64 = 8;
const OPSET: u64 = 17;
/// Protocol buffers have less than 2 GiB.
const LARGEST: u64 = (1 << 31) - 1;

/// A graph to be written, of operators of version 17.
#[derive(Debug, Clone, Default)]
pub struct NewGraph<'a> {
    /// Its name.
    pub name: String,
    /// What it reads.
    pub inputs: Vec<ValueInfo>,
    /// What it computes.
    pub outputs: Vec<ValueInfo>,
    /// The operators, each after those whose outputs it reads. Their attributes hold no tensors.
    pub nodes: Vec<Node>,
    /// Initial values.
    pub initializers: Vec<Initializer<'a>>,
    /// Keys and values that readers ignore.
    pub metadata: Vec<(String, String)>,
}

/// A tensor that a graph begins with.
#[derive(Debug, Clone)]
pub struct Initializer<'a> {
    /// Its name.
    pub name: String,
    /// The length of each dimension, the outermost first.
    pub shape: Vec<usize>,
    /// The values, the last index running fastest.
    pub values: InitialValues<'a>,
}

/// Values of an [`Initializer`].
#[derive(Debug, Clone)]
pub enum InitialValues<'a> {
    /// float32.
    Floats(Cow<'a, [f32]>),
    /// int64.
    Integers(Cow<'a, [i64]>),
}

impl InitialValues<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Floats(values) => values.len(),
            Self::Integers(values) => values.len(),
        }
    }
}

/// Writes a model of one graph.
///
/// # Errors
/// As `output`; values that do not have the shape, attributes that hold tensors or graphs, more than 2 GiB.
pub fn write(output: &mut impl Write, graph: &NewGraph<'_>) -> Result<(), CheckpointError> {
    for Initializer {
        name,
        shape,
        values,
    } in &graph.initializers
    {
        if count(shape) != Some(values.len() as u64) {
            let reason = format!("{} values for shape {shape:?}", values.len());
            return Err(CheckpointError::unwritable(
                format!("tensor `{name}`"),
                reason,
            ));
        }
    }
    let model = model(graph)?;
    if model.len > LARGEST {
        let reason = format!("{} bytes, more than ONNX holds in one file", model.len);
        return Err(CheckpointError::unwritable("ONNX", reason));
    }
    model
        .write(output)
        .and_then(|()| output.flush())
        .map_err(|error| CheckpointError::unwritable("ONNX", error.to_string()))
}

/// A message in pieces, so that values are not copied.
#[derive(Default)]
struct Message<'a> {
    parts: Vec<Part<'a>>,
    len: u64,
}

enum Part<'a> {
    Bytes(Vec<u8>),
    Floats(&'a [f32]),
}

impl<'a> Message<'a> {
    fn push(&mut self, bytes: &[u8]) {
        self.len += bytes.len() as u64;
        match self.parts.last_mut() {
            Some(Part::Bytes(last)) => last.extend_from_slice(bytes),
            _ => self.parts.push(Part::Bytes(bytes.to_vec())),
        }
    }

    fn varint(&mut self, mut value: u64) {
        let mut bytes = Vec::with_capacity(10);
        while value >= 0x80 {
            bytes.push(u8::try_from(value & 0x7f).unwrap_or(0) | 0x80);
            value >>= 7;
        }
        bytes.push(u8::try_from(value).unwrap_or(0));
        self.push(&bytes);
    }

    fn tag(&mut self, number: u64, wire: u64) {
        self.varint(number << 3 | wire);
    }

    fn int(&mut self, number: u64, value: u64) {
        self.tag(number, 0);
        self.varint(value);
    }

    fn float(&mut self, number: u64, value: f32) {
        self.tag(number, 5);
        self.push(&value.to_le_bytes());
    }

    fn bytes(&mut self, number: u64, bytes: &[u8]) {
        self.tag(number, 2);
        self.varint(bytes.len() as u64);
        self.push(bytes);
    }

    fn text(&mut self, number: u64, text: &str) {
        self.bytes(number, text.as_bytes());
    }

    fn floats(&mut self, number: u64, values: &'a [f32]) {
        self.tag(number, 2);
        self.varint(4 * values.len() as u64);
        self.parts.push(Part::Floats(values));
        self.len += 4 * values.len() as u64;
    }

    fn message(&mut self, number: u64, message: Self) {
        self.tag(number, 2);
        self.varint(message.len);
        for part in message.parts {
            match part {
                Part::Bytes(bytes) => self.push(&bytes),
                Part::Floats(values) => {
                    self.len += 4 * values.len() as u64;
                    self.parts.push(Part::Floats(values));
                }
            }
        }
    }

    fn write(&self, output: &mut impl Write) -> io::Result<()> {
        for part in &self.parts {
            match part {
                Part::Bytes(bytes) => output.write_all(bytes)?,
                Part::Floats(values) => write_values(output, values)?,
            }
        }
        Ok(())
    }
}

fn model<'a>(new: &'a NewGraph<'_>) -> Result<Message<'a>, CheckpointError> {
    let mut model = Message::default();
    model.int(1, IR_VERSION);
    model.text(2, "eigenscope");
    model.message(7, graph(new)?);
    let mut opset = Message::default();
    opset.text(1, "");
    opset.int(2, OPSET);
    model.message(8, opset);
    for (key, value) in &new.metadata {
        let mut entry = Message::default();
        entry.text(1, key);
        entry.text(2, value);
        model.message(14, entry);
    }
    Ok(model)
}

fn graph<'a>(new: &'a NewGraph<'_>) -> Result<Message<'a>, CheckpointError> {
    let mut graph = Message::default();
    for one in &new.nodes {
        graph.message(1, node(one)?);
    }
    graph.text(2, &new.name);
    for one in &new.initializers {
        graph.message(5, initializer(one));
    }
    for (number, values) in [(11, &new.inputs), (12, &new.outputs)] {
        for value in values {
            graph.message(number, value_info(value)?);
        }
    }
    Ok(graph)
}

fn node(node: &Node) -> Result<Message<'_>, CheckpointError> {
    let mut message = Message::default();
    for input in &node.inputs {
        message.text(1, input);
    }
    for output in &node.outputs {
        message.text(2, output);
    }
    message.text(3, &node.name);
    message.text(4, &node.op_type);
    for (name, value) in &node.attributes {
        let written = attribute(name, value);
        message.message(
            5,
            written.ok_or_else(|| {
                CheckpointError::unwritable(node.describe(), format!("attribute `{name}`"))
            })?,
        );
    }
    if !node.domain.is_empty() {
        message.text(7, &node.domain);
    }
    Ok(message)
}

fn attribute<'a>(name: &str, value: &'a Attribute) -> Option<Message<'a>> {
    let mut message = Message::default();
    message.text(1, name);
    let kind = match value {
        Attribute::Float(value) => {
            message.float(2, *value);
            1
        }
        Attribute::Int(value) => {
            message.int(3, value.cast_unsigned());
            2
        }
        Attribute::Text(value) => {
            message.text(4, value);
            3
        }
        Attribute::Floats(values) => {
            message.floats(7, values);
            6
        }
        Attribute::Ints(values) => {
            let mut packed = Message::default();
            for value in values {
                packed.varint(value.cast_unsigned());
            }
            message.message(8, packed);
            7
        }
        Attribute::Texts(values) => {
            for value in values {
                message.text(9, value);
            }
            8
        }
        Attribute::Tensor(_) | Attribute::Other => return None,
    };
    message.int(20, kind);
    Some(message)
}

fn initializer<'a>(initializer: &'a Initializer<'_>) -> Message<'a> {
    let mut message = Message::default();
    let mut dims = Message::default();
    for &side in &initializer.shape {
        dims.varint(side as u64);
    }
    message.message(1, dims);
    message.int(
        2,
        match initializer.values {
            InitialValues::Floats(_) => 1,
            InitialValues::Integers(_) => 7,
        },
    );
    message.text(8, &initializer.name);
    match &initializer.values {
        InitialValues::Floats(values) => message.floats(9, values),
        InitialValues::Integers(values) => {
            let bytes: Vec<u8> = values
                .iter()
                .flat_map(|value| value.to_le_bytes())
                .collect();
            message.bytes(9, &bytes);
        }
    }
    message
}

fn value_info(info: &ValueInfo) -> Result<Message<'_>, CheckpointError> {
    let elements = match info.dtype {
        None | Some(DType::F32) => 1,
        Some(DType::I64) => 7,
        Some(other) => {
            let what = format!("value `{}`", info.name);
            return Err(CheckpointError::unwritable(what, format!("type {other}")));
        }
    };
    let mut tensor = Message::default();
    tensor.int(1, elements);
    if let Some(dimensions) = &info.shape {
        let mut shape = Message::default();
        for dimension in dimensions {
            let mut message = Message::default();
            match dimension {
                Dimension::Fixed(length) => message.int(1, *length as u64),
                Dimension::Named(name) => message.text(2, name),
                Dimension::Unknown => {}
            }
            shape.message(1, message);
        }
        tensor.message(2, shape);
    }
    let mut kind = Message::default();
    kind.message(1, tensor);
    let mut message = Message::default();
    message.text(1, &info.name);
    message.message(2, kind);
    Ok(message)
}
