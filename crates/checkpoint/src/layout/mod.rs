//! Where the values of a tensor lie in a file, and reading them from there in order.

mod data;
mod reading;

pub(crate) use self::data::Data;
use self::reading::Reading;
use crate::dtype::Number;
use crate::source::Source;
use crate::{CheckpointError, DType, limits};

/// Bytes read at a time; a multiple of the size of every value.
const CHUNK: usize = 1 << 18;

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
        let reading = Reading::new(self, sources, name, dtype, shape)?;
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
        let reading = Reading::new(self, sources, name, dtype, shape)?;
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
