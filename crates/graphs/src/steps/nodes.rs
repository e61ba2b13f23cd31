//! The nodes of a graph, one after another, as pieces.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use eigenscope_checkpoint::onnx::{Attribute, Graph, Node};
use eigenscope_checkpoint::{Checkpoint, TensorInfo};

use super::Sizes;
use super::elementwise::{self, Results};
use super::error::GraphError;
use super::integers::{self, Integers};
use super::layout::{ChannelsLast, RowOfPlaces};
use super::pieces::{Operation, Piece};
use super::windows::PlainWindow;

/// Most pieces; a list of steps has no more.
const PIECES: usize = 20_000;

const CHANNELS_LAST: &str = "it reads values with the channels last; steps have them first, and only the images, and rows of all values before a linear map, \
                             may be transposed";

/// What is known about a value.
#[derive(Debug, Clone)]
pub(super) enum Known {
    /// A function of the values of a piece.
    Values(Values),
    /// A tensor of the file.
    Constant(Rc<TensorInfo>),
    /// A number that a node holds.
    Number(f64),
    /// Sizes.
    Integers(Integers),
    /// As `Values`, with the channels last.
    ChannelsLast(Values),
}

/// A function of each value of a piece.
#[derive(Debug, Clone)]
pub(super) struct Values {
    pub(super) piece: usize,
    /// What it makes of some numbers.
    pub(super) results: Results,
    /// The pieces whose sum it may be, if it is no function of one.
    pub(super) sum: Option<[usize; 2]>,
    /// Operator and node.
    pub(super) place: String,
}

