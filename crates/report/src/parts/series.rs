//! Curves with bands, ranges of axes, and lists in sentences.

use super::floor::Floored;
use eigenscope_figure::{Band, INK, Layer, Line, Rgb, Tick, ticks};

/// A curve with an optional band.
pub(crate) struct Curve {
    pub(crate) name: String,
    pub(crate) colour: Rgb,
    pub(crate) x: Vec<f64>,
    pub(crate) y: Vec<f64>,
    /// Half-widths of the band; `None` interrupts it.
    pub(crate) half_width: Vec<Option<f64>>,
}

impl Curve {
    /// A band, if there is a half-width, and a line.
    pub(crate) fn layers(self) -> Vec<Layer> {
        self.layers_with(|value| value, |edge| edge)
    }

    /// The same on an axis with a floor. The band is that of the original values, cut off at the floor.
    pub(crate) fn layers_on(self, axis: &Floored) -> Vec<Layer> {
        self.layers_with(|value| axis.place(value), |edge| axis.edge(edge))
    }

    fn layers_with(
        self,
        place: impl Fn(f64) -> f64,
        edge_place: impl Fn(f64) -> f64,
    ) -> Vec<Layer> {
        let mut layers = Vec::new();
        if self.half_width.iter().any(Option::is_some) {
            let edge = |sign: f64| {
                self.y
                    .iter()
                    .zip(&self.half_width)
                    .map(|(y, half)| half.map_or(f64::NAN, |half| edge_place(y + sign * half)))
                    .collect()
            };
            layers.push(Layer::Band(Band::new(
                self.x.clone(),
                edge(-1.0),
                edge(1.0),
                self.colour,
            )));
        }
        let y = self.y.into_iter().map(place).collect();
        layers.push(Layer::Line(
            Line::new(self.x, y, self.colour).named(self.name),
        ));
        layers
    }
}

/// An entry of the legend that says what bands are; none without a band.
pub(crate) fn interval_entry(layers: &[Layer], name: &str) -> Option<Layer> {
    let has_band = layers.iter().any(|layer| matches!(layer, Layer::Band(_)));
    has_band.then(|| {
        let none = Band::new(vec![], vec![], vec![], INK);
        Layer::Band(Band {
            name: Some(name.to_owned()),
            ..none
        })
    })
}

/// Values that differ by less than this fraction of the largest are equal except for rounding.
const SMALLEST_EXTENT: f64 = 1e-6;

/// Range of the finite values, extended by a twentieth at both ends; a range of width 1 around values that differ by less
/// than a millionth.
pub(crate) fn padded_range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
    if low > high {
        return (0.0, 1.0);
    }
    let margin = match high - low > SMALLEST_EXTENT * low.abs().max(high.abs()) {
        true => (high - low) / 20.0,
        false => 0.5,
    };
    (low - margin, high + margin)
}

/// Ticks at the first whole number in a range and at round whole numbers above it.
pub(crate) fn whole_ticks(range: (f64, f64)) -> Vec<Tick> {
    let first = range.0.ceil();
    let round = ticks::linear(range, 5);
    let whole = round
        .into_iter()
        .map(|tick| tick.at)
        .filter(|at| *at > first && at.fract() == 0.0);
    let ranks: Vec<f64> = std::iter::once(first).chain(whole).collect();
    ticks::at(&ranks, ticks::plain)
}

/// Range of percentages, extended by a twentieth but not beyond 0 and 100.
pub(crate) fn percentage_range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = padded_range(values);
    (low.max(0.0), high.min(100.0))
}

/// A fraction in per cent: "97.7 %".
pub(crate) fn percent(fraction: f64, decimals: usize) -> String {
    format!("{} %", ticks::decimal(100.0 * fraction, decimals))
}

/// The smallest and the largest of the values that are numbers, in words: "0.2 to 0.9", or "0.2" if they are written alike. `None` without
/// one.
pub(crate) fn span(
    values: impl Iterator<Item = f64>,
    write: impl Fn(f64) -> String,
) -> Option<String> {
    let (low, high) = values
        .filter(|value| !value.is_nan())
        .map(|value| (value, value))
        .reduce(|(low, high), (value, _)| (low.min(value), high.max(value)))?;
    let (low, high) = (write(low), write(high));
    Some(match low == high {
        true => low,
        false => format!("{low} to {high}"),
    })
}

