//! Logarithmic axes with a floor: a line at the low end for zero and for values below the range.

use eigenscope_figure::{Axis, Tick, ticks};

/// Distance of the floor from the range, as a fraction of the length of the range.
const STRIP: f64 = 0.1;

/// Range of an axis without values above zero.
const NOTHING: (f64, f64) = (0.1, 1.0);

/// A logarithmic range with a floor for smaller values.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Floored {
    /// Range of the values above the floor.
    range: (f64, f64),
    /// Position of the floor and label of its tick.
    floor: Option<(f64, String)>,
}

impl Floored {
    /// A range with a floor, if some `values` are below the range.
    pub(crate) fn new(range: (f64, f64), values: impl IntoIterator<Item = f64>) -> Self {
        let mut smaller = values
            .into_iter()
            .filter(|value| *value < range.0)
            .peekable();
        let floor = smaller.peek().is_some().then(|| {
            let at = range.0 * (range.0 / range.1).powf(STRIP);
            let word = match smaller.all(|value| value == 0.0) {
                true => "0".to_owned(),
                false => format!("< {}", ticks::plain(range.0)),
            };
            (at, word)
        });
        Self { range, floor }
    }

    /// A range of all positive values, with a floor if there are others.
    pub(crate) fn around<V: Iterator<Item = f64>>(values: impl Fn() -> V) -> Self {
        let positive = values().filter(|value| *value > 0.0 && value.is_finite());
        Self::new(ratio_range(positive).unwrap_or(NOTHING), values())
    }

    /// Position of a value.
    pub(crate) fn place(&self, value: f64) -> f64 {
        match &self.floor {
            Some((floor, _)) if value < self.range.0 => *floor,
            _ => value,
        }
    }

    /// Position of the edge of a band, which ends at the low end of the axis.
    pub(crate) fn edge(&self, value: f64) -> f64 {
        let low = self
            .floor
            .as_ref()
            .map_or(self.range.0, |(floor, _)| *floor);
        // NaN stays NaN.
        if value < low { low } else { value }
    }

    /// Label of the floor, if there is one.
    pub(crate) fn word(&self) -> Option<&str> {
        self.floor.as_ref().map(|(_, word)| word.as_str())
    }

    /// An axis with round ticks.
    pub(crate) fn ticked_axis(&self, label: &str) -> Axis {
        let (major, minor) = log_ticks(self.range);
        self.axis(label, major, minor)
    }

    /// An axis with these ticks and one at the floor. If that is labelled "< 0.1", the tick at 0.1 has no label.
    pub(crate) fn axis(&self, label: &str, mut major: Vec<Tick>, minor: Vec<Tick>) -> Axis {
        let Some((floor, word)) = &self.floor else {
            return Axis::log(label, self.range)
                .with_major(major)
                .with_minor(minor);
        };
        if word.starts_with('<') {
            let lowest = major.iter_mut().filter(|tick| tick.at <= self.range.0);
            lowest.for_each(|tick| tick.text.clear());
        }
        let ticks = std::iter::once(Tick::new(*floor, word.clone())).chain(major);
        Axis {
            floor: Some(word.clone()),
            ..Axis::log(label, (*floor, self.range.1))
                .with_major(ticks.collect())
                .with_minor(minor)
        }
    }
}

/// Range of positive values, extended by the same ratio at both ends; `None` without values.
pub(crate) fn ratio_range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    let (low, high) = values.fold((f64::INFINITY, 0.0f64), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    let margin = (high / low).powf(0.08).max(1.05);
    (low <= high).then_some((low / margin, high * margin))
}

/// Labelled and unlabelled ticks of a logarithmic axis, whose range may be short.
fn log_ticks(range: (f64, f64)) -> (Vec<Tick>, Vec<Tick>) {
    let divided = ticks::ones_twos_fives(range);
    match divided.len() {
        0..=2 => {
            let major = ticks::linear(range, 4);
            let mut minor = ticks::log_minor(range);
            minor.retain(|tick| !major.iter().any(|other| same(tick.at, other.at)));
            (major, minor)
        }
        3..=8 => (divided, ticks::log_minor(range)),
        _ => (ticks::sparse_decades(range, 8), ticks::log_minor(range)),
    }
}

/// Whether two positions differ by rounding only.
fn same(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-9 * other.abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_small_stands_on_the_lowest_line() {
        let none = Floored::new((1.0, 100.0), [1.0, 50.0]);
        assert_eq!((none.word(), none.place(0.5)), (None, 0.5));
        assert_eq!(none.axis("", vec![], vec![]).range, (1.0, 100.0));

        let zero = Floored::new((1.0, 100.0), [0.0, 50.0]);
        assert_eq!(zero.word(), Some("0"));
        let axis = zero.axis("", ticks::at(&[1.0], ticks::plain), vec![]);
        assert_eq!(axis.range.0, zero.place(0.0));
        let texts: Vec<&str> = axis.major.iter().map(|tick| tick.text.as_str()).collect();
        assert_eq!(texts, ["0", "1"]);
        assert!(zero.place(0.0) < 1.0 && zero.place(2.0) == 2.0);

        let negative = Floored::new((0.1, 100.0), [0.0, -3.0, 50.0]);
        assert_eq!(negative.word(), Some("< 0.1"));
        let axis = negative.axis("", ticks::at(&[0.1, 1.0], ticks::plain), vec![]);
        let texts: Vec<&str> = axis.major.iter().map(|tick| tick.text.as_str()).collect();
        assert_eq!(texts, ["< 0.1", "", "1"]);
        assert_eq!(negative.place(-3.0), negative.place(0.05));
        assert!(negative.place(f64::NAN).is_nan() && negative.edge(f64::NAN).is_nan());
        assert_eq!(negative.edge(-3.0), negative.place(-3.0));
        assert_eq!([none.edge(-1.0), none.edge(2.0)], [1.0, 2.0]);
    }

    #[test]
    fn a_short_axis_has_ticks_between_the_labelled_ones() {
        let (major, minor) = log_ticks((3.0, 9.5));
        let at = |ticks: &[Tick]| -> Vec<f64> { ticks.iter().map(|tick| tick.at).collect() };
        assert_eq!(
            (at(&major), at(&minor)),
            (vec![4.0, 6.0, 8.0], vec![3.0, 5.0, 7.0, 9.0])
        );
    }

    #[test]
    fn ranges_of_ratios_hold_their_values() {
        let (low, high) = ratio_range([2.0, 8.0].into_iter()).expect("a range");
        assert!(low < 2.0 && high > 8.0 && (low * high - 16.0).abs() < 1e-9);
        assert_eq!(ratio_range(std::iter::empty()), None);
    }
}
