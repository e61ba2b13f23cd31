//! Layers of a network and of a file, compared by the names and shapes of their tensors.

use std::collections::BTreeMap;

use super::{MAXIMUM_LAYERS, TensorShape, is_counter, split};

/// Tensors that share a prefix, such as `weight` and `bias` of `conv1`.
#[derive(Debug, Clone)]
pub(super) struct Layer<'a> {
    pub(super) name: &'a str,
    /// By the last part of their names.
    pub(super) tensors: BTreeMap<&'a str, &'a TensorShape>,
}

/// The layers of tensors, in the order of their first tensors. What cannot be a weight is left out.
pub(super) fn layers<'a>(tensors: impl IntoIterator<Item = &'a TensorShape>) -> Vec<Layer<'a>> {
    let mut layers: Vec<Layer<'a>> = Vec::new();
    let mut positions: BTreeMap<&str, usize> = BTreeMap::new();
    for tensor in tensors {
        let (prefix, last) = split(&tensor.name);
        if is_counter(last) {
            continue;
        }
        let position = *positions.entry(prefix).or_insert_with(|| {
            layers.push(Layer {
                name: prefix,
                tensors: BTreeMap::new(),
            });
            layers.len() - 1
        });
        layers[position].tensors.insert(last, tensor);
    }
    layers
}

/// The layers of a file that fit each of ours.
fn candidates(ours: &[Layer<'_>], theirs: &[Layer<'_>]) -> Vec<Vec<usize>> {
    if ours.len().max(theirs.len()) > MAXIMUM_LAYERS {
        return vec![Vec::new(); ours.len()];
    }
    let of = |layer: &Layer<'_>| {
        (0..theirs.len())
            .filter(|&other| fits(layer, &theirs[other]))
            .collect()
    };
    ours.iter().map(of).collect()
}

/// Pairs of layers of equal shapes, those of one shape in their order; `None` unless there are as many of each shape.
pub(super) fn by_shapes(ours: &[Layer<'_>], theirs: &[Layer<'_>]) -> Option<Vec<(usize, usize)>> {
    let candidates = candidates(ours, theirs);
    let mut taken: BTreeMap<&Vec<usize>, usize> = BTreeMap::new();
    let mut pairs = Vec::new();
    for (layer, found) in candidates.iter().enumerate() {
        let next = taken.entry(found).or_insert(0);
        pairs.push((layer, *found.get(*next)?));
        *next += 1;
    }
    taken
        .iter()
        .all(|(found, count)| found.len() == *count)
        .then_some(pairs)
}

/// Names of our layers that several layers of the file fit.
pub(super) fn uncertain(ours: &[Layer<'_>], theirs: &[Layer<'_>]) -> Vec<String> {
    let candidates = candidates(ours, theirs);
    let several = ours
        .iter()
        .zip(candidates)
        .filter(|(_, found)| found.len() > 1);
    several.map(|(layer, _)| layer.name.to_owned()).collect()
}

/// What is wrong with a tensor of a file; `None` if its values are those of ours.
pub(super) fn difference(ours: &TensorShape, theirs: &TensorShape) -> Option<String> {
    if let Some(found) = &theirs.foreign_type {
        return Some(format!(
            "holds {found}, not floating-point numbers: if the model is quantised, save it as it was before"
        ));
    }
    if significant(&ours.shape) == significant(&theirs.shape) {
        return None;
    }
    let is_reversed = ours.shape.len() > 1 && theirs.shape.iter().rev().eq(&ours.shape);
    let advice = match is_reversed {
        true => {
            " (the order of dimensions is that of Keras: bring them into PyTorch's where the file is made)"
        }
        false => "",
    };
    Some(format!(
        "has shape {:?}, the network needs {:?}{advice}",
        theirs.shape, ours.shape
    ))
}

/// A shape without the last dimensions of size 1: a convolution of single pixels is a linear map.
pub(crate) fn significant(shape: &[usize]) -> &[usize] {
    let end = shape.iter().rposition(|&size| size != 1);
    &shape[..end.map_or(0, |end| end + 1)]
}

/// Returns whether two layers have tensors of the same names and shapes.
fn fits(ours: &Layer<'_>, theirs: &Layer<'_>) -> bool {
    ours.tensors.len() == theirs.tensors.len()
        && ours.tensors.iter().all(|(last, tensor)| {
            let found = theirs.tensors.get(last);
            found.is_some_and(|found| difference(tensor, found).is_none())
        })
}

/// Positions of the longest common subsequence of layers that fit; of several, the one whose partners come first.
pub(super) fn longest(ours: &[Layer<'_>], theirs: &[Layer<'_>]) -> Vec<(usize, usize)> {
    let (rows, columns) = (ours.len(), theirs.len());
    let width = columns + 1;
    // lengths[i * width + j]: the longest of ours[i..] and theirs[j..].
    let mut lengths = vec![0_u32; (rows + 1) * width];
    for row in (0..rows).rev() {
        for column in (0..columns).rev() {
            let without =
                lengths[(row + 1) * width + column].max(lengths[row * width + column + 1]);
            let with = match fits(&ours[row], &theirs[column]) {
                true => lengths[(row + 1) * width + column + 1] + 1,
                false => 0,
            };
            lengths[row * width + column] = with.max(without);
        }
    }
    let (mut row, mut column) = (0, 0);
    let mut pairs = Vec::new();
    while row < rows && column < columns {
        let here = lengths[row * width + column];
        if fits(&ours[row], &theirs[column]) && here == lengths[(row + 1) * width + column + 1] + 1
        {
            pairs.push((row, column));
            (row, column) = (row + 1, column + 1);
        } else if here == lengths[row * width + column + 1] {
            column += 1;
        } else {
            row += 1;
        }
    }
    pairs
}
