//! Nodes that take the values of a linear map apart in two halves.

use eigenscope_checkpoint::onnx::Node;

use super::error::GraphError;
use super::nodes::{Builder, Known, plain};
use super::pieces::Operation;

impl Builder<'_> {
    /// The two halves of channels, or one of them.
    pub(super) fn half(&mut self, node: &Node) -> Result<(), GraphError> {
        let values = self.values(node, 0)?;
        let parent = self.piece_of(&values)?;
        let sizes = self.pieces[parent].sizes.clone();
        let refuse = || {
            let reason = "only the two halves of the values of a linear map can be taken apart, to be multiplied";
            GraphError::of(node, reason)
        };
        let [images, Some(width)] = sizes[..] else {
            return Err(refuse());
        };
        let halves = match node.op_type.as_str() {
            "Split" => self.split(node, width)?,
            _ => self.slice(node, width)?,
        };
        let halves = halves.ok_or_else(refuse)?;
        for (output, half) in halves.into_iter().enumerate() {
            let sizes = vec![images, Some(width / 2)];
            let piece = self.push(Operation::Half(half), parent, sizes, node.describe());
            self.define(node, output, Known::Values(plain(piece, node)))?;
        }
        Ok(())
    }

    fn split(&self, node: &Node, width: usize) -> Result<Option<Vec<usize>>, GraphError> {
        let axis = node.int("axis").unwrap_or(0);
        let lengths = match (node.ints("split"), self.integers_of(node, 1)?) {
            (Some(lengths), _) => lengths.iter().copied().map(Some).collect(),
            (None, Some(lengths)) => lengths.values,
            (None, None) => vec![i64::try_from(width / 2).ok(); node.outputs.len()],
        };
        let half = i64::try_from(width / 2).ok();
        let is_halved = matches!(axis, -1 | 1)
            && width.is_multiple_of(2)
            && node.outputs.len() == 2
            && lengths == [half, half];
        Ok(is_halved.then(|| vec![0, 1]))
    }

    fn slice(&self, node: &Node, width: usize) -> Result<Option<Vec<usize>>, GraphError> {
        let of = |index: usize| -> Result<Option<i64>, GraphError> {
            let integers = self.integers_of(node, index)?;
            Ok(integers.and_then(|integers| match integers.values[..] {
                [one] => one,
                _ => None,
            }))
        };
        let (start, end) = (of(1)?, of(2)?);
        let axis = of(3)?;
        let is_dense = node.inputs.len() < 5 || of(4)? == Some(1);
        let (Some(start), Some(end), Some(-1 | 1), true, Ok(width)) = (
            start,
            end,
            axis,
            is_dense && width.is_multiple_of(2),
            i64::try_from(width),
        ) else {
            return Ok(None);
        };
        let clamp = |index: i64| {
            let index = if index < 0 {
                index.saturating_add(width)
            } else {
                index
            };
            index.clamp(0, width)
        };
        let (start, end) = (clamp(start), clamp(end));
        Ok(match (start, end) {
            (0, end) if end == width / 2 => Some(vec![0]),
            (start, end) if start == width / 2 && end == width => Some(vec![1]),
            _ => None,
        })
    }
}