/// Most items of a list in a sentence.
const MOST_ITEMS: usize = 20;

/// A list in a sentence: "30, 50 and 100". A long list is cut and ends with the number of further items.
pub(crate) fn enumerate(items: impl Iterator<Item = impl ToString>) -> String {
    let mut items: Vec<String> = items.map(|item| item.to_string()).collect();
    if items.len() > MOST_ITEMS {
        let more = items.split_off(MOST_ITEMS - 1).len();
        items.push(format!("{more} more"));
    }
    match items.as_slice() {
        [] => "none".to_owned(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_padded_and_never_empty() {
        assert_eq!(padded_range([0.0, 20.0].into_iter()), (-1.0, 21.0));
        assert_eq!(padded_range([3.0].into_iter()), (2.5, 3.5));
        assert_eq!(padded_range([f64::NAN].into_iter()), (0.0, 1.0));
        // Equal but for rounding, and as small as that.
        assert_eq!(padded_range([3.0, 3.0 + 1e-15].into_iter()).1.round(), 4.0);
        let (low, high) = padded_range([0.0, 1e-19].into_iter());
        assert!(low < 0.0 && high > 1e-19 && high < 1.1e-19);
    }

    #[test]
    fn percentages_stay_percentages() {
        assert_eq!(percentage_range([0.0, 20.0].into_iter()), (0.0, 21.0));
        assert_eq!(percentage_range([100.0].into_iter()), (99.5, 100.0));
    }

    #[test]
    fn whole_numbers_are_ticked() {
        let texts = |last: f64| -> Vec<String> {
            let ticks = whole_ticks((0.5, last + 0.5));
            ticks.into_iter().map(|tick| tick.text).collect()
        };
        assert_eq!(texts(1.0), ["1"]);
        assert_eq!(texts(2.0), ["1", "2"]);
        assert_eq!(texts(50.0), ["1", "10", "20", "30", "40", "50"]);
        assert_eq!(whole_ticks((0.0, 3.0)).len(), 4);
        assert_eq!(whole_ticks((1.0, 2.0)).len(), 2);
    }

    #[test]
    fn spans_name_both_ends() {
        let whole = |value: f64| format!("{value:.0}");
        let of = |values: &[f64]| span(values.iter().copied(), whole);
        assert_eq!(of(&[3.0, f64::NAN, 1.0]).as_deref(), Some("1 to 3"));
        assert_eq!(of(&[1.1, 0.9]).as_deref(), Some("1"));
        assert_eq!(of(&[f64::NAN]), None);
    }

    #[test]
    fn fractions_are_written_in_per_cent() {
        assert_eq!(percent(0.97654, 1), "97.7 %");
        assert_eq!(percent(-0.5, 0), "−50 %");
    }

    #[test]
    fn sizes_are_enumerated_in_words() {
        assert_eq!(enumerate([30, 50, 100].into_iter()), "30, 50 and 100");
        assert_eq!(enumerate([30].into_iter()), "30");
        assert!(enumerate(1..=20).ends_with("18, 19 and 20"));
        assert!(enumerate(1..=1000).ends_with("18, 19 and 981 more"));
        assert_eq!(enumerate(std::iter::empty::<u32>()), "none");
    }

    #[test]
    fn a_curve_without_intervals_has_no_band() {
        let curve = |half_width| Curve {
            name: "30".to_owned(),
            colour: Rgb::categorical(0),
            x: vec![0.0, 1.0],
            y: vec![1.0, 2.0],
            half_width,
        };
        let bare = curve(vec![None, None]).layers();
        assert_eq!(bare.len(), 1);
        assert_eq!(interval_entry(&bare, "90 % interval"), None);
        let layers = curve(vec![Some(0.1), None]).layers();
        assert_eq!(layers.len(), 2);
        let entry = interval_entry(&layers, "90 % interval").expect("an entry");
        assert_eq!(entry.name(), Some("90 % interval"));
    }
}
