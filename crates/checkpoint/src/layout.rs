//! Where the values of a tensor lie in a file, and reading them from there in order.

use std::io::{self, BufReader, Read};
use std::sync::Arc;

use flate2::bufread::DeflateDecoder;

use crate::dtype::{Number, decode};
use crate::error::shown;
use crate::source::Source;
use crate::{CheckpointError, DType, limits};

/// Bytes read at a time; a multiple of the size of every value.
const CHUNK: usize = 1 << 18;

/// A run of bytes.
#[derive(Debug, Clone)]
pub(crate) enum Data {
    /// Bytes of a file as they are; `source` counts the files of a checkpoint, 0 is the file itself.
    Range { source: usize, start: u64, len: u64 },
    /// Bytes of the file itself that inflate to `skip` bytes and then `len` bytes.
    Deflated {
        start: u64,
        compressed: u64,
        skip: u64,
        len: u64,
    },
    /// Bytes that were in between other things.
    Inline(Arc<[u8]>),
}

impl Data {
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Range { len, .. } | Self::Deflated { len, .. } => *len,
            Self::Inline(bytes) => bytes.len() as u64,
        }
    }

    /// The data without its first `count` bytes, of which it has at least so many.
    pub(crate) fn after(self, count: u64) -> Self {
        match self {
            Self::Range { source, start, len } => Self::Range {
                source,
                start: start + count,
                len: len - count,
            },
            Self::Deflated {
                start,
                compressed,
                skip,
                len,
            } => Self::Deflated {
                start,
                compressed,
                skip: skip + count,
                len: len - count,
            },
            Self::Inline(bytes) => {
                let count = usize::try_from(count).unwrap_or(usize::MAX);
                Self::Inline(bytes.get(count..).unwrap_or(&[]).into())
            }
        }
    }

    /// The first bytes of data in the file itself, `count` or all.
    pub(crate) fn head(
        &self,
        source: &Source,
        count: u64,
        place: &str,
    ) -> Result<Vec<u8>, CheckpointError> {
        let mut bytes = Vec::new();
        let read = self
            .reader(std::slice::from_ref(source), 0)
            .and_then(|reader| reader.take(count.min(self.len())).read_to_end(&mut bytes));
        read.map_err(|error| source.damaged(place, format!("cannot be read: {error}")))?;
        Ok(bytes)
    }

    /// All bytes of data in the file itself.
    pub(crate) fn bytes(&self, source: &Source, place: &str) -> Result<Vec<u8>, CheckpointError> {
        let mut bytes = Vec::new();
        self.for_each_chunk(source, place, |chunk| bytes.extend_from_slice(chunk))?;
        Ok(bytes)
    }

    /// Gives the bytes of data in the file itself to `each`, chunk by chunk.
    pub(crate) fn for_each_chunk(
        &self,
        source: &Source,
        place: &str,
        mut each: impl FnMut(&[u8]),
    ) -> Result<(), CheckpointError> {
        let failed = |error: io::Error| source.damaged(place, format!("cannot be read: {error}"));
        let sources = std::slice::from_ref(source);
        let mut reader = self.reader(sources, 0).map_err(failed)?;
        let mut buffer = vec![0; CHUNK];
        let mut left = self.len();
        while left > 0 {
            let count = usize::try_from(left).unwrap_or(CHUNK).min(CHUNK);
            reader.read_exact(&mut buffer[..count]).map_err(failed)?;
            each(&buffer[..count]);
            left -= count as u64;
        }
        Ok(())
    }

    /// A reader of the bytes from `offset` on.
    fn reader<'a>(&'a self, sources: &'a [Source], offset: u64) -> io::Result<Box<dyn Read + 'a>> {
        Ok(match self {
            Self::Range { source, start, len } => {
                Box::new(sources[*source].reader(start + offset..start + len))
            }
            Self::Deflated {
                start,
                compressed,
                skip,
                ..
            } => {
                let stored = sources[0].reader(*start..start + compressed);
                let mut inflated = DeflateDecoder::new(BufReader::new(stored));
                io::copy(&mut (&mut inflated).take(skip + offset), &mut io::sink())?;
                Box::new(inflated)
            }
            Self::Inline(bytes) => {
                let offset = usize::try_from(offset).unwrap_or(usize::MAX);
                Box::new(bytes.get(offset..).unwrap_or(&[]))
            }
        })
    }
}

/// The order of values in a run of bytes.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) data: Data,
    /// Values before the first.
    pub(crate) offset: u64,
    /// Values from one index to the next of each dimension; `None` if the last index runs fastest and nothing lies between.
    pub(crate) strides: Option<Vec<u64>>,
    pub(crate) big_endian: bool,
}

