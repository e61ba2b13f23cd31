//! What a graph consists of once sizes and single values are understood: a tree of pieces, each made from one before it.

use super::Sizes;
use super::elementwise::Function;
use super::parts::Part;
use super::windows::PlainWindow;

/// A piece of a network.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) operation: Operation,
    /// The piece that it reads; of a sum, the one where its two ways part. The first piece reads itself.
    pub(super) parent: usize,
    /// Pieces from here to the first.
    pub(super) depth: usize,
    /// Lengths of what it makes; the first one counts images.
    pub(super) sizes: Sizes,
    /// Operator and node, for messages.
    pub(super) place: String,
}

/// What a piece does.
#[derive(Debug, Clone)]
pub(super) enum Operation {
    Input,
    Map(Map),
    BatchNorm {
        hint: String,
        epsilon: f64,
        momentum: f64,
        /// weight, bias, running mean and running variance.
        tensors: [Part; 4],
    },
    Function(Function),
    MaxPool(PlainWindow),
    /// With or without zeros for the padding.
    AveragePool(PlainWindow, bool),
    GlobalAveragePool,
    Flatten,
    /// A row of values as the channels of one pixel, which is no step.
    Pixel,
    Softmax {
        logarithm: bool,
    },
    /// The first or second half of the channels; only a product can read it.
    Half(usize),
    /// The sum of two pieces.
    Sum(usize, usize),
}

/// A linear map.
#[derive(Debug, Clone)]
pub(super) struct Map {
    /// What the graph calls it.
    pub(super) hint: String,
    pub(super) outputs: usize,
    /// Shape of the weight.
    pub(super) shape: Vec<usize>,
    pub(super) weight: Vec<Part>,
    pub(super) bias: Option<Vec<Part>>,
    pub(super) kind: MapKind,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum MapKind {
    Linear,
    /// Twice the outputs, the halves multiplied.
    Bilinear,
    Convolution {
        window: PlainWindow,
        groups: usize,
    },
}
