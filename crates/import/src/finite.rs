//! Values that are no numbers: NaN, and values that are infinite, in the file or as float32.

use std::fmt;

use crate::error::ImportError;
use crate::file::WeightFile;
use crate::network::Resolved;

/// Largest file, in bytes, whose values are looked at while a pipeline file is read; those of a larger one are when the task runs.
const LARGEST_EXAMINED: u64 = 128 << 20;

/// The first value of a tensor that is not finite.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NotFinite {
    /// From 0, as long as the shape.
    pub(crate) index: Vec<usize>,
    pub(crate) value: f32,
    /// How many there are.
    pub(crate) count: usize,
}

impl fmt::Display for NotFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "holds {} at {:?}", self.value, self.index)?;
        match self.count {
            1 => Ok(()),
            count => write!(f, ", the first of {count} values that are not finite"),
        }
    }
}

/// Looks for values that are not finite; `shape` is that of the tensor, row-major.
pub(crate) fn not_finite(values: &[f32], shape: &[usize]) -> Option<NotFinite> {
    let first = values.iter().position(|value| !value.is_finite())?;
    let mut rest = first;
    let mut index: Vec<usize> = shape
        .iter()
        .rev()
        .map(|&size| {
            let at = rest % size.max(1);
            rest /= size.max(1);
            at
        })
        .collect();
    index.reverse();
    Some(NotFinite {
        index,
        value: values[first],
        count: values[first..]
            .iter()
            .filter(|value| !value.is_finite())
            .count(),
    })
}

/// Reads the tensors that a network takes, unless the file is too large for that.
///
/// # Errors
/// The file cannot be read, or a value is not finite.
pub(crate) fn check(file: &WeightFile, resolved: &Resolved) -> Result<(), ImportError> {
    let bytes = file.files().map(|path| {
        let metadata = std::fs::metadata(path);
        metadata.map_or(0, |metadata| metadata.len())
    });
    if bytes.sum::<u64>() > LARGEST_EXAMINED {
        return Ok(());
    }
    for pair in &resolved.matching.used {
        read(file, &pair.theirs)?;
    }
    Ok(())
}

/// The values of a tensor, all of them finite.
///
/// # Errors
/// The file cannot be read, or a value is not finite.
pub(crate) fn read(file: &WeightFile, name: &str) -> Result<Vec<f32>, ImportError> {
    let values = file.read(name)?;
    let mut shapes = file.shapes().iter();
    let shape = shapes.find(|tensor| tensor.name == name);
    let shape = shape.map_or(&[][..], |tensor| &tensor.shape);
    match not_finite(&values, shape) {
        None => Ok(values),
        Some(found) => Err(ImportError::NotFinite {
            path: file.path().to_owned(),
            tensor: name.to_owned(),
            found: found.to_string(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_value_that_is_no_number_is_found() {
        let mut values = [0.5_f32; 12];
        assert_eq!(not_finite(&values, &[2, 3, 2]), None);
        values[9] = f32::NEG_INFINITY;
        values[11] = f32::NAN;
        let found = not_finite(&values, &[2, 3, 2]).expect("two");
        assert_eq!((&*found.index, found.count), (&[1, 1, 1][..], 2));
        assert_eq!(
            found.to_string(),
            "holds -inf at [1, 1, 1], the first of 2 values that are not finite"
        );
        let alone = not_finite(&[f32::NAN], &[]).expect("one");
        assert_eq!((alone.index, alone.count), (vec![], 1));
    }
}
