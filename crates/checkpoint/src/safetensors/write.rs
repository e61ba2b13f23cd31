//! Writing safetensors, byte for byte as the reference implementation does for float32 and text metadata.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use crate::CheckpointError;
use crate::layout::count;

/// A tensor of float32 to be written.
#[derive(Debug, Clone, Copy)]
pub struct NamedValues<'a> {
    /// Its name.
    pub name: &'a str,
    /// The length of each dimension, the outermost first.
    pub shape: &'a [usize],
    /// The values, the last index running fastest.
    pub values: &'a [f32],
}

/// Writes `tensors`, ordered by name, with `metadata`. Equal tensors and metadata give equal bytes.
///
/// # Errors
/// As `output`; two tensors of one name, values that do not have the shape.
pub fn write(
    mut output: impl Write,
    tensors: &[NamedValues<'_>],
    metadata: &BTreeMap<String, String>,
) -> Result<(), CheckpointError> {
    let mut tensors = tensors.to_vec();
    tensors.sort_by_key(|tensor| tensor.name);
    check(&tensors)?;
    write_checked(&mut output, &tensors, metadata)
        .map_err(|error| CheckpointError::unwritable("safetensors", error.to_string()))
}

fn check(tensors: &[NamedValues<'_>]) -> Result<(), CheckpointError> {
    let mut names = BTreeSet::new();
    for NamedValues {
        name,
        shape,
        values,
    } in tensors
    {
        let refuse = |reason: String| Err(CheckpointError::unwritable(*name, reason));
        if *name == "__metadata__" || !names.insert(*name) {
            return refuse("two tensors have this name, or it is reserved".to_owned());
        }
        if count(shape) != Some(values.len() as u64) {
            return refuse(format!("{} values for shape {shape:?}", values.len()));
        }
    }
    Ok(())
}

fn write_checked(
    output: &mut impl Write,
    tensors: &[NamedValues<'_>],
    metadata: &BTreeMap<String, String>,
) -> io::Result<()> {
    let mut header = header(tensors, metadata)?;
    // The bytes of tensors begin at a multiple of 8.
    header.resize(header.len().next_multiple_of(8), b' ');
    output.write_all(&(header.len() as u64).to_le_bytes())?;
    output.write_all(&header)?;
    for tensor in tensors {
        write_values(output, tensor.values)?;
    }
    output.flush()
}

/// The header: metadata first, tensors by name, with the fields in the order of the reference implementation.
fn header(tensors: &[NamedValues<'_>], metadata: &BTreeMap<String, String>) -> io::Result<Vec<u8>> {
    let mut entries = Vec::new();
    if !metadata.is_empty() {
        let metadata = serde_json::to_string(metadata)?;
        entries.push(format!("\"__metadata__\":{metadata}"));
    }
    let mut start = 0;
    for NamedValues {
        name,
        shape,
        values,
    } in tensors
    {
        let end = start + 4 * values.len() as u64;
        let name = serde_json::to_string(name)?;
        let shape = serde_json::to_string(shape)?;
        entries.push(format!(
            r#"{name}:{{"dtype":"F32","shape":{shape},"data_offsets":[{start},{end}]}}"#
        ));
        start = end;
    }
    Ok(format!("{{{}}}", entries.join(",")).into_bytes())
}

/// Little-endian bytes of `values`, a piece at a time.
pub(crate) fn write_values(output: &mut impl Write, values: &[f32]) -> io::Result<()> {
    let mut buffer = Vec::with_capacity(1 << 16);
    for piece in values.chunks(1 << 14) {
        buffer.clear();
        buffer.extend(piece.iter().flat_map(|value| value.to_le_bytes()));
        output.write_all(&buffer)?;
    }
    Ok(())
}
