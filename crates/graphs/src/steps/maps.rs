//! Nodes with weights, sums and products.

use eigenscope_checkpoint::TensorInfo;
use eigenscope_checkpoint::onnx::Node;

use super::blocks::alike;
use super::elementwise::{Recognised, recognise, shortest};
use super::error::GraphError;
use super::names;
use super::nodes::{Builder, Values};
use super::parts::Part;
use super::pieces::{Map, MapKind, Operation};
use super::windows::PlainWindow;

impl Builder<'_> {
    pub(super) fn map(&mut self, node: &Node) -> Result<(), GraphError> {
        let values = self.values(node, 0)?;
        let weight = self.tensor(node, 1, "weight")?;
        let parent = self.piece_of(&values)?;
        if node.op_type == "Conv" {
            return self.convolution(node, parent, weight);
        }
        let is_transposed = self.check_gemm(node)?;
        let [rows, columns] = weight.shape[..] else {
            return Err(GraphError::of(node, "its weight is no matrix"));
        };
        let (outputs, inputs) = match is_transposed {
            true => (rows, columns),
            false => (columns, rows),
        };
        self.check_row(node, parent, inputs)?;
        let bias = match node.inputs.get(2).is_some_and(|name| !name.is_empty()) {
            true => Some(vec![self.bias(node, 2, outputs)?]),
            false => None,
        };
        let map = Map {
            hint: self.hint(node, std::slice::from_ref(&weight)),
            outputs,
            shape: vec![outputs, inputs],
            weight: vec![match (self.rows.get(&parent), is_transposed) {
                (Some(&row), _) => Part::ChannelsLast {
                    tensor: Box::new(weight),
                    is_transposed: !is_transposed,
                    row,
                },
                (None, true) => Part::Whole(Box::new(weight)),
                (None, false) => Part::Transposed(Box::new(weight)),
            }],
            bias,
            kind: MapKind::Linear,
        };
        let sizes = vec![None, Some(outputs)];
        self.piece(node, Operation::Map(map), parent, sizes)
    }

    /// Checks that a product is x W or x W^T, and returns whether it is the second.
    fn check_gemm(&self, node: &Node) -> Result<bool, GraphError> {
        let is_one = |name| node.float(name).is_none_or(|factor| factor == 1.0);
        if !(is_one("alpha") && is_one("beta")) || node.int("transA").unwrap_or(0) != 0 {
            let reason = "it has factors other than 1, or a transposed first matrix; a linear step has neither";
            return Err(GraphError::of(node, reason));
        }
        Ok(node.op_type == "Gemm" && node.int("transB").unwrap_or(0) != 0)
    }

    /// Checks that a piece is one row of so many values for each image.
    fn check_row(&self, node: &Node, piece: usize, inputs: usize) -> Result<(), GraphError> {
        match self.pieces[piece].sizes[..] {
            [_, None] => Ok(()),
            [_, Some(found)] if found == inputs => Ok(()),
            [_, Some(found)] => {
                let reason = format!("its weight reads {inputs} values, it is given {found}");
                Err(GraphError::of(node, reason))
            }
            _ => Err(GraphError::of(
                node,
                "it multiplies something else than one row of values of each image; flatten images first",
            )),
        }
    }

    fn bias(&self, node: &Node, index: usize, outputs: usize) -> Result<Part, GraphError> {
        let bias = self.tensor(node, index, "bias")?;
        let is_row = matches!(bias.shape[..], [length] | [1, length] if length == outputs);
        match is_row {
            true => Ok(Part::Whole(Box::new(bias))),
            false => Err(GraphError::of(
                node,
                format!("its bias has the shape {:?}, not [{outputs}]", bias.shape),
            )),
        }
    }

    fn convolution(
        &mut self,
        node: &Node,
        parent: usize,
        weight: TensorInfo,
    ) -> Result<(), GraphError> {
        let sizes = &self.pieces[parent].sizes;
        let ([outputs, group, height, width], [images, channels, rows, columns]) =
            (&weight.shape[..], &sizes[..])
        else {
            return Err(GraphError::of(
                node,
                "it is no convolution of height and width",
            ));
        };
        let (outputs, group) = (*outputs, *group);
        let window = PlainWindow::of(node, Some([*height, *width]))?;
        let groups = usize::try_from(node.int("group").unwrap_or(1)).unwrap_or(0);
        if groups == 0 || channels.is_some_and(|found| group.checked_mul(groups) != Some(found)) {
            let reason = format!(
                "its weight reads {group} channels in each of {groups} groups, it is given {} in all",
                channels.map_or_else(|| "any".to_owned(), |found| found.to_string())
            );
            return Err(GraphError::of(node, reason));
        }
        let count = |side: &Option<usize>| window.count((*side)?);
        let sizes = vec![*images, Some(outputs), count(rows), count(columns)];
        let bias = match node.inputs.get(2).is_some_and(|name| !name.is_empty()) {
            true => Some(vec![self.bias(node, 2, outputs)?]),
            false => None,
        };
        let map = Map {
            hint: self.hint(node, std::slice::from_ref(&weight)),
            outputs,
            shape: weight.shape.clone(),
            weight: vec![Part::Whole(Box::new(weight))],
            bias,
            kind: MapKind::Convolution { window, groups },
        };
        self.piece(node, Operation::Map(map), parent, sizes)
    }

    pub(super) fn batch_norm(&mut self, node: &Node) -> Result<(), GraphError> {
        let values = self.values(node, 0)?;
        let parent = self.piece_of(&values)?;
        let sizes = self.pieces[parent].sizes.clone();
        if node.int("training_mode").unwrap_or(0) != 0 {
            let reason = "it normalises by each batch, as in training; export the model after `model.eval()`";
            return Err(GraphError::of(node, reason));
        }
        let mut tensors = Vec::new();
        for (index, what) in [(1, "weight"), (2, "bias"), (3, "mean"), (4, "variance")] {
            tensors.push(self.tensor(node, index, what)?);
        }
        let channels = sizes
            .get(1)
            .copied()
            .flatten()
            .or(tensors[0].shape.first().copied());
        let fits = |tensor: &TensorInfo| tensor.shape.as_slice() == channels.as_slice();
        if !tensors.iter().all(fits) {
            return Err(GraphError::of(
                node,
                "its tensors do not have one value for each channel",
            ));
        }
        let hint = self.hint(node, &tensors);
        let parts: Vec<Part> = tensors
            .into_iter()
            .map(|one| Part::Whole(Box::new(one)))
            .collect();
        let tensors = <[Part; 4]>::try_from(parts);
        let tensors = tensors.map_err(|_| GraphError::of(node, "it lacks tensors"))?;
        let decimal = |name, default| shortest(f64::from(node.float(name).unwrap_or(default)));
        let operation = Operation::BatchNorm {
            hint,
            epsilon: decimal("epsilon", 1e-5),
            // ONNX has the weight of the old value, PyTorch that of the new one.
            momentum: shortest(1.0 - decimal("momentum", 0.9)),
            tensors,
        };
        self.piece(node, operation, parent, sizes)
    }

    /// What a node is called after its first tensor that no node before it has: exporters keep equal tensors once, under the
    /// name of the first.
    fn hint(&mut self, node: &Node, tensors: &[TensorInfo]) -> String {
        let own = tensors.iter().find(|one| !self.named.contains(&one.name));
        let hint = names::hint(node, own);
        let names = tensors.iter().map(|one| one.name.clone());
        self.named.extend(names);
        hint
    }

    /// Adds the bias, input `index`, to a linear map that has none.
    pub(super) fn add_bias(
        &mut self,
        node: &Node,
        values: &Values,
        index: usize,
    ) -> Result<(), GraphError> {
        let piece = self.piece_of(values)?;
        let refuse = || {
            let reason = "a constant is added to something else than a linear map without bias";
            GraphError::of(node, reason)
        };
        let Operation::Map(map) = &self.pieces[piece].operation else {
            return Err(refuse());
        };
        if map.bias.is_some() || map.kind != MapKind::Linear {
            return Err(refuse());
        }
        let mut map = map.clone();
        map.bias = Some(vec![self.bias(node, index, map.outputs)?]);
        let (parent, sizes) = (self.pieces[piece].parent, self.pieces[piece].sizes.clone());
        self.piece(node, Operation::Map(map), parent, sizes)
    }

    /// The end of a residual block.
    pub(super) fn sum(
        &mut self,
        node: &Node,
        left: &Values,
        right: &Values,
    ) -> Result<(), GraphError> {
        let (left, right) = (self.piece_of(left)?, self.piece_of(right)?);
        let (one, other) = (&self.pieces[left].sizes, &self.pieces[right].sizes);
        let differ = one.len() != other.len()
            || one
                .iter()
                .zip(other)
                .any(|(a, b)| a.is_some() && b.is_some() && a != b);
        if differ {
            let reason = "it adds values of different shapes";
            return Err(GraphError::of(node, reason));
        }
        let sizes = one.iter().zip(other).map(|(a, b)| a.or(*b)).collect();
        let fork = self.common(left, right);
        self.piece(node, Operation::Sum(left, right), fork, sizes)
    }

    /// The last piece that both are made from.
    fn common(&self, mut left: usize, mut right: usize) -> usize {
        while left != right {
            let (one, other) = (&self.pieces[left], &self.pieces[right]);
            if one.depth >= other.depth {
                left = one.parent;
            } else {
                right = other.parent;
            }
        }
        left
    }

    /// A bilinear layer: the product of two linear maps of one value, or of the halves of one.
    pub(super) fn product(
        &mut self,
        node: &Node,
        left: &Values,
        right: &Values,
    ) -> Result<(), GraphError> {
        let refuse = || {
            let reason = "it multiplies two values; a step does so with two linear maps of one value only, or the halves of one";
            GraphError::of(node, reason)
        };
        if [left, right]
            .iter()
            .any(|side| recognise(&side.results) != Recognised::Identity)
        {
            return Err(refuse());
        }
        let (one, other) = (&self.pieces[left.piece], &self.pieces[right.piece]);
        let (parent, map) = match (&one.operation, &other.operation) {
            (Operation::Half(a), Operation::Half(b)) if a != b && one.parent == other.parent => {
                let whole = &self.pieces[one.parent];
                let Operation::Map(map) = &whole.operation else {
                    return Err(refuse());
                };
                let mut map = map.clone();
                map.outputs /= 2;
                (whole.parent, map)
            }
            (Operation::Map(a), Operation::Map(b))
                if one.parent == other.parent && a.shape == b.shape =>
            {
                (one.parent, stacked(a, b))
            }
            _ => return Err(refuse()),
        };
        if map.kind != MapKind::Linear {
            return Err(refuse());
        }
        let sizes = vec![None, Some(map.outputs)];
        let map = Map {
            kind: MapKind::Bilinear,
            ..map
        };
        self.piece(node, Operation::Map(map), parent, sizes)
    }
}

/// The map with the rows of both, one above the other.
fn stacked(upper: &Map, lower: &Map) -> Map {
    let both = |a: &[Part], b: &[Part]| [a, b].concat();
    let zeros = vec![Part::Zeros(upper.outputs)];
    let bias = match (&upper.bias, &lower.bias) {
        (None, None) => None,
        (a, b) => Some(both(
            a.as_ref().unwrap_or(&zeros),
            b.as_ref().unwrap_or(&zeros),
        )),
    };
    let mut shape = upper.shape.clone();
    if let Some(rows) = shape.first_mut() {
        *rows = rows.saturating_mul(2);
    }
    Map {
        hint: alike(&[&upper.hint, &lower.hint]).join("."),
        outputs: upper.outputs,
        shape,
        weight: both(&upper.weight, &lower.weight),
        bias,
        kind: upper.kind.clone(),
    }
}
