//! The values of one tensor, read from where they lie.

use std::io::{self, Read};

use super::{CHUNK, Layout, count};
use crate::dtype::{Number, decode};
use crate::error::shown;
use crate::source::Source;
use crate::{CheckpointError, DType};

/// One tensor being read.
pub(super) struct Reading<'a> {
    sources: &'a [Source],
    name: &'a str,
    dtype: DType,
    shape: &'a [usize],
}

impl<'a> Reading<'a> {
    /// The reading of a tensor whose values can be read and lie in its data as `layout` says.
    pub(super) fn new(
        layout: &Layout,
        sources: &'a [Source],
        name: &'a str,
        dtype: DType,
        shape: &'a [usize],
    ) -> Result<Self, CheckpointError> {
        let reading = Self {
            sources,
            name,
            dtype,
            shape,
        };
        reading.check(layout)?;
        Ok(reading)
    }

    fn place(&self) -> String {
        format!("tensor `{}`", shown(self.name))
    }

    fn check(&self, layout: &Layout) -> Result<(), CheckpointError> {
        if !self.dtype.is_readable() {
            return Err(self.sources[0].unsupported(
                self.place(),
                format!(
                    "values of type {} cannot be read; convert them to float32 where the file is made",
                    self.dtype
                ),
            ));
        }
        layout
            .check(self.dtype, self.shape)
            .map_err(|reason| self.sources[0].damaged(self.place(), reason))
    }

    fn size(&self) -> usize {
        usize::try_from(self.dtype.bits() / 8).unwrap_or(1).max(1)
    }

    fn too_large(&self) -> CheckpointError {
        let found = format!("shape {:?}", self.shape);
        self.sources[0].too_large(self.place(), found, "the memory of this machine")
    }

    fn count(&self) -> Result<usize, CheckpointError> {
        let count = count(self.shape).and_then(|count| usize::try_from(count).ok());
        count.ok_or_else(|| self.too_large())
    }

    /// Room for all values.
    fn room<T>(&self) -> Result<(usize, Vec<T>), CheckpointError> {
        let count = self.count()?;
        let mut values = Vec::new();
        let reserved = values.try_reserve_exact(count);
        reserved.map_err(|_| self.too_large())?;
        Ok((count, values))
    }

    /// Appends the values of `bytes`, the first of which has the index `first` in the tensor.
    fn decode<T: Number>(
        &self,
        layout: &Layout,
        bytes: &[u8],
        first: usize,
        values: &mut Vec<T>,
    ) -> Result<(), CheckpointError> {
        decode(self.dtype, layout.big_endian, bytes, values).map_err(|(index, value)| {
            let place = format!("{}, value {}", self.place(), first + index);
            let reason = format!("{value} has no {}", T::NAME);
            self.sources[0].unsupported(place, reason)
        })
    }

    fn failed(&self, error: io::Error) -> CheckpointError {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                self.sources[0].damaged(self.place(), "the file ends within its values")
            }
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                self.sources[0].damaged(self.place(), format!("cannot be decompressed: {error}"))
            }
            _ => CheckpointError::io("read", self.sources[0].path(), error),
        }
    }

    pub(super) fn in_order<T: Number>(&self, layout: &Layout) -> Result<Vec<T>, CheckpointError> {
        let (_, mut values) = self.room()?;
        self.for_each_chunk(layout, |bytes| {
            let first = values.len();
            self.decode(layout, bytes, first, &mut values)
        })?;
        Ok(values)
    }

    /// Gives all values to `each`, some at a time.
    pub(super) fn for_each<T: Number>(
        &self,
        layout: &Layout,
        mut each: impl FnMut(&[T]),
    ) -> Result<(), CheckpointError> {
        let mut first = 0;
        let mut values = Vec::new();
        self.for_each_chunk(layout, |bytes| {
            values.clear();
            self.decode(layout, bytes, first, &mut values)?;
            first += values.len();
            each(&values);
            Ok(())
        })
    }

    /// Gives the bytes of all values to `each`, whole values at a time.
    fn for_each_chunk(
        &self,
        layout: &Layout,
        mut each: impl FnMut(&[u8]) -> Result<(), CheckpointError>,
    ) -> Result<(), CheckpointError> {
        let size = self.size();
        let mut left = self.count()?;
        let mut reader = layout
            .data
            .reader(self.sources, layout.offset * size as u64)
            .map_err(|error| self.failed(error))?;
        let mut buffer = vec![0; CHUNK.min(left.saturating_mul(size))];
        while left > 0 {
            let bytes = buffer.len().min(left.saturating_mul(size));
            reader
                .read_exact(&mut buffer[..bytes])
                .map_err(|error| self.failed(error))?;
            each(&buffer[..bytes])?;
            left -= bytes / size;
        }
        Ok(())
    }

    pub(super) fn gathered<T: Number>(
        &self,
        layout: &Layout,
        strides: &[u64],
    ) -> Result<Vec<T>, CheckpointError> {
        let (count, mut values) = self.room()?;
        if count == 0 {
            return Ok(values);
        }
        let size = self.size();
        let span = self.span(layout, size)?;
        let steps: Vec<usize> = strides
            .iter()
            .map(|&stride| {
                usize::try_from(stride)
                    .unwrap_or(usize::MAX)
                    .saturating_mul(size)
            })
            .collect();
        let mut index = vec![0; self.shape.len()];
        let mut position = 0;
        let mut chunk = Vec::with_capacity(CHUNK.min(count * size));
        for _ in 0..count {
            chunk.extend_from_slice(&span[position..position + size]);
            if chunk.len() >= CHUNK {
                let first = values.len();
                self.decode(layout, &chunk, first, &mut values)?;
                chunk.clear();
            }
            for axis in (0..index.len()).rev() {
                index[axis] += 1;
                if index[axis] < self.shape[axis] {
                    position += steps[axis];
                    break;
                }
                position -= steps[axis] * (self.shape[axis] - 1);
                index[axis] = 0;
            }
        }
        let first = values.len();
        self.decode(layout, &chunk, first, &mut values)?;
        Ok(values)
    }

    /// The bytes from the first value to the last.
    fn span(&self, layout: &Layout, size: usize) -> Result<Vec<u8>, CheckpointError> {
        let values = layout.span(self.shape).unwrap_or(0);
        let len = usize::try_from(values)
            .ok()
            .and_then(|values| values.checked_mul(size));
        let mut bytes = Vec::new();
        if len.is_none_or(|len| bytes.try_reserve_exact(len).is_err()) {
            let found = format!("{values} values");
            return Err(self.sources[0].too_large(
                self.place(),
                found,
                "the memory of this machine",
            ));
        }
        let len = len.unwrap_or(0);
        let reader = layout
            .data
            .reader(self.sources, layout.offset * size as u64)
            .map_err(|error| self.failed(error))?;
        reader
            .take(len as u64)
            .read_to_end(&mut bytes)
            .map_err(|error| self.failed(error))?;
        match bytes.len() == len {
            true => Ok(bytes),
            false => Err(self.failed(io::ErrorKind::UnexpectedEof.into())),
        }
    }
}