impl Layout {
    /// All of `data`, the last index running fastest, little-endian.
    pub(crate) fn contiguous(data: Data) -> Self {
        Self {
            data,
            offset: 0,
            strides: None,
            big_endian: false,
        }
    }

    /// Makes strides that say the same as none at all into none.
    pub(crate) fn normalised(mut self, shape: &[usize]) -> Self {
        let plain = row_major(shape);
        if let (Some(strides), Some(plain)) = (&self.strides, plain)
            && strides.len() == shape.len()
            && (shape.contains(&0)
                || shape
                    .iter()
                    .zip(strides.iter().zip(&plain))
                    .all(|(&side, (stride, plain))| side == 1 || stride == plain))
        {
            self.strides = None;
        }
        self
    }

    /// Checks that a tensor of `shape` lies within the data, and that it may be so large.
    ///
    /// # Errors
    /// Returns what does not fit.
    pub(crate) fn check(&self, dtype: DType, shape: &[usize]) -> Result<(), String> {
        if shape.len() > limits::DIMENSIONS {
            return Err(format!(
                "{} dimensions, more than the limit of {}",
                shape.len(),
                limits::DIMENSIONS
            ));
        }
        let values = count(shape).ok_or_else(|| format!("shape {shape:?} is not possible"))?;
        let Some(span) = self.span(shape) else {
            return Err(format!("shape {shape:?} with its strides is not possible"));
        };
        let needed = self
            .offset
            .checked_add(span)
            .and_then(|values| values.checked_mul(dtype.bits()))
            .map(|bits| bits.div_ceil(8));
        match needed {
            Some(needed) if needed <= self.data.len() || span == 0 => {}
            _ => {
                return Err(format!(
                    "shape {shape:?} of {dtype} needs {} bytes, {} are stored",
                    needed.map_or_else(|| "too many".to_owned(), |bytes| bytes.to_string()),
                    self.data.len()
                ));
            }
        }
        if values > span.max(limits::REPEATED_VALUES) {
            return Err(format!(
                "shape {shape:?} repeats {span} stored values, more than {} times in all",
                limits::REPEATED_VALUES
            ));
        }
        Ok(())
    }

    /// Values from the first to the last of a tensor of `shape`, both counted.
    fn span(&self, shape: &[usize]) -> Option<u64> {
        let Some(strides) = &self.strides else {
            return count(shape);
        };
        if strides.len() != shape.len() {
            return None;
        }
        if shape.contains(&0) {
            return Some(0);
        }
        let last = shape
            .iter()
            .zip(strides)
            .try_fold(0u64, |last, (&side, stride)| {
                last.checked_add((side as u64 - 1).checked_mul(*stride)?)
            })?;
        last.checked_add(1)
    }

    /// Reads the values of a tensor of `shape` that [`Self::check`] accepts, the last index running fastest.
    ///
    /// # Errors
    /// The file is not readable or damaged; a value that `T` cannot hold.
    pub(crate) fn read<T: Number>(
        &self,
        sources: &[Source],
        name: &str,
        dtype: DType,
        shape: &[usize],
    ) -> Result<Vec<T>, CheckpointError> {
        let reading = Reading {
            sources,
            name,
            dtype,
            shape,
        };
        reading.check(self)?;
        match &self.strides {
            None => reading.in_order(self),
            Some(strides) => reading.gathered(self, strides),
        }
    }

    /// Gives the values that [`Self::read`] reads to `each`, some at a time.
    ///
    /// # Errors
    /// As [`Self::read`], which may come after some values.
    pub(crate) fn for_each<T: Number>(
        &self,
        sources: &[Source],
        name: &str,
        dtype: DType,
        shape: &[usize],
        mut each: impl FnMut(&[T]),
    ) -> Result<(), CheckpointError> {
        let reading = Reading {
            sources,
            name,
            dtype,
            shape,
        };
        reading.check(self)?;
        match &self.strides {
            None => reading.for_each(self, each),
            Some(strides) => {
                each(&reading.gathered(self, strides)?);
                Ok(())
            }
        }
    }
}

/// The number of values of a tensor of `shape`.
pub(crate) fn count(shape: &[usize]) -> Option<u64> {
    if shape.contains(&0) {
        return Some(0);
    }
    shape
        .iter()
        .try_fold(1u64, |count, &side| count.checked_mul(side as u64))
        .filter(|&count| i64::try_from(count).is_ok())
}

/// Strides of a tensor of `shape` whose last index runs fastest.
fn row_major(shape: &[usize]) -> Option<Vec<u64>> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = u64::checked_mul(strides[axis], shape[axis] as u64)?;
    }
    Some(strides)
}

