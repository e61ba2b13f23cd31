//! Sizes that a graph computes, such as the number of values of an image.

use eigenscope_checkpoint::onnx::Node;

/// Integers, of which some may be unknown, such as the number of images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Integers {
    pub(super) values: Vec<Option<i64>>,
    pub(super) is_scalar: bool,
}

/// Most integers that are followed.
pub(super) const MOST: usize = 1024;

impl Integers {
    pub(super) fn list(values: Vec<Option<i64>>) -> Self {
        Self {
            values,
            is_scalar: false,
        }
    }

    fn scalar(&self) -> Option<i64> {
        match self.values.as_slice() {
            [one] => *one,
            _ => None,
        }
    }

    /// An index from the end if it is negative.
    fn index(len: usize, index: i64) -> Option<usize> {
        let len = i64::try_from(len).ok()?;
        let index = if index < 0 { index + len } else { index };
        usize::try_from(index)
            .ok()
            .filter(|&index| index < usize::try_from(len).unwrap_or(0))
    }
}

/// What `node` makes of integers; `None` if that is not known.
pub(super) fn compute(node: &Node, inputs: &[Option<&Integers>]) -> Option<Integers> {
    let first = (*inputs.first()?)?;
    let second = inputs.get(1).copied().flatten();
    match node.op_type.as_str() {
        "Identity" | "Cast" => Some(first.clone()),
        "Unsqueeze" | "Reshape" => Some(Integers::list(first.values.clone())),
        "Squeeze" => Some(Integers {
            values: first.values.clone(),
            is_scalar: first.values.len() == 1,
        }),
        "Gather" => {
            let indices = second?;
            let picked = indices.values.iter().map(|index| {
                let index = Integers::index(first.values.len(), (*index)?)?;
                first.values.get(index).copied().flatten()
            });
            Some(Integers {
                values: picked.collect(),
                is_scalar: indices.is_scalar,
            })
        }
        "Concat" => {
            let mut values = Vec::new();
            for input in inputs {
                values.extend_from_slice(&(*input)?.values);
            }
            (values.len() <= MOST).then(|| Integers::list(values))
        }
        "Slice" => {
            let start = second?.scalar()?;
            let end = inputs.get(2).copied().flatten()?.scalar()?;
            let step = inputs
                .get(4)
                .copied()
                .flatten()
                .map_or(Some(1), Integers::scalar)?;
            let len = i64::try_from(first.values.len()).ok()?;
            let clamp = |index: i64| {
                let index = if index < 0 {
                    index.saturating_add(len)
                } else {
                    index
                };
                usize::try_from(index.clamp(0, len)).unwrap_or(0)
            };
            (step == 1).then(|| {
                let (start, end) = (clamp(start), clamp(end));
                Integers::list(first.values.get(start..end).unwrap_or(&[]).to_vec())
            })
        }
        "Add" | "Sub" | "Mul" | "Div" => arithmetic(&node.op_type, first, second?),
        _ => None,
    }
}

fn arithmetic(operator: &str, left: &Integers, right: &Integers) -> Option<Integers> {
    let len = left.values.len().max(right.values.len());
    let pick = |side: &Integers, index: usize| match side.values.as_slice() {
        [one] => Some(*one),
        many => many.get(index).copied(),
    };
    let value = |index| {
        let (left, right) = (pick(left, index)?, pick(right, index)?);
        let (Some(left), Some(right)) = (left, right) else {
            return Some(None);
        };
        Some(match operator {
            "Add" => left.checked_add(right),
            "Sub" => left.checked_sub(right),
            "Mul" => left.checked_mul(right),
            _ => left.checked_div(right),
        })
    };
    Some(Integers {
        values: (0..len).map(value).collect::<Option<_>>()?,
        is_scalar: left.is_scalar && right.is_scalar,
    })
}
