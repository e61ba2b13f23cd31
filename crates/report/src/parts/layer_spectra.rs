//! Panels of layer spectra: eigenvalues on a logarithmic axis, a column for each layer.

use eigenscope_artifact::tables::layers::LayerSpectrumRow;
use eigenscope_stage::{Context, Parameter, ParameterType, TaskError};
use serde::Deserialize;

use super::series::{padded_range, whole_ticks};
use eigenscope_figure::{Axes, Axis, Dash, Layer, Line, Marker, Panel, Rgb, Tick, ticks};

/// Eigenvalues below this fraction of the largest are rounding errors.
const SMALLEST_SHARE: f64 = 1e-12;
/// Most labelled powers of ten on an axis.
const LABELLED_DECADES: usize = 6;
/// Most powers of ten on an axis with ticks in between.
const DIVIDED_DECADES: usize = 4;

/// Scale of an axis of ranks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RankAxis {
    /// Linear for weights, logarithmic for activations.
    Auto,
    /// Linear: exponential decay is a straight line.
    Linear,
    /// Logarithmic: a power law is a straight line.
    Log,
}

impl RankAxis {
    /// The parameter that chooses the scale.
    pub(crate) fn parameter() -> Parameter {
        Parameter::optional(
            "rank_axis",
            ParameterType::choice(&["auto", "linear", "log"]),
            "auto",
            "scale of the rank axes; auto: linear for weights, log for activations",
        )
    }

    /// The scale for spectra of `weights` or `activations`, which is not [`RankAxis::Auto`].
    pub(crate) fn of(self, of: &str) -> Self {
        match self {
            Self::Auto if of == "weights" => Self::Linear,
            Self::Auto => Self::Log,
            chosen => chosen,
        }
    }

    /// Name of the scale: "linear" or "logarithmic".
    pub(crate) fn in_words(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Auto | Self::Log => "logarithmic",
        }
    }

    /// An axis of the ranks 1 to `last`, or to 2 if that is larger.
    pub(crate) fn axis(self, label: &str, last: f64) -> Axis {
        let range = (1.0, last.max(2.0));
        if self == Self::Linear {
            return Axis::linear(label, range).with_major(whole_ticks(range));
        }
        // The range begins at 1, so every third tick is at a power of ten.
        let step = if range.1 <= 200.0 { 1 } else { 3 };
        let major = ticks::ones_twos_fives(range).into_iter().step_by(step);
        Axis::log(label, range).with_major(major.collect())
    }
}

/// The eigenvalues of one series of a layer that a logarithmic axis can show, by rank.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spectrum {
    ranks: Vec<f64>,
    eigenvalues: Vec<f64>,
    /// Number of eigenvalues that are not shown.
    left_out: usize,
}

impl Spectrum {
    /// Selects a series of a layer.
    ///
    /// # Errors
    /// An eigenvalue that is not finite.
    pub(crate) fn new(
        rows: &[LayerSpectrumRow],
        layer: &str,
        series: &str,
    ) -> Result<Self, TaskError> {
        let mut own: Vec<&LayerSpectrumRow> = rows
            .iter()
            .filter(|row| row.layer == layer && row.series == series)
            .collect();
        own.sort_by_key(|row| row.rank);
        if let Some(row) = own.iter().find(|row| !row.eigenvalue.is_finite()) {
            return Err(format!(
                "{layer}, {series}: the eigenvalue of rank {} is {}",
                row.rank, row.eigenvalue
            )
            .into());
        }
        let largest = own.iter().map(|row| row.eigenvalue).fold(0.0, f64::max);
        let (shown, left_out): (Vec<_>, Vec<_>) = own
            .into_iter()
            .partition(|row| row.eigenvalue > SMALLEST_SHARE * largest);
        Ok(Self {
            ranks: shown.iter().map(|row| f64::from(row.rank)).collect(),
            eigenvalues: shown.iter().map(|row| row.eigenvalue).collect(),
            left_out: left_out.len(),
        })
    }

    /// The last rank that is shown; 0 if there is none.
    pub(crate) fn last_rank(&self) -> f64 {
        self.ranks.last().copied().unwrap_or(0.0)
    }

    /// The curve; `None` without eigenvalues.
    pub(crate) fn line(&self, name: &str, colour: Rgb, dash: Dash) -> Option<Line> {
        let line = curve(self.ranks.clone(), self.eigenvalues.clone(), colour);
        (!self.ranks.is_empty()).then_some(Line {
            dash,
            ..line.named(name)
        })
    }
}

/// A line, or a dot if there is only one point.
pub(crate) fn curve(x: Vec<f64>, y: Vec<f64>, colour: Rgb) -> Line {
    let marker = (x.len() == 1).then(|| Marker::dot(3.0));
    Line {
        marker,
        ..Line::new(x, y, colour)
    }
}

