//! Assertions that numbers are close.

use std::fmt;

/// How far a number may be from the expected one.
#[derive(Debug, Clone, Copy)]
pub enum Tolerance {
    /// Relative to the largest absolute value of all expected numbers.
    OfLargest(f64),
    /// Relative to the expected number.
    Relative(f64),
    Absolute(f64),
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OfLargest(part) => write!(f, "{part:e} of the largest expected value"),
            Self::Relative(part) => write!(f, "{part:e} of the expected value"),
            Self::Absolute(distance) => write!(f, "{distance:e}"),
        }
    }
}

/// Asserts that two lists have the same length and that their numbers are close, one by one. NaN is close to nothing.
///
/// # Panics
/// Names `what`, the first index at which the lists differ, both numbers, their distance and the tolerance.
#[track_caller]
pub fn assert_close<F, E>(
    what: impl fmt::Display,
    found: &[F],
    expected: &[E],
    tolerance: Tolerance,
) where
    F: Copy + Into<f64>,
    E: Copy + Into<f64>,
{
    assert_eq!(found.len(), expected.len(), "{what}: number of values");
    let largest = expected
        .iter()
        .fold(0.0, |largest: f64, &value| largest.max(value.into().abs()));
    for (index, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let (found, expected): (f64, f64) = (found.into(), expected.into());
        let limit = match tolerance {
            Tolerance::OfLargest(part) => part * largest,
            Tolerance::Relative(part) => part * expected.abs(),
            Tolerance::Absolute(distance) => distance,
        };
        let distance = (found - expected).abs();
        assert!(
            distance <= limit,
            "{what}: value {index} is {found:e}, expected {expected:e}; they are {distance:e} apart, the tolerance is \
             {limit:e} ({tolerance})"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_numbers_pass() {
        assert_close(
            "f32",
            &[1.0_f32, 0.0],
            &[1.0, 1e-7],
            Tolerance::OfLargest(1e-6),
        );
        assert_close("exact", &[0.0], &[0.0], Tolerance::OfLargest(0.0));
        assert_close(
            "relative",
            &[99.0, -1.01],
            &[100.0, -1.0],
            Tolerance::Relative(0.02),
        );
        assert_close("absolute", &[0.5], &[0.25], Tolerance::Absolute(0.25));
        assert_close::<f64, f64>("nothing", &[], &[], Tolerance::Absolute(0.0));
    }

    #[test]
    #[should_panic(
        expected = "rows: value 1 is 2.5e0, expected 2e0; they are 5e-1 apart, the tolerance is 4e-1 (1e-1 of the largest"
    )]
    fn the_first_difference_is_named() {
        assert_close(
            "rows",
            &[1.0, 2.5, 9.0],
            &[1.0, 2.0, 4.0],
            Tolerance::OfLargest(0.1),
        );
    }

    #[test]
    #[should_panic(expected = "value 0 is NaN")]
    fn nan_is_close_to_nothing() {
        assert_close("rows", &[f64::NAN], &[1.0], Tolerance::Absolute(1e9));
    }

    #[test]
    #[should_panic(expected = "value 0 is 1e0")]
    fn nothing_is_close_to_nan() {
        assert_close("rows", &[1.0], &[f64::NAN], Tolerance::Absolute(1e9));
    }

    #[test]
    #[should_panic(expected = "number of values")]
    fn lists_of_other_lengths_are_not_close() {
        assert_close("rows", &[1.0], &[1.0, 2.0], Tolerance::Absolute(1.0));
    }
}