/// Reads nodes in order.
pub(super) struct Builder<'a> {
    pub(super) checkpoint: &'a Checkpoint,
    graph: &'a Graph,
    pub(super) known: HashMap<String, Known>,
    /// Tensors of nodes that have a name.
    pub(super) named: HashSet<String>,
    pub(super) pieces: Vec<Piece>,
    /// Pieces that are functions, by the piece that they read, what they do and the node that makes them.
    pub(super) functions: HashMap<(usize, [u64; 2], String), usize>,
    /// Pieces that are sums of functions of one piece, by what they add and the node.
    pub(super) sums: HashMap<([usize; 2], String), usize>,
    /// The images, if the graph reads them with the channels last.
    pub(super) channels_last: Option<ChannelsLast>,
    /// Pieces that are rows of places with the channels last.
    pub(super) rows: HashMap<usize, RowOfPlaces>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(
        checkpoint: &'a Checkpoint,
        graph: &'a Graph,
        (name, sizes): (String, Sizes),
    ) -> Self {
        let mut known = HashMap::new();
        for tensor in checkpoint.tensors() {
            let constant = Known::Constant(Rc::new(tensor.clone()));
            known.insert(tensor.name.clone(), constant);
        }
        let place = format!("input `{name}`");
        let values = Values {
            piece: 0,
            results: elementwise::points(),
            sum: None,
            place: place.clone(),
        };
        known.insert(name, Known::Values(values));
        Self {
            checkpoint,
            graph,
            known,
            named: HashSet::new(),
            pieces: vec![Piece {
                operation: Operation::Input,
                parent: 0,
                depth: 0,
                sizes,
                place,
            }],
            functions: HashMap::new(),
            sums: HashMap::new(),
            channels_last: None,
            rows: HashMap::new(),
        }
    }

    pub(super) fn run(&mut self) -> Result<(), GraphError> {
        for node in &self.graph.nodes {
            if self.pieces.len() > PIECES {
                let reason = format!("the graph has more than {PIECES} steps");
                return Err(GraphError::of(node, reason));
            }
            if !matches!(node.domain.as_str(), "" | "ai.onnx") {
                return Err(GraphError::unknown(node));
            }
            self.node(node)?;
        }
        Ok(())
    }

    /// The piece that the output is.
    pub(super) fn output(&mut self, name: &str) -> Result<usize, GraphError> {
        match self.known.get(name).cloned() {
            Some(Known::Values(values)) => self.piece_of(&values),
            _ => {
                let reason = "it does not depend on the images";
                Err(GraphError::new(format!("output `{name}`"), reason))
            }
        }
    }

    fn node(&mut self, node: &Node) -> Result<(), GraphError> {
        if node.op_type == "Constant" {
            let constant = self.constant(node)?;
            return self.define(node, 0, constant);
        }
        if let Some(integers) = self.integers(node)? {
            return self.define(node, 0, Known::Integers(integers));
        }
        match node.op_type.as_str() {
            "Add" | "Sub" | "Mul" | "Div" | "Pow" => self.arithmetic(node),
            "Relu" | "Gelu" | "Sigmoid" | "Tanh" | "LeakyRelu" => self.function(node),
            "Erf" | "Neg" | "Exp" | "Sqrt" => self.part_of_function(node),
            "Identity" | "Dropout" | "Cast" => self.same(node),
            "Split" | "Slice" => self.half(node),
            "Conv" | "Gemm" | "MatMul" => self.map(node),
            "BatchNormalization" => self.batch_norm(node),
            "MaxPool" | "AveragePool" | "GlobalAveragePool" | "ReduceMean" => self.pool(node),
            "Flatten" | "Reshape" | "Squeeze" => self.flatten(node),
            "Transpose" => self.transpose(node),
            "Softmax" | "LogSoftmax" => self.softmax(node),
            _ => Err(GraphError::unknown(node)),
        }
    }

    pub(super) fn define(
        &mut self,
        node: &Node,
        output: usize,
        known: Known,
    ) -> Result<(), GraphError> {
        let name = node.outputs.get(output).filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| GraphError::of(node, "it has no output"))?;
        self.known.insert(name.clone(), known);
        Ok(())
    }

    pub(super) fn input(&self, node: &Node, index: usize) -> Option<&Known> {
        self.known.get(node.inputs.get(index)?)
    }

    /// The values that input `index` is; the error says that it is a constant.
    pub(super) fn values(&self, node: &Node, index: usize) -> Result<Values, GraphError> {
        match self.input(node, index) {
            Some(Known::Values(values)) => Ok(values.clone()),
            Some(Known::ChannelsLast(_)) => Err(GraphError::of(node, CHANNELS_LAST)),
            None if self.is_read_as_it_is(node, index) => Err(GraphError::of(node, CHANNELS_LAST)),
            _ => Err(GraphError::of(node, "it reads no values of images")),
        }
    }

    fn is_read_as_it_is(&self, node: &Node, index: usize) -> bool {
        let images = self.channels_last.as_ref();
        images.is_some_and(|images| images.has(node.inputs.get(index)))
    }

    /// The tensor of the file that input `index` is.
    pub(super) fn tensor(
        &self,
        node: &Node,
        index: usize,
        what: &str,
    ) -> Result<TensorInfo, GraphError> {
        match self.input(node, index) {
            Some(Known::Constant(tensor)) => Ok(TensorInfo::clone(tensor)),
            _ => {
                let reason = format!("its {what} is computed by the graph, not stored in the file");
                Err(GraphError::of(node, reason))
            }
        }
    }

    pub(super) fn push(
        &mut self,
        operation: Operation,
        parent: usize,
        sizes: Sizes,
        place: String,
    ) -> usize {
        let depth = self.pieces[parent].depth + 1;
        self.pieces.push(Piece {
            operation,
            parent,
            depth,
            sizes,
            place,
        });
        self.pieces.len() - 1
    }

    /// Makes a piece of the node's first output.
    pub(super) fn piece(
        &mut self,
        node: &Node,
        operation: Operation,
        parent: usize,
        sizes: Sizes,
    ) -> Result<(), GraphError> {
        let piece = self.push(operation, parent, sizes, node.describe());
        self.define(node, 0, Known::Values(plain(piece, node)))
    }

    fn constant(&self, node: &Node) -> Result<Known, GraphError> {
        let [(name, value)] = node.attributes.iter().collect::<Vec<_>>()[..] else {
            return Err(GraphError::of(node, "it has no value"));
        };
        Ok(match (name.as_str(), value) {
            ("value", Attribute::Tensor(tensor)) => {
                let mut tensor = TensorInfo::clone(tensor);
                if tensor.name.is_empty() {
                    tensor.name = node.outputs.first().cloned().unwrap_or_default();
                }
                Known::Constant(Rc::new(tensor))
            }
            ("value_float", Attribute::Float(value)) => Known::Number(f64::from(*value)),
            ("value_int", Attribute::Int(value)) => Known::Integers(Integers {
                values: vec![Some(*value)],
                is_scalar: true,
            }),
            ("value_ints", Attribute::Ints(values)) => {
                Known::Integers(Integers::list(values.iter().copied().map(Some).collect()))
            }
            _ => return Err(GraphError::of(node, "its value is no number")),
        })
    }

    /// The integers that input `index` is, read from the file if they are stored.
    pub(super) fn integers_of(
        &self,
        node: &Node,
        index: usize,
    ) -> Result<Option<Integers>, GraphError> {
        Ok(match self.input(node, index) {
            Some(Known::Integers(integers)) => Some(integers.clone()),
            Some(Known::Constant(tensor))
                if !tensor.dtype.is_float()
                    && tensor.dtype.is_readable()
                    && tensor.count() <= integers::MOST as u64 =>
            {
                let values = self.checkpoint.read_integers(tensor)?;
                Some(Integers {
                    values: values.into_iter().map(Some).collect(),
                    is_scalar: tensor.shape.is_empty(),
                })
            }
            _ => None,
        })
    }

    /// What a node computes of sizes; `None` if it computes something else.
    fn integers(&self, node: &Node) -> Result<Option<Integers>, GraphError> {
        if node.op_type == "Shape" {
            let channels_last;
            let sizes = match (self.input(node, 0), &self.channels_last) {
                (Some(Known::Values(values)), _) => &self.pieces[values.piece].sizes,
                (Some(Known::ChannelsLast(values)), _) => {
                    let sizes = &self.pieces[values.piece].sizes;
                    let Some((first, [channels, places @ ..])) = sizes.split_first() else {
                        return Ok(None);
                    };
                    channels_last = [&[*first], places, &[*channels]].concat();
                    &channels_last
                }
                (None, Some(images)) if images.has(node.inputs.first()) => &images.sizes,
                _ => return Ok(None),
            };
            let sizes = sizes
                .iter()
                .map(|size| size.and_then(|size| i64::try_from(size).ok()));
            let whole = node.int("start").unwrap_or(0) == 0 && node.int("end").is_none();
            return match whole {
                true => Ok(Some(Integers::list(sizes.collect()))),
                false => Err(GraphError::of(node, "a part of a shape cannot be followed")),
            };
        }
        let mut inputs = Vec::new();
        for index in 0..node.inputs.len() {
            let known = self.input(node, index);
            if matches!(known, Some(Known::Values(_) | Known::ChannelsLast(_))) {
                return Ok(None);
            }
            inputs.push(self.integers_of(node, index)?);
        }
        let inputs: Vec<Option<&Integers>> = inputs.iter().map(Option::as_ref).collect();
        Ok(integers::compute(node, &inputs))
    }

    /// The number that input `index` is, if it is one.
    pub(super) fn number(&self, node: &Node, index: usize) -> Result<Option<f64>, GraphError> {
        Ok(match self.input(node, index) {
            Some(Known::Number(number)) => Some(*number),
            Some(Known::Constant(tensor)) if tensor.count() == 1 && tensor.dtype.is_readable() => {
                let values = self.checkpoint.read(tensor)?;
                values.first().map(|value| f64::from(*value))
            }
            _ => None,
        })
    }

    /// A node that changes nothing when the network is used.
    fn same(&mut self, node: &Node) -> Result<(), GraphError> {
        const FLOAT: i64 = 1;
        if node.op_type == "Cast" && node.int("to") != Some(FLOAT) {
            let reason =
                "it makes other numbers than float32 of its values; export the model in float32";
            return Err(GraphError::of(node, reason));
        }
        let input = self.input(node, 0).cloned();
        let input = input.ok_or_else(|| GraphError::of(node, "it has no input"))?;
        self.define(node, 0, input)
    }

    fn pool(&mut self, node: &Node) -> Result<(), GraphError> {
        let values = self.values(node, 0)?;
        let parent = self.piece_of(&values)?;
        let sizes = self.pieces[parent].sizes.clone();
        let [images, channels, height, width] = sizes[..] else {
            return Err(GraphError::of(
                node,
                "it reads no images of channels, height and width",
            ));
        };
        let mean = |sizes| (Operation::GlobalAveragePool, sizes);
        let whole = vec![images, channels, Some(1), Some(1)];
        let (operation, sizes) = match node.op_type.as_str() {
            "GlobalAveragePool" => mean(whole),
            "ReduceMean" => {
                let kept = self.mean_of_places(node)?;
                mean(if kept { whole } else { vec![images, channels] })
            }
            operator => {
                let window = PlainWindow::of(node, None)?;
                self.check_pool(node, window, [height, width])?;
                let count = |side: Option<usize>| window.count(side?);
                let sizes = vec![images, channels, count(height), count(width)];
                match operator {
                    "MaxPool" => (Operation::MaxPool(window), sizes),
                    _ if window.padding == 0 && [height, width] == [Some(window.kernel); 2] => {
                        mean(sizes)
                    }
                    _ => {
                        let counts_padding = node.int("count_include_pad").unwrap_or(0) != 0;
                        (Operation::AveragePool(window, counts_padding), sizes)
                    }
                }
            }
        };
        self.piece(node, operation, parent, sizes)
    }

    fn check_pool(
        &self,
        node: &Node,
        window: PlainWindow,
        sides: [Option<usize>; 2],
    ) -> Result<(), GraphError> {
        let leaves_rest = |side: &Option<usize>| side.is_none_or(|side| window.leaves_rest(side));
        if node.int("ceil_mode").unwrap_or(0) != 0 && sides.iter().any(leaves_rest) {
            let reason = "it rounds the number of windows up (`ceil_mode`); steps round down";
            return Err(GraphError::of(node, reason));
        }
        if window.dilation != 1 {
            return Err(GraphError::of(
                node,
                "its windows are dilated; those of steps are dense",
            ));
        }
        if node
            .outputs
            .get(1)
            .is_some_and(|indices| !indices.is_empty())
        {
            return Err(GraphError::of(node, "it makes indices, too"));
        }
        Ok(())
    }

    /// Checks that a mean is over height and width, and returns whether they are kept as 1.
    fn mean_of_places(&self, node: &Node) -> Result<bool, GraphError> {
        let axes = match (node.ints("axes"), self.integers_of(node, 1)?) {
            (Some(axes), _) => axes.iter().copied().map(Some).collect(),
            (None, Some(axes)) => axes.values,
            (None, None) => Vec::new(),
        };
        let mut axes: Vec<i64> = axes
            .into_iter()
            .flatten()
            .map(|axis| if axis < 0 { axis + 4 } else { axis })
            .collect();
        axes.sort_unstable();
        match axes == [2, 3] {
            true => Ok(node.int("keepdims").unwrap_or(1) != 0),
            false => Err(GraphError::of(
                node,
                "it is not the mean over height and width, the only one that steps have",
            )),
        }
    }

    /// Nodes that make one row of values of each image.
    fn flatten(&mut self, node: &Node) -> Result<(), GraphError> {
        if node.op_type == "Reshape"
            && let Some(wanted) = self.integers_of(node, 1)?
            && self.reshaped_images(node, &wanted.values)?
        {
            return Ok(());
        }
        let (values, channels_last) = match self.input(node, 0) {
            Some(Known::ChannelsLast(values)) => (values.clone(), true),
            _ => (self.values(node, 0)?, false),
        };
        let parent = self.piece_of(&values)?;
        let sizes = self.pieces[parent].sizes.clone();
        if let ("Reshape", [images, Some(width)]) = (node.op_type.as_str(), &sizes[..])
            && let Some(wanted) = self.integers_of(node, 1)?
            && is_pixel(&wanted.values, *width)
        {
            let sizes = vec![*images, Some(*width), Some(1), Some(1)];
            return self.piece(node, Operation::Pixel, parent, sizes);
        }
        let values = sizes
            .iter()
            .skip(1)
            .try_fold(1usize, |product, size| product.checked_mul((*size)?));
        let is_flat = match node.op_type.as_str() {
            "Flatten" => node.int("axis").unwrap_or(1) == 1,
            "Squeeze" => sizes.len() == 4 && sizes[2..] == [Some(1), Some(1)],
            _ => {
                let wanted = self.integers_of(node, 1)?;
                wanted.is_some_and(|wanted| is_row(&wanted.values, values))
            }
        };
        match is_flat {
            true => {
                self.piece(node, Operation::Flatten, parent, vec![None, values])?;
                match channels_last {
                    true => self.note_row(node, parent),
                    false => Ok(()),
                }
            }
            false => Err(GraphError::of(
                node,
                "it makes something else than one row of values of each image, which is the only shape that steps change to",
            )),
        }
    }

    fn softmax(&mut self, node: &Node) -> Result<(), GraphError> {
        let values = self.values(node, 0)?;
        let parent = self.piece_of(&values)?;
        let sizes = self.pieces[parent].sizes.clone();
        let axis = node.int("axis").unwrap_or(-1);
        if sizes.len() != 2 || !matches!(axis, -1 | 1) {
            return Err(GraphError::of(node, "it is not over the classes"));
        }
        let logarithm = node.op_type == "LogSoftmax";
        self.piece(node, Operation::Softmax { logarithm }, parent, sizes)
    }
}

/// The values of a piece themselves.
pub(super) fn plain(piece: usize, node: &Node) -> Values {
    Values {
        piece,
        results: elementwise::points(),
        sum: None,
        place: node.describe(),
    }
}

/// Whether a shape is one pixel of so many channels for each image.
fn is_pixel(wanted: &[Option<i64>], width: usize) -> bool {
    let [None | Some(-1), Some(channels), Some(1), Some(1)] = wanted else {
        return false;
    };
    i64::try_from(width) == Ok(*channels)
}

/// Whether a shape is one row for each image, of so many values if that is known.
fn is_row(wanted: &[Option<i64>], values: Option<usize>) -> bool {
    let [images, row] = wanted else {
        return false;
    };
    let fits = |row: i64| row == -1 || values.is_none_or(|values| i64::try_from(values) == Ok(row));
    // The number of images, from their shape or as any number: -1 for both is not allowed.
    row.is_some_and(fits) && (*images != Some(-1) || *row != Some(-1))
}
