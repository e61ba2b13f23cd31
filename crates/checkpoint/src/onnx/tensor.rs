//! Tensors of a graph: raw bytes, numbers of a field, or bytes in a file beside it.

use std::ops::Range;

use super::external::External;
use super::wire::{Field, Wire};
use crate::error::shown;
use crate::layout::{Data, Layout, count};
use crate::{CheckpointError, DType, TensorInfo, limits};

/// A tensor as its message says, before it is checked.
#[derive(Debug, Default)]
pub(super) struct StoredTensor {
    pub(super) name: String,
    dims: Vec<i64>,
    data_type: i64,
    raw: Option<Range<u64>>,
    /// Packed numbers of float_data or double_data, which are stored as raw bytes are.
    packed: Option<Range<u64>>,
    /// Little-endian bytes of numbers that are not.
    inline: Vec<u8>,
    is_external: bool,
    external: Vec<(String, String)>,
    segmented: bool,
}

impl StoredTensor {
    /// Reads a `TensorProto`.
    pub(super) fn read(
        wire: &mut Wire<'_>,
        mut range: Range<u64>,
    ) -> Result<Self, CheckpointError> {
        wire.charge(size_of::<TensorInfo>())?;
        let mut tensor = Self::default();
        let mut ints = Vec::new();
        while let Some((number, field)) = wire.next(&mut range)? {
            match number {
                1 => wire.ints(&field, &mut tensor.dims)?,
                2 => tensor.data_type = wire.int(&field)?,
                3 => tensor.segmented = true,
                4 | 10 => tensor.numbers(wire, &field)?,
                5 | 7 | 11 => wire.ints(&field, &mut ints)?,
                8 => tensor.name = wire.text(&field)?,
                9 => tensor.raw = Some(wire.range(&field)?),
                13 => {
                    let entry = entry(wire, &field)?;
                    tensor.external.push(entry);
                }
                14 => tensor.is_external = wire.int(&field)? == 1,
                _ => {}
            }
        }
        tensor.integers(wire, &ints)?;
        Ok(tensor)
    }

    /// Numbers of `float_data` or `double_data`: packed as one field, or one by one.
    fn numbers(&mut self, wire: &mut Wire<'_>, field: &Field) -> Result<(), CheckpointError> {
        match field {
            Field::Bytes(range) if self.packed.is_none() => self.packed = Some(range.clone()),
            Field::Bytes(range) => {
                let second = wire.damaged(range.start, "packed numbers in two fields");
                return Err(second);
            }
            Field::Fixed32(bytes) => self.inline.extend(bytes),
            Field::Fixed64(bytes) => self.inline.extend(bytes),
            Field::Varint(_) => {
                return Err(wire
                    .source
                    .damaged("tensor", "integers where numbers belong"));
            }
        }
        wire.charge(8)
    }

    /// Integers of `int32_data`, `int64_data` or `uint64_data`, of which each type keeps its low bytes.
    fn integers(&mut self, wire: &mut Wire<'_>, ints: &[i64]) -> Result<(), CheckpointError> {
        let size = dtype_of(self.data_type).map_or(8, |dtype| dtype.bits().div_ceil(8));
        let size = usize::try_from(size).unwrap_or(8).min(8);
        wire.charge(ints.len() * size)?;
        self.inline.extend(
            ints.iter()
                .flat_map(|int| int.to_le_bytes().into_iter().take(size)),
        );
        Ok(())
    }

    /// The tensor, checked; `external` opens files beside this one.
    pub(super) fn locate(
        self,
        wire: &Wire<'_>,
        external: &mut External<'_>,
    ) -> Result<TensorInfo, CheckpointError> {
        let place = format!("tensor `{}`", shown(&self.name));
        let damaged = |reason: String| wire.source.damaged(&place, reason);
        if self.name.len() > limits::NAME_BYTES {
            let limit = format!("{} bytes", limits::NAME_BYTES);
            return Err(wire.source.too_large(place, "a longer name", limit));
        }
        if self.segmented {
            return Err(wire.source.unsupported(place, "it is stored in segments"));
        }
        let dtype = dtype_of(self.data_type)
            .ok_or_else(|| damaged(format!("type {} is not known", self.data_type)))?;
        let shape: Option<Vec<usize>> =
            self.dims.iter().map(|&side| side.try_into().ok()).collect();
        let shape =
            shape.ok_or_else(|| damaged(format!("shape {:?} is not possible", self.dims)))?;
        let data = match (self.is_external, self.raw, self.packed) {
            (true, ..) => external.data(&self.external)?,
            (false, Some(range), _) | (false, None, Some(range)) if self.inline.is_empty() => {
                Data::Range {
                    source: 0,
                    start: range.start,
                    len: range.end - range.start,
                }
            }
            (false, None, None) => Data::Inline(self.inline.into()),
            _ => return Err(damaged("its values are stored in two ways".to_owned())),
        };
        let layout = Layout::contiguous(data);
        layout.check(dtype, &shape).map_err(damaged)?;
        let bits = count(&shape).and_then(|count| count.checked_mul(dtype.bits()));
        if bits.map(|bits| bits.div_ceil(8)) != Some(layout.data.len()) && dtype.is_readable() {
            let stored = layout.data.len();
            return Err(damaged(format!(
                "shape {shape:?} of {dtype} is not {stored} bytes"
            )));
        }
        Ok(TensorInfo::new(self.name, shape, dtype, layout))
    }
}

/// The key and value of a `StringStringEntryProto`.
fn entry(wire: &mut Wire<'_>, field: &Field) -> Result<(String, String), CheckpointError> {
    let mut range = wire.range(field)?;
    let mut entry = (String::new(), String::new());
    while let Some((number, field)) = wire.next(&mut range)? {
        match number {
            1 => entry.0 = wire.text(&field)?,
            2 => entry.1 = wire.text(&field)?,
            _ => {}
        }
    }
    Ok(entry)
}

/// The type of a `TensorProto.DataType`.
pub(super) fn dtype_of(data_type: i64) -> Option<DType> {
    let other = |name, bits| DType::Other { name, bits };
    Some(match data_type {
        1 => DType::F32,
        2 => DType::U8,
        3 => DType::I8,
        4 => DType::U16,
        5 => DType::I16,
        6 => DType::I32,
        7 => DType::I64,
        8 => other("string", 0),
        9 => DType::Bool,
        10 => DType::F16,
        11 => DType::F64,
        12 => DType::U32,
        13 => DType::U64,
        14 => other("complex64", 64),
        15 => other("complex128", 128),
        16 => DType::BF16,
        17 => DType::F8E4M3,
        18 => other("float8_e4m3fnuz", 8),
        19 => DType::F8E5M2,
        20 => other("float8_e5m2fnuz", 8),
        21 => other("uint4", 4),
        22 => other("int4", 4),
        23 => other("float4_e2m1", 4),
        24 => other("float8_e8m0", 8),
        _ => return None,
    })
}
