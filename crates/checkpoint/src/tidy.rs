//! What wrappers and layers add to a state dictionary, taken from it again.

use std::collections::HashSet;

use crate::DType;
use crate::checkpoint::{Contents, Note, TensorInfo};

/// Prefixes of `torch.nn.DataParallel`, `DistributedDataParallel` and `torch.compile`.
const PREFIXES: [&str; 2] = ["module.", "_orig_mod."];

/// Takes away counters of batches and prefixes that every name has, and notes it together with the types that will be converted.
pub(crate) fn tidy(contents: Contents) -> Contents {
    let Contents {
        mut tensors,
        mut notes,
    } = contents;
    let before = tensors.len();
    tensors.retain(|tensor| !is_counter(tensor));
    if tensors.len() < before {
        let count = before - tensors.len();
        notes.push(Note::Counters { count });
    }
    while let Some(prefix) = PREFIXES
        .iter()
        .find(|prefix| is_everywhere(&tensors, prefix))
    {
        for tensor in &mut tensors {
            if let Some(rest) = tensor.name.strip_prefix(prefix) {
                tensor.name = rest.to_owned();
            }
        }
        let prefix = (*prefix).to_owned();
        notes.push(Note::Prefix { prefix });
    }
    notes.extend(conversions(&tensors));
    Contents { tensors, notes }
}

fn is_counter(tensor: &TensorInfo) -> bool {
    let last = tensor.name.rsplit('.').next();
    last == Some("num_batches_tracked") && tensor.shape.is_empty() && !tensor.dtype.is_float()
}

/// Whether all weights have the prefix, and no two names become one without it.
fn is_everywhere(tensors: &[TensorInfo], prefix: &str) -> bool {
    let mut names = HashSet::new();
    let mut weights = tensors.iter().filter(|tensor| tensor.dtype.is_float());
    weights.clone().next().is_some()
        && weights.all(|tensor| tensor.name.starts_with(prefix))
        && tensors.iter().all(|tensor| {
            let name = tensor.name.strip_prefix(prefix).unwrap_or(&tensor.name);
            !name.is_empty() && names.insert(name)
        })
}

/// A note for each type that becomes float32, in the order in which they occur.
pub(crate) fn conversions(tensors: &[TensorInfo]) -> Vec<Note> {
    let types = tensors.iter().map(|tensor| tensor.dtype);
    let found = counted(types.filter(|dtype| *dtype != DType::F32));
    let notes = found.into_iter();
    notes
        .map(|(from, count)| Note::Converted { from, count })
        .collect()
}

/// How often each type occurs, in the order in which they occur first.
pub(crate) fn counted(types: impl IntoIterator<Item = DType>) -> Vec<(DType, usize)> {
    let mut found: Vec<(DType, usize)> = Vec::new();
    for dtype in types {
        match found.iter_mut().find(|(known, _)| *known == dtype) {
            Some((_, count)) => *count += 1,
            None => found.push((dtype, 1)),
        }
    }
    found
}
