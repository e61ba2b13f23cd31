//! Reading the messages of a model.

use std::collections::HashSet;
use std::ops::Range;

use super::external::External;
use super::graph::{Attribute, Dimension, Graph, Node, Opset, ValueInfo};
use super::order;
use super::tensor::{StoredTensor, dtype_of};
use super::wire::{Field, Wire};
use crate::checkpoint::Contents;
use crate::error::shown;
use crate::source::Source;
use crate::tidy::conversions;
use crate::{CheckpointError, TensorInfo, limits};

/// Reads the model in the first of `sources`, and appends the files that its values are in.
///
/// # Errors
/// Damage, more than the limits, values outside of the folder of the file.
pub(crate) fn open(sources: &mut Vec<Source>) -> Result<(Contents, Graph), CheckpointError> {
    let source = &sources[0];
    let mut wire = Wire::new(source);
    let mut external = External::new(source);
    let mut reader = Reader {
        wire: &mut wire,
        external: &mut external,
        graph: Graph::default(),
        tensors: Vec::new(),
        has_graph: false,
    };
    reader.model(0..source.len())?;
    let Reader {
        mut graph,
        tensors,
        has_graph,
        ..
    } = reader;
    if !has_graph || graph.opsets.is_empty() {
        return Err(source.damaged("model", "it has no graph or no version; is it ONNX?"));
    }
    let mut names = HashSet::new();
    for tensor in &tensors {
        if !names.insert(tensor.name.as_str()) {
            let place = format!("tensor `{}`", shown(&tensor.name));
            return Err(source.damaged(place, "two initial values have this name"));
        }
    }
    // Before version 4 of the format, initial values are inputs, too.
    graph
        .inputs
        .retain(|input| !names.contains(input.name.as_str()));
    order::sort(source, &mut graph, &names)?;
    let floats: Vec<TensorInfo> = tensors
        .iter()
        .filter(|tensor| tensor.dtype.is_float())
        .cloned()
        .collect();
    let notes = conversions(&floats);
    let opened = external.sources;
    sources.extend(opened);
    Ok((Contents { tensors, notes }, graph))
}

struct Reader<'a, 'b> {
    wire: &'a mut Wire<'b>,
    external: &'a mut External<'b>,
    graph: Graph,
    tensors: Vec<TensorInfo>,
    has_graph: bool,
}