/// Warns about eigenvalues that are not shown.
pub(crate) fn warn_left_out<'a>(context: &Context, spectra: impl Iterator<Item = &'a Spectrum>) {
    let (left_out, all) = spectra.fold((0, 0), |(left_out, all), spectrum| {
        let own = spectrum.left_out;
        (left_out + own, all + own + spectrum.ranks.len())
    });
    if left_out > 0 {
        context.warn(format!(
            "{left_out} of {all} eigenvalues are not on the logarithmic axes: they are zero, negative or below \
             {SMALLEST_SHARE:e} of the largest of their curve"
        ));
    }
}

/// A panel with the spectra of a layer against ranks up to `last`.
///
/// # Errors
/// A layer without curves.
pub(crate) fn panel(
    layer: &str,
    lines: Vec<Line>,
    (ranks, last): (RankAxis, f64),
) -> Result<Panel, TaskError> {
    if lines.is_empty() {
        return Err(format!("{layer} has no eigenvalue above zero").into());
    }
    let y = decades_axis("Eigenvalue", lines.iter().flat_map(|line| &line.y).copied());
    let lines = lines.into_iter().map(Layer::Line).collect();
    let axes = Axes::new(ranks.axis("Rank", last), y, lines);
    Ok(Panel::axes(layer, axes.with_aspect(0.8)))
}

/// A logarithmic axis of all values and at least two powers of ten.
pub(crate) fn decades_axis(label: &str, values: impl Iterator<Item = f64>) -> Axis {
    let (low, high) = padded_range(values.map(f64::log10));
    let range = |low: f64, high: f64| (10f64.powf(low), 10f64.powf(high));
    let range = match ticks::decades(range(low, high)).len() {
        0 | 1 => range(low.floor(), high.ceil()),
        _ => range(low, high),
    };
    let decades = ticks::decades(range);
    let minor = match decades.len() {
        0..=DIVIDED_DECADES => ticks::log_minor(range),
        _ => unlabelled(decades),
    };
    Axis::log(label, range)
        .with_major(ticks::sparse_decades(range, LABELLED_DECADES))
        .with_minor(minor)
}

fn unlabelled(ticks: Vec<Tick>) -> Vec<Tick> {
    ticks
        .into_iter()
        .map(|tick| Tick::new(tick.at, ""))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use eigenscope_figure::AxisKind;

    fn rows(eigenvalues: &[f64]) -> Vec<LayerSpectrumRow> {
        let row = |(rank, &eigenvalue): (u32, &f64)| LayerSpectrumRow {
            series: "weights".to_owned(),
            layer: "layer1".to_owned(),
            rank,
            eigenvalue,
        };
        (1..).zip(eigenvalues).map(row).collect()
    }

    fn spectrum(eigenvalues: &[f64]) -> Spectrum {
        Spectrum::new(&rows(eigenvalues), "layer1", "weights").expect("numbers")
    }

    #[test]
    fn what_has_no_logarithm_or_is_rounding_error_is_left_out_and_counted() {
        let shown = spectrum(&[2.0, 0.5, 1e-14, 0.0, -1e-15]);
        assert_eq!(shown.ranks, [1.0, 2.0]);
        assert_eq!(shown.eigenvalues, [2.0, 0.5]);
        assert_eq!(shown.left_out, 3);
        let none = spectrum(&[0.0, -1.0]);
        assert_eq!((none.last_rank(), none.left_out), (0.0, 2));
        assert!(none.line("weights", Rgb::BLACK, Dash::Solid).is_none());
        let error = Spectrum::new(&rows(&[1.0, f64::NAN]), "layer1", "weights");
        let message = error.expect_err("refused").to_string();
        assert_eq!(message, "layer1, weights: the eigenvalue of rank 2 is NaN");
    }

    #[test]
    fn rank_axes_have_round_ticks() {
        let texts = |last: f64| -> Vec<String> {
            let axis = RankAxis::Auto.of("activations").axis("Rank", last);
            axis.major.into_iter().map(|tick| tick.text).collect()
        };
        assert_eq!(texts(1.0), ["1", "2"]);
        assert_eq!(texts(25.0), ["1", "2", "5", "10", "20"]);
        assert_eq!(texts(1024.0), ["1", "10", "100", "1000"]);
        let weights = RankAxis::Auto.of("weights");
        let axis = weights.axis("Rank", 100.0);
        assert_eq!((axis.kind, axis.range), (AxisKind::Linear, (1.0, 100.0)));
        assert_eq!(RankAxis::Log.of("weights"), RankAxis::Log);
    }

    #[test]
    fn axes_of_decades_have_two_to_six_labels() {
        for values in [
            vec![1.0],
            vec![0.2, 0.3],
            vec![1e-4, 20.0],
            vec![1e-12, 1.0],
        ] {
            let axis = decades_axis("", values.iter().copied());
            assert!(
                (2..=LABELLED_DECADES).contains(&axis.major.len()),
                "{values:?}"
            );
            let inside = |value: &f64| axis.range.0 <= *value && *value <= axis.range.1;
            assert!(values.iter().all(inside), "{values:?} in {:?}", axis.range);
        }
    }
}
