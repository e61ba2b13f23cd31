//! Curves of one table: bands, and axis ranges that fit.

use std::collections::BTreeMap;

use super::floor::Floored;
use crate::figure::{Band, ColourMap, Layer, Line, Rgb, Tick, ticks};

/// One colour a size, from dark (small) to light (large).
pub(super) fn size_colours(sizes: impl ExactSizeIterator<Item = u32>) -> BTreeMap<u32, Rgb> {
    let colours = ColourMap::Viridis.series(sizes.len());
    sizes.zip(colours).collect()
}

/// A curve with an optional band.
pub(super) struct Curve {
    pub(super) name: String,
    pub(super) colour: Rgb,
    pub(super) x: Vec<f64>,
    pub(super) y: Vec<f64>,
    /// Half-widths of the band; `None` where there is none.
    pub(super) half_width: Vec<Option<f64>>,
}

impl Curve {
    /// Band below, line above. Without any half-width there is only a line.
    pub(super) fn layers(self) -> Vec<Layer> {
        self.layers_with(|value| value, |edge| edge)
    }

    /// The same, on an axis with a lowest line. The band is that of the values themselves, cut off there.
    pub(super) fn layers_on(self, axis: &Floored) -> Vec<Layer> {
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

/// Smallest and largest finite value, widened by a twentieth; a range of width 1 around a single value.
pub(super) fn padded_range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
    if low > high {
        return (0.0, 1.0);
    }
    let margin = if high > low { (high - low) / 20.0 } else { 0.5 };
    (low - margin, high + margin)
}

/// Ticks at 1 and at round whole numbers of a linear axis of ranks.
pub(super) fn rank_ticks(range: (f64, f64)) -> Vec<Tick> {
    let round = ticks::linear(range, 5);
    let whole = round
        .into_iter()
        .map(|tick| tick.at)
        .filter(|at| *at >= 2.0 && at.fract() == 0.0);
    let ranks: Vec<f64> = std::iter::once(1.0).chain(whole).collect();
    ticks::at(&ranks, ticks::plain)
}

/// Smallest and largest percentage, widened by a twentieth but not beyond what a percentage can be.
pub(super) fn percentage_range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = padded_range(values);
    (low.max(0.0), high.min(100.0))
}

/// A list for a sentence: "30, 50 and 100".
pub(super) fn enumerate(items: impl Iterator<Item = impl ToString>) -> String {
    let items: Vec<String> = items.map(|item| item.to_string()).collect();
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
    }

    #[test]
    fn percentages_stay_percentages() {
        assert_eq!(percentage_range([0.0, 20.0].into_iter()), (0.0, 21.0));
        assert_eq!(percentage_range([100.0].into_iter()), (99.5, 100.0));
    }

    #[test]
    fn ranks_are_ticked_at_one_and_at_whole_numbers() {
        let texts = |last: f64| -> Vec<String> {
            let ticks = rank_ticks((0.5, last + 0.5));
            ticks.into_iter().map(|tick| tick.text).collect()
        };
        assert_eq!(texts(1.0), ["1"]);
        assert_eq!(texts(2.0), ["1", "2"]);
        assert_eq!(texts(50.0), ["1", "10", "20", "30", "40", "50"]);
    }

    #[test]
    fn sizes_are_enumerated_in_words() {
        assert_eq!(enumerate([30, 50, 100].into_iter()), "30, 50 and 100");
        assert_eq!(enumerate([30].into_iter()), "30");
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
        assert_eq!(curve(vec![None, None]).layers().len(), 1);
        assert_eq!(curve(vec![Some(0.1), None]).layers().len(), 2);
    }
}
