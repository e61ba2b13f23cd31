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

/// The values of some pixels.
#[derive(Debug)]
pub(super) struct Extent {
    lowest: f64,
    highest: f64,
    /// Whether all are whole numbers.
    is_whole: bool,
}

impl Default for Extent {
    /// That of no values.
    fn default() -> Self {
        Self {
            lowest: f64::INFINITY,
            highest: f64::NEG_INFINITY,
            is_whole: true,
        }
    }
}

impl Extent {
    pub(super) fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut extent = Self::default();
        values.for_each(|value| extent.add(value));
        extent
    }

    fn join(&mut self, other: &Self) {
        self.lowest = self.lowest.min(other.lowest);
        self.highest = self.highest.max(other.highest);
        self.is_whole &= other.is_whole;
    }

    pub(super) fn add(&mut self, value: f64) {
        self.lowest = self.lowest.min(value);
        self.highest = self.highest.max(value);
        self.is_whole &= value.fract() == 0.0;
    }
}

impl Facts {
    /// Suggests a range if that of 0 to 255 does not fit the values, and those of files before, and none is given. If they are not all
    /// there are, a thorough answer goes by them, and another only if they are of 0 to 1.
    pub(super) fn suggest_range(&mut self, given: &[f64], extent: &Extent, is_all: bool) {
        self.extent.join(extent);
        let Extent {
            lowest,
            highest,
            is_whole,
        } = self.extent;
        if !is_all && !self.is_thorough && (lowest < 0.0 || highest > 1.0) {
            return;
        }
        if !given.is_empty() || !lowest.is_finite() || !highest.is_finite() || lowest == highest {
            return;
        }
        let is_fitting = is_whole && lowest >= 0.0 && highest <= 255.0;
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

    /// Suggests the shape of images that are rows of so many values: three squares, or the nearly square rectangle in which values below
    /// one another differ least.
    pub(super) fn suggest_shape(&mut self, values: usize, pixels: impl Iterator<Item = f64>) {
        let side = (values / 3).isqrt();
        if 3 * side * side == values {
            self.suggest("shape", json!([3, side, side]));
            return;
        }
        let pixels: Vec<f64> = pixels.take(MAXIMUM_GUESSED).collect();
        let sizes = (1..=values).filter(|height| values.is_multiple_of(*height));
        let sizes = sizes.map(|height| [height, values / height]);
        let sizes = sizes.filter(|[height, width]| height.max(width) <= &(2 * height.min(width)));
        let likely = sizes.min_by(|one, other| {
            let [one, other] = [one, other].map(|[_, width]| step(&pixels, values, *width));
            one.total_cmp(&other)
        });
        if let Some(size) = likely {
            self.suggest("shape", json!(size));
        }
    }
}

/// Pixels by which a shape is guessed.
const MAXIMUM_GUESSED: usize = 1 << 18;

/// Mean difference of values below one another, of images of so many values with rows of `width`.
fn step(pixels: &[f64], values: usize, width: usize) -> f64 {
    let images = pixels.chunks_exact(values);
    let steps = images.flat_map(|image| image.iter().zip(image.iter().skip(width)));
    let (sum, count) = steps.fold((0.0, 0usize), |(sum, count), (above, below)| {
        (sum + (above - below).abs(), count + 1)
    });
    sum / count as f64
}