/// One tensor being read.
struct Reading<'a> {
    sources: &'a [Source],
    name: &'a str,
    dtype: DType,
    shape: &'a [usize],
}

impl Reading<'_> {
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

    fn in_order<T: Number>(&self, layout: &Layout) -> Result<Vec<T>, CheckpointError> {
        let (_, mut values) = self.room()?;
        self.for_each_chunk(layout, |bytes| {
            let first = values.len();
            self.decode(layout, bytes, first, &mut values)
        })?;
        Ok(values)
    }

    /// Gives all values to `each`, some at a time.
    fn for_each<T: Number>(
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

    fn gathered<T: Number>(
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn source() -> Vec<Source> {
        let bytes = (0..24i16).flat_map(i16::to_le_bytes).collect();
        vec![Source::of_bytes(Path::new("numbers"), bytes)]
    }

    fn layout(offset: u64, strides: &[u64]) -> Layout {
        Layout {
            data: Data::Range {
                source: 0,
                start: 0,
                len: 48,
            },
            offset,
            strides: Some(strides.to_vec()),
            big_endian: false,
        }
    }

    fn read(layout: &Layout, shape: &[usize]) -> Result<Vec<i64>, CheckpointError> {
        layout.read(&source(), "numbers", DType::I16, shape)
    }

    #[test]
    fn strides_and_offsets_select_values() {
        let transposed = read(&layout(0, &[1, 6]), &[6, 4]).expect("readable");
        assert_eq!(transposed[..5], [0, 6, 12, 18, 1]);
        let window = read(&layout(7, &[6, 2]), &[2, 3]).expect("readable");
        assert_eq!(window, [7, 9, 11, 13, 15, 17]);
        let repeated = read(&layout(3, &[0, 1]), &[2, 2]).expect("readable");
        assert_eq!(repeated, [3, 4, 3, 4]);
        assert_eq!(read(&layout(5, &[]), &[]).expect("readable"), [5]);
        let none = read(&layout(99, &[1, 1]), &[0, 7]).expect("readable");
        assert!(none.is_empty());
    }

    #[test]
    fn values_that_are_given_by_parts_are_those_that_are_read() {
        let count = CHUNK + 3;
        let bytes = (0..count).flat_map(|value| (value as u16).to_le_bytes());
        let sources = [Source::of_bytes(Path::new("numbers"), bytes.collect())];
        for (strides, shape) in [(None, vec![count]), (Some(vec![2]), vec![count / 2])] {
            let mut layout = Layout::contiguous(Data::Range {
                source: 0,
                start: 0,
                len: 2 * count as u64,
            });
            layout.strides = strides;
            let all: Vec<f32> = layout
                .read(&sources, "numbers", DType::U16, &shape)
                .expect("readable");
            let mut given: Vec<f32> = Vec::new();
            let each = |values: &[f32]| given.extend(values);
            let read = layout.for_each(&sources, "numbers", DType::U16, &shape, each);
            read.expect("readable");
            assert_eq!((all.len(), given == all), (shape[0], true));
        }
        let bytes = [1.0f64, 2.0, 1e300].map(f64::to_le_bytes).concat();
        let sources = [Source::of_bytes(Path::new("numbers"), bytes)];
        let layout = Layout::contiguous(Data::Range {
            source: 0,
            start: 0,
            len: 24,
        });
        let error = layout.for_each(&sources, "numbers", DType::F64, &[3], |_: &[f32]| {});
        let error = error.expect_err("too large").to_string();
        assert!(error.contains("value 2"), "{error}");
    }

    #[test]
    fn plain_strides_are_none() {
        let plain = layout(0, &[6, 1]).normalised(&[4, 6]);
        assert!(plain.strides.is_none());
        assert!(layout(0, &[99, 1]).normalised(&[1, 6]).strides.is_none());
        assert!(layout(0, &[1, 4]).normalised(&[4, 6]).strides.is_some());
    }

    #[test]
    fn a_tensor_beyond_its_data_is_refused() {
        for (offset, strides, shape) in [
            (1, &[6u64, 1][..], &[4usize, 6][..]),
            (0, &[u64::MAX, 1], &[3, 2]),
            (u64::MAX, &[1], &[2]),
            (0, &[1], &[25]),
            (0, &[1, 1], &[4]),
            (0, &[0], &[1 << 40]),
            (0, &[0, 0], &[1 << 40, 1 << 40]),
        ] {
            let error = read(&layout(offset, strides), shape).expect_err("refused");
            assert!(matches!(error, CheckpointError::Damaged { .. }), "{error}");
        }
    }
}
