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

/// Looks for values that are not finite, some at a time.
#[derive(Debug, Default)]
struct Search {
    seen: usize,
    /// The first, and its position.
    first: Option<(usize, f32)>,
    count: usize,
}

impl Search {
    fn add(&mut self, values: &[f32]) {
        /// Values that are looked at without a branch.
        const RUN: usize = 1024;
        for run in values.chunks(RUN) {
            if !run.iter().fold(true, |all, value| all & value.is_finite()) {
                let mut bad = run.iter().enumerate().filter(|(_, v)| !v.is_finite());
                if self.first.is_none() {
                    self.first = bad.next().map(|(at, &value)| (self.seen + at, value));
                    self.count += 1;
                }
                self.count += bad.count();
            }
            self.seen += run.len();
        }
    }

    /// What was found in a tensor of this shape, row-major.
    fn found(self, shape: &[usize]) -> Option<NotFinite> {
        let (mut rest, value) = self.first?;
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
            value,
            count: self.count,
        })
    }
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
        look_at(file, &pair.theirs)?;
    }
    Ok(())
}

/// Reads the values of a tensor and keeps none.
///
/// # Errors
/// The file cannot be read, or a value is not finite.
pub(crate) fn look_at(file: &WeightFile, name: &str) -> Result<(), ImportError> {
    let mut search = Search::default();
    file.for_each(name, |values| search.add(values))?;
    accept(file, name, search)
}

/// The values of a tensor, all of them finite.
///
/// # Errors
/// The file cannot be read, or a value is not finite.
pub(crate) fn read(file: &WeightFile, name: &str) -> Result<Vec<f32>, ImportError> {
    let values = file.read(name)?;
    let mut search = Search::default();
    search.add(&values);
    accept(file, name, search)?;
    Ok(values)
}

fn accept(file: &WeightFile, name: &str, search: Search) -> Result<(), ImportError> {
    let mut shapes = file.shapes().iter();
    let shape = shapes.find(|tensor| tensor.name == name);
    match search.found(shape.map_or(&[][..], |tensor| &tensor.shape)) {
        None => Ok(()),
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

    fn not_finite(values: &[f32], shape: &[usize]) -> Option<NotFinite> {
        let mut search = Search::default();
        search.add(values);
        search.found(shape)
    }

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
        let mut search = Search::default();
        for part in values.chunks(5) {
            search.add(part);
        }
        assert_eq!(search.found(&[2, 3, 2]), Some(found));
        let alone = not_finite(&[f32::NAN], &[]).expect("one");
        assert_eq!((alone.index, alone.count), (vec![], 1));
    }
}
