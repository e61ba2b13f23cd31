//! Which values are black and white, by the values that occur.

use serde_json::json;

use super::Facts;

/// Pixels of a file that are read at most.
pub(super) const MAXIMUM_VALUES: u64 = 1 << 21;
/// Pixels of a file that are read at most to answer a thorough question.
pub(super) const THOROUGH_VALUES: u64 = 1 << 26;
/// Largest value of whole numbers that are probably not meant to be of 0 to 255.
const MAXIMUM_DARK: f64 = 16.0;
/// Smallest largest value of fractions that are probably meant to be of 0 to 1, and of 0 to 255.
const HALF: f64 = 0.5;
const BRIGHT: f64 = 128.0;

impl Facts {
    /// Suggests a range if that of 0 to 255 does not fit `values`, and none is given.
    pub(super) fn suggest_range(&mut self, given: &[f64], values: impl Iterator<Item = f64>) {
        if !given.is_empty() {
            return;
        }
        let (mut lowest, mut highest, mut whole) = (f64::INFINITY, f64::NEG_INFINITY, true);
        for value in values {
            lowest = lowest.min(value);
            highest = highest.max(value);
            whole &= value.fract() == 0.0;
        }
        if !lowest.is_finite() || !highest.is_finite() || lowest == highest {
            return;
        }
        let is_fitting = whole && lowest >= 0.0 && highest <= 255.0;
        let range = match (lowest >= 0.0, highest) {
            (true, HALF..=1.0) => [0.0, 1.0],
            (true, ..=MAXIMUM_DARK) if is_fitting => [0.0, highest],
            (true, ..=255.0) if is_fitting => return,
            (true, BRIGHT..=255.0) => [0.0, 255.0],
            (false, ..=1.0) if lowest >= -1.0 && lowest.abs().max(highest) >= HALF => [-1.0, 1.0],
            // Other values have a scale of their own, of which a usual range would leave few grey levels.
            _ if lowest > 0.0 && lowest < HALF * highest => [0.0, highest],
            _ => [lowest, highest],
        };
        self.suggest("range", json!(range));
    }
}
