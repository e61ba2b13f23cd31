//! Limits of colour scales of signed values.

/// Ratio of the largest to the usual magnitude from which outliers dominate.
const DOMINATES: f64 = 1.5;
/// Share of the magnitudes that are usual.
const USUAL: f64 = 0.99;

/// The largest magnitude of a colour scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Extent {
    pub(crate) limit: f64,
    /// States that some values lie beyond.
    pub(crate) is_cut: bool,
}

impl Extent {
    /// The largest magnitude, or the 99th percentile if the largest is much larger.
    pub(crate) fn of(values: impl Iterator<Item = f32>) -> Self {
        let mut magnitudes: Vec<f64> = values.map(|value| f64::from(value.abs())).collect();
        magnitudes.sort_by(f64::total_cmp);
        let largest = magnitudes.last().copied().unwrap_or(0.0);
        let place = (USUAL * magnitudes.len() as f64).ceil() as usize;
        let usual = place.checked_sub(1).and_then(|place| magnitudes.get(place));
        match usual {
            Some(usual) if *usual > 0.0 && largest > DOMINATES * usual => Self {
                limit: *usual,
                is_cut: true,
            },
            _ => Self {
                limit: largest,
                is_cut: false,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outliers_do_not_pale_the_others() {
        let even: Vec<f32> = (1..=200).map(|value| value as f32).collect();
        let extent = Extent::of(even.iter().copied());
        assert_eq!((extent.limit, extent.is_cut), (200.0, false));
        let with_outliers = even.iter().copied().map(|value| match value {
            199.0 => -900.0,
            200.0 => 1000.0,
            other => other,
        });
        let extent = Extent::of(with_outliers);
        assert_eq!((extent.limit, extent.is_cut), (198.0, true));
        let empty = Extent::of(std::iter::empty());
        assert_eq!((empty.limit, empty.is_cut), (0.0, false));
        assert!(!Extent::of([0.0, 0.0, 1.0].into_iter()).is_cut);
    }
}
