//! Values that no network computes with: NaN, values that are infinite, in the file or as float32, and variances below 0.

use std::fmt;

use crate::error::ImportError;
use crate::file::WeightFile;
use crate::matching::{Pair, split};
use crate::network::Resolved;

/// Largest file, in bytes, whose values are looked at while a pipeline file is read; those of a larger one are when the task runs.
const LARGEST_EXAMINED: u64 = 128 << 20;

/// What values are expected to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Expected {
    #[default]
    Finite,
    /// Finite and not negative.
    Variance,
}

impl Expected {
    /// By the name of a tensor.
    pub(crate) fn of(name: &str) -> Self {
        match split(name).1 {
            "running_var" => Self::Variance,
            _ => Self::Finite,
        }
    }
}

/// The first value of a tensor that is not as expected.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Unfit {
    /// From 0, as long as the shape.
    pub(crate) index: Vec<usize>,
    pub(crate) value: f32,
    /// How many there are.
    pub(crate) count: usize,
    pub(crate) expected: Expected,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "holds {} at {:?}", self.value, self.index)?;
        match (self.count, self.expected) {
            (1, Expected::Finite) => Ok(()),
            (1, Expected::Variance) => f.write_str(", which is no variance"),
            (count, Expected::Finite) => {
                write!(f, ", the first of {count} values that are not finite")
            }
            (count, Expected::Variance) => {
                write!(f, ", the first of {count} values that are no variances")
            }
        }
    }
}

/// Looks for values that are not as expected, some at a time.
#[derive(Debug, Default)]
struct Search {
    expected: Expected,
    seen: usize,
    /// The first, and its position.
    first: Option<(usize, f32)>,
    count: usize,
}

impl Search {
    fn of(expected: Expected) -> Self {
        Self {
            expected,
            ..Self::default()
        }
    }

    fn add(&mut self, values: &[f32]) {
        /// Values that are looked at without a branch.
        const RUN: usize = 1024;
        let lowest = match self.expected {
            Expected::Finite => f32::MIN,
            Expected::Variance => 0.0,
        };
        let fits = |value: &f32| value.is_finite() & (*value >= lowest);
        for run in values.chunks(RUN) {
            if !run.iter().fold(true, |all, value| all & fits(value)) {
                let mut bad = run.iter().enumerate().filter(|(_, value)| !fits(value));
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
    fn found(self, shape: &[usize]) -> Option<Unfit> {
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
        Some(Unfit {
            index,
            value,
            count: self.count,
            expected: self.expected,
        })
    }
}

/// Reads the tensors that a network takes, unless the file is too large for that.
///
/// # Errors
/// The file cannot be read, or a value is not as expected.
pub(crate) fn check(file: &WeightFile, resolved: &Resolved) -> Result<(), ImportError> {
    let bytes = file.files().map(|path| {
        let metadata = std::fs::metadata(path);
        metadata.map_or(0, |metadata| metadata.len())
    });
    if bytes.sum::<u64>() > LARGEST_EXAMINED {
        return Ok(());
    }
    for pair in &resolved.matching.used {
        look_at(file, &pair.theirs, Expected::of(&pair.ours))?;
    }
    Ok(())
}

/// Reads the values of a tensor and keeps none.
///
/// # Errors
/// The file cannot be read, or a value is not as expected.
pub(crate) fn look_at(
    file: &WeightFile,
    name: &str,
    expected: Expected,
) -> Result<(), ImportError> {
    let mut search = Search::of(expected);
    file.for_each(name, |values| search.add(values))?;
    accept(file, name, search)
}

/// The values of a tensor of the network, all of them as expected.
///
/// # Errors
/// The file cannot be read, or a value is not as expected.
pub(crate) fn read(file: &WeightFile, pair: &Pair) -> Result<Vec<f32>, ImportError> {
    let values = file.read(&pair.theirs)?;
    let mut search = Search::of(Expected::of(&pair.ours));
    search.add(&values);
    accept(file, &pair.theirs, search)?;
    Ok(values)
}

fn accept(file: &WeightFile, name: &str, search: Search) -> Result<(), ImportError> {
    let mut shapes = file.shapes().iter();
    let shape = shapes.find(|tensor| tensor.name == name);
    match search.found(shape.map_or(&[][..], |tensor| &tensor.shape)) {
        None => Ok(()),
        Some(found) => Err(ImportError::Unfit {
            path: file.path().to_owned(),
            tensor: name.to_owned(),
            found: found.to_string(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unfit(values: &[f32], shape: &[usize], expected: Expected) -> Option<Unfit> {
        let mut search = Search::of(expected);
        search.add(values);
        search.found(shape)
    }

    #[test]
    fn the_first_value_that_is_not_as_expected_is_found() {
        let not_finite = |values: &[f32], shape: &[usize]| unfit(values, shape, Expected::Finite);
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

        let variances = [0.5, -0.0, -1e-9, -2.0];
        assert_eq!(not_finite(&variances, &[4]), None);
        let found = |values: &[f32]| {
            let found = unfit(values, &[values.len()], Expected::of("norm1.running_var"));
            found.map(|found| found.to_string())
        };
        assert_eq!(found(&variances[..2]), None);
        assert_eq!(
            found(&variances[..3]).as_deref(),
            Some("holds -0.000000001 at [2], which is no variance")
        );
        assert_eq!(
            found(&variances).as_deref(),
            Some("holds -0.000000001 at [2], the first of 2 values that are no variances")
        );
    }
}