impl Reader<'_, '_> {
    fn model(&mut self, mut range: Range<u64>) -> Result<(), CheckpointError> {
        while let Some((number, field)) = self.wire.next(&mut range)? {
            match number {
                2 => self.graph.producer = self.wire.text(&field)?,
                7 if self.has_graph => {
                    return Err(self.wire.source.damaged("model", "it has two graphs"));
                }
                7 => {
                    self.has_graph = true;
                    let range = self.wire.range(&field)?;
                    self.graph(range)?;
                }
                8 => {
                    let range = self.wire.range(&field)?;
                    let opset = self.opset(range)?;
                    self.graph.opsets.push(opset);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn opset(&mut self, mut range: Range<u64>) -> Result<Opset, CheckpointError> {
        self.wire.charge(size_of::<Opset>())?;
        let mut opset = Opset {
            domain: String::new(),
            version: 0,
        };
        while let Some((number, field)) = self.wire.next(&mut range)? {
            match number {
                1 => opset.domain = self.wire.text(&field)?,
                2 => opset.version = self.wire.int(&field)?,
                _ => {}
            }
        }
        Ok(opset)
    }

    fn graph(&mut self, mut range: Range<u64>) -> Result<(), CheckpointError> {
        while let Some((number, field)) = self.wire.next(&mut range)? {
            match number {
                1 => {
                    if self.graph.nodes.len() == limits::ONNX_NODES {
                        let limit = format!("{} nodes", limits::ONNX_NODES);
                        return Err(self.wire.source.too_large("graph", "more nodes", limit));
                    }
                    let range = self.wire.range(&field)?;
                    let node = self.node(range)?;
                    self.graph.nodes.push(node);
                }
                2 => self.graph.name = self.wire.text(&field)?,
                5 => {
                    if self.tensors.len() == limits::TENSORS {
                        let limit = format!("{} tensors", limits::TENSORS);
                        return Err(self.wire.source.too_large("graph", "more tensors", limit));
                    }
                    let range = self.wire.range(&field)?;
                    let tensor = self.tensor(range)?;
                    self.tensors.push(tensor);
                }
                11 | 12 => {
                    let range = self.wire.range(&field)?;
                    let value = self.value_info(range)?;
                    match number {
                        11 => self.graph.inputs.push(value),
                        _ => self.graph.outputs.push(value),
                    }
                }
                15 => {
                    let reason = "sparse initial values cannot be read; export them as plain ones";
                    return Err(self.wire.source.unsupported("graph", reason));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn tensor(&mut self, range: Range<u64>) -> Result<TensorInfo, CheckpointError> {
        StoredTensor::read(self.wire, range)?.locate(self.wire, self.external)
    }

    fn node(&mut self, mut range: Range<u64>) -> Result<Node, CheckpointError> {
        self.wire.charge(size_of::<Node>())?;
        let mut node = Node::default();
        while let Some((number, field)) = self.wire.next(&mut range)? {
            match number {
                1 => node.inputs.push(self.wire.text(&field)?),
                2 => node.outputs.push(self.wire.text(&field)?),
                3 => node.name = self.wire.text(&field)?,
                4 => node.op_type = self.wire.text(&field)?,
                5 => {
                    let range = self.wire.range(&field)?;
                    let (name, attribute) = self.attribute(range)?;
                    if node.attributes.insert(name.clone(), attribute).is_some() {
                        let reason = format!("two attributes `{}`", shown(&name));
                        return Err(self.wire.source.damaged(node.describe(), reason));
                    }
                }
                7 => node.domain = self.wire.text(&field)?,
                _ => {}
            }
        }
        Ok(node)
    }

    fn attribute(&mut self, mut range: Range<u64>) -> Result<(String, Attribute), CheckpointError> {
        self.wire.charge(128)?;
        let mut name = String::new();
        let mut kind = 0;
        let mut one = Attribute::Other;
        let (mut floats, mut ints, mut texts) = (Vec::new(), Vec::new(), Vec::new());
        while let Some((number, field)) = self.wire.next(&mut range)? {
            match number {
                1 => name = self.wire.text(&field)?,
                2 => one = Attribute::Float(self.wire.float(&field)?),
                3 => one = Attribute::Int(self.wire.int(&field)?),
                4 => one = self.text_attribute(&field)?,
                5 => {
                    let range = self.wire.range(&field)?;
                    one = Attribute::Tensor(Box::new(self.tensor(range)?));
                }
                7 => self.wire.floats(&field, &mut floats)?,
                8 => self.wire.ints(&field, &mut ints)?,
                9 => texts.push(self.wire.text(&field)?),
                20 => kind = self.wire.int(&field)?,
                _ => {}
            }
        }
        // A list may be empty, and a number that is zero is left out.
        let attribute = match kind {
            1 if matches!(one, Attribute::Other) => Attribute::Float(0.0),
            2 if matches!(one, Attribute::Other) => Attribute::Int(0),
            3 if matches!(one, Attribute::Other) => Attribute::Text(String::new()),
            6 => Attribute::Floats(floats),
            7 => Attribute::Ints(ints),
            8 => Attribute::Texts(texts),
            _ if !floats.is_empty() => Attribute::Floats(floats),
            _ if !ints.is_empty() => Attribute::Ints(ints),
            _ if !texts.is_empty() => Attribute::Texts(texts),
            _ => one,
        };
        Ok((name, attribute))
    }

    /// A text, or bytes that are none.
    fn text_attribute(&mut self, field: &Field) -> Result<Attribute, CheckpointError> {
        let bytes = self.wire.bytes(field)?;
        Ok(String::from_utf8(bytes).map_or(Attribute::Other, Attribute::Text))
    }

    fn value_info(&mut self, mut range: Range<u64>) -> Result<ValueInfo, CheckpointError> {
        self.wire.charge(size_of::<ValueInfo>())?;
        let mut info = ValueInfo {
            name: String::new(),
            dtype: None,
            shape: None,
        };
        while let Some((number, field)) = self.wire.next(&mut range)? {
            match number {
                1 => info.name = self.wire.text(&field)?,
                2 => {
                    let mut range = self.wire.range(&field)?;
                    while let Some((number, field)) = self.wire.next(&mut range)? {
                        if number == 1 {
                            let range = self.wire.range(&field)?;
                            self.tensor_type(range, &mut info)?;
                        }
                    }
                }
                _ => {}
            }
        }
        Ok(info)
    }

    fn tensor_type(
        &mut self,
        mut range: Range<u64>,
        info: &mut ValueInfo,
    ) -> Result<(), CheckpointError> {
        while let Some((number, field)) = self.wire.next(&mut range)? {
            match number {
                1 => info.dtype = dtype_of(self.wire.int(&field)?),
                2 => {
                    let mut range = self.wire.range(&field)?;
                    let mut shape = Vec::new();
                    while let Some((number, field)) = self.wire.next(&mut range)? {
                        if number == 1 {
                            let range = self.wire.range(&field)?;
                            shape.push(self.dimension(range)?);
                        }
                    }
                    info.shape = Some(shape);
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn dimension(&mut self, mut range: Range<u64>) -> Result<Dimension, CheckpointError> {
        self.wire.charge(size_of::<Dimension>())?;
        let mut dimension = Dimension::Unknown;
        while let Some((number, field)) = self.wire.next(&mut range)? {
            match number {
                1 => {
                    let length = usize::try_from(self.wire.int(&field)?);
                    dimension = length.map_or(Dimension::Unknown, Dimension::Fixed);
                }
                2 => dimension = Dimension::Named(self.wire.text(&field)?),
                _ => {}
            }
        }
        Ok(dimension)
    }
}
