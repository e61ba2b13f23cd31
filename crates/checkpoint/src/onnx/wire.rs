//! The encoding of protocol buffers, read from a file range by range.

use std::ops::Range;

use crate::source::Source;
use crate::{CheckpointError, limits};

/// Bytes that are kept at a time.
const BLOCK: u64 = 1 << 16;

/// Reads fields, and counts the memory that goes into what is made of them.
pub(super) struct Wire<'a> {
    pub(super) source: &'a Source,
    block: Vec<u8>,
    start: u64,
    memory: usize,
}

/// The value of a field.
#[derive(Debug, Clone)]
pub(super) enum Field {
    Varint(u64),
    Fixed64([u8; 8]),
    Fixed32([u8; 4]),
    /// Where the bytes of a text, a message or packed numbers are.
    Bytes(Range<u64>),
}

impl<'a> Wire<'a> {
    pub(super) fn new(source: &'a Source) -> Self {
        Self {
            source,
            block: Vec::new(),
            start: 0,
            memory: limits::ONNX_MEMORY,
        }
    }

    /// Takes `memory` bytes from what a file may use.
    pub(super) fn charge(&mut self, memory: usize) -> Result<(), CheckpointError> {
        let left = self.memory.checked_sub(memory);
        self.memory = left.ok_or_else(|| {
            let limit = format!("{} MiB", limits::ONNX_MEMORY >> 20);
            self.source
                .too_large("graph", "more memory beside raw values", limit)
        })?;
        Ok(())
    }

    pub(super) fn damaged(&self, position: u64, reason: &str) -> CheckpointError {
        self.source.damaged(format!("byte {position}"), reason)
    }

    fn byte(&mut self, position: u64) -> Result<u8, CheckpointError> {
        let end = self.start + self.block.len() as u64;
        if position < self.start || position >= end {
            let len = BLOCK.min(self.source.len().saturating_sub(position));
            self.block = self
                .source
                .read_range(position..position + len, BLOCK, "fields")?;
            self.start = position;
        }
        let index = usize::try_from(position - self.start).unwrap_or(usize::MAX);
        let byte = self.block.get(index).copied();
        byte.ok_or_else(|| self.damaged(position, "the file ends within a field; it may be cut"))
    }

    fn varint(&mut self, range: &mut Range<u64>) -> Result<u64, CheckpointError> {
        let begin = range.start;
        let mut value = 0u64;
        for shift in (0..70).step_by(7) {
            if range.start >= range.end {
                return Err(self.damaged(begin, "a number without end"));
            }
            let byte = self.byte(range.start)?;
            range.start += 1;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.damaged(begin, "a number of more than 64 bits"))
    }

    fn array<const SIZE: usize>(
        &mut self,
        range: &mut Range<u64>,
    ) -> Result<[u8; SIZE], CheckpointError> {
        let mut array = [0; SIZE];
        for byte in &mut array {
            if range.start >= range.end {
                return Err(self.damaged(range.start, "a field goes beyond its message"));
            }
            *byte = self.byte(range.start)?;
            range.start += 1;
        }
        Ok(array)
    }

    /// The number and value of the next field of a message, and `None` at its end.
    pub(super) fn next(
        &mut self,
        range: &mut Range<u64>,
    ) -> Result<Option<(u64, Field)>, CheckpointError> {
        if range.start >= range.end {
            return Ok(None);
        }
        let begin = range.start;
        let tag = self.varint(range)?;
        let field = match tag & 7 {
            0 => Field::Varint(self.varint(range)?),
            1 => Field::Fixed64(self.array(range)?),
            5 => Field::Fixed32(self.array(range)?),
            2 => {
                let len = self.varint(range)?;
                let end = range.start.checked_add(len);
                let end = end.filter(|&end| end <= range.end).ok_or_else(|| {
                    self.damaged(
                        begin,
                        "a field goes beyond its message; the file may be cut",
                    )
                })?;
                let bytes = range.start..end;
                range.start = end;
                Field::Bytes(bytes)
            }
            _ => return Err(self.damaged(begin, "no field of a protocol buffer; is it ONNX?")),
        };
        match tag >> 3 {
            0 => Err(self.damaged(begin, "no field of a protocol buffer; is it ONNX?")),
            number => Ok(Some((number, field))),
        }
    }

    /// The bytes of a field.
    pub(super) fn bytes(&mut self, field: &Field) -> Result<Vec<u8>, CheckpointError> {
        let range = self.range(field)?;
        let len = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        self.charge(len)?;
        self.source.read_range(range, u64::MAX, "a text")
    }

    /// The text of a field.
    pub(super) fn text(&mut self, field: &Field) -> Result<String, CheckpointError> {
        let position = self.range(field)?.start;
        self.charge(size_of::<String>())?;
        String::from_utf8(self.bytes(field)?)
            .map_err(|_| self.damaged(position, "a text that is not UTF-8"))
    }

    /// The range of a field of bytes.
    pub(super) fn range(&self, field: &Field) -> Result<Range<u64>, CheckpointError> {
        match field {
            Field::Bytes(range) => Ok(range.clone()),
            _ => Err(self
                .source
                .damaged("graph", "a number where a text or message belongs")),
        }
    }

    /// The integer of a field.
    pub(super) fn int(&self, field: &Field) -> Result<i64, CheckpointError> {
        match field {
            Field::Varint(value) => Ok(value.cast_signed()),
            _ => Err(self
                .source
                .damaged("graph", "something else where an integer belongs")),
        }
    }

    /// The number of a field.
    pub(super) fn float(&self, field: &Field) -> Result<f32, CheckpointError> {
        match field {
            Field::Fixed32(bytes) => Ok(f32::from_le_bytes(*bytes)),
            _ => Err(self
                .source
                .damaged("graph", "something else where a number belongs")),
        }
    }

    /// Appends the integers of a field, one or packed ones.
    pub(super) fn ints(
        &mut self,
        field: &Field,
        ints: &mut Vec<i64>,
    ) -> Result<(), CheckpointError> {
        let Field::Bytes(range) = field else {
            self.charge(8)?;
            ints.push(self.int(field)?);
            return Ok(());
        };
        let mut range = range.clone();
        while range.start < range.end {
            self.charge(8)?;
            ints.push(self.varint(&mut range)?.cast_signed());
        }
        Ok(())
    }

    /// Appends the numbers of a field, one or packed ones.
    pub(super) fn floats(
        &mut self,
        field: &Field,
        floats: &mut Vec<f32>,
    ) -> Result<(), CheckpointError> {
        let Field::Bytes(range) = field else {
            self.charge(4)?;
            floats.push(self.float(field)?);
            return Ok(());
        };
        let mut range = range.clone();
        while range.start < range.end {
            self.charge(4)?;
            floats.push(f32::from_le_bytes(self.array(&mut range)?));
        }
        Ok(())
    }
}
