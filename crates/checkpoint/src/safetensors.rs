//! The safetensors format: the length of a header of JSON, the header, and the bytes of all tensors.
//!
//! Everything is little-endian, and the last index runs fastest. The rules are those of the reference implementation: ranges of
//! tensors follow each other without holes and cover all bytes, so that no file holds anything hidden.

mod header;
mod write;

use crate::checkpoint::{Contents, TensorInfo};
use crate::error::shown;
use crate::layout::{Data, Layout};
use crate::source::Source;
use crate::{CheckpointError, DType, limits};

use header::{Header, Stored};

pub(crate) use write::write_values;
pub use write::{NamedValues, write};

/// Reads the header of the file in `source`.
///
/// # Errors
/// Damage, more than the limits.
pub(crate) fn open(source: &Source) -> Result<Contents, CheckpointError> {
    let (header, start) = read_header(source)?;
    let len = source.len() - start;
    check_ranges(source, &header, len)?;
    let tensors = header
        .tensors
        .into_iter()
        .map(|(name, stored)| locate(source, name, stored, start))
        .collect::<Result<_, _>>()?;
    Ok(Contents {
        tensors,
        notes: Vec::new(),
    })
}

/// The header and where the bytes of tensors begin.
fn read_header(source: &Source) -> Result<(Header, u64), CheckpointError> {
    let place = "header";
    let mut len = [0; 8];
    source.read_at(0, &mut len)?;
    let len = u64::from_le_bytes(len);
    let end = len.saturating_add(8);
    let bytes = source.read_range(8..end, limits::SAFETENSORS_HEADER, place)?;
    let header: Header = serde_json::from_slice(&bytes)
        .map_err(|error| source.damaged(place, format!("not the JSON of safetensors: {error}")))?;
    Ok((header, end))
}

/// Checks that tensors cover all `len` bytes, each once.
fn check_ranges(source: &Source, header: &Header, len: u64) -> Result<(), CheckpointError> {
    let mut ranges: Vec<([u64; 2], &str)> = header
        .tensors
        .iter()
        .map(|(name, stored)| (stored.data_offsets, name.as_str()))
        .collect();
    ranges.sort_unstable();
    let mut position = 0;
    for ([start, end], name) in ranges {
        let place = || format!("tensor `{}`", shown(name));
        if start > end || end > len {
            let reason =
                format!("bytes {start} to {end} of {len}: they are not in the file; it may be cut");
            return Err(source.damaged(place(), reason));
        }
        if start != position {
            let what = match start < position {
                true => "overlaps with another tensor",
                false => "begins after bytes that belong to no tensor",
            };
            let reason = format!("bytes {start} to {end}: it {what}");
            return Err(source.damaged(place(), reason));
        }
        position = end;
    }
    match position == len {
        true => Ok(()),
        false => Err(source.damaged(
            "the file's end",
            format!("{} bytes belong to no tensor", len - position),
        )),
    }
}

fn locate(
    source: &Source,
    name: String,
    stored: Stored,
    start: u64,
) -> Result<TensorInfo, CheckpointError> {
    let place = || format!("tensor `{}`", shown(&name));
    let wrong = |reason: String| source.damaged(place(), reason);
    if name.len() > limits::NAME_BYTES {
        let limit = format!("{} bytes", limits::NAME_BYTES);
        return Err(source.too_large(place(), "a longer name", limit));
    }
    let Stored {
        dtype,
        shape,
        data_offsets: [from, to],
    } = stored;
    let dtype = dtype_of(&dtype).ok_or_else(|| {
        let reason = format!("values of type `{}` are not known", shown(&dtype));
        source.unsupported(place(), reason)
    })?;
    let layout = Layout::contiguous(Data::Range {
        source: 0,
        start: start + from,
        len: to - from,
    });
    layout.check(dtype, &shape).map_err(wrong)?;
    let bits = crate::layout::count(&shape).and_then(|count| count.checked_mul(dtype.bits()));
    if bits.map(|bits| bits.div_ceil(8)) != Some(to - from) {
        let reason = format!("shape {shape:?} of {dtype} is not {} bytes", to - from);
        return Err(wrong(reason));
    }
    Ok(TensorInfo::new(name, shape, dtype, layout))
}

fn dtype_of(name: &str) -> Option<DType> {
    let other = |name, bits| DType::Other { name, bits };
    Some(match name {
        "BOOL" => DType::Bool,
        "U8" => DType::U8,
        "I8" => DType::I8,
        "U16" => DType::U16,
        "I16" => DType::I16,
        "U32" => DType::U32,
        "I32" => DType::I32,
        "U64" => DType::U64,
        "I64" => DType::I64,
        "F16" => DType::F16,
        "BF16" => DType::BF16,
        "F32" => DType::F32,
        "F64" => DType::F64,
        "F8_E4M3" => DType::F8E4M3,
        "F8_E5M2" => DType::F8E5M2,
        "F8_E8M0" => other("F8_E8M0", 8),
        "F8_E4M3FNUZ" => other("F8_E4M3FNUZ", 8),
        "F8_E5M2FNUZ" => other("F8_E5M2FNUZ", 8),
        "F6_E2M3" => other("F6_E2M3", 6),
        "F6_E3M2" => other("F6_E3M2", 6),
        "F4" => other("F4", 4),
        "C64" => other("C64", 64),
        _ => return None,
    })
}
