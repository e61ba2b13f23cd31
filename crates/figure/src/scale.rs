//! Conversion of data units to px along an axis.

use crate::axis::{Axis, AxisKind};

/// Largest distance from the origin, px: far outside any plot, and exact in the single precision of the renderer.
const FAR: f64 = 1e6;

/// Maps the range `a` to `b` of an axis to px, `start` to `end`.
///
/// A value v is at `start + f * (end - start)`, with f = (v - a) / (b - a) on a linear and ln(v / a) / ln(b / a) on a
/// logarithmic axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct AxisScale {
    kind: AxisKind,
    range: (f64, f64),
    start: f64,
    end: f64,
}

impl AxisScale {
    /// The scale of a valid axis.
    pub(crate) fn new(axis: &Axis, start: f64, end: f64) -> Self {
        Self {
            kind: axis.kind,
            range: axis.range,
            start,
            end,
        }
    }

    /// Position of a value, px. Values of zero or less on a logarithmic axis are far beyond the low end.
    pub(crate) fn px(&self, value: f64) -> f64 {
        let (start, end) = (self.start, self.end);
        (start + self.fraction(value) * (end - start)).clamp(-FAR, FAR)
    }

    /// The value at a position, px.
    pub(crate) fn value(&self, px: f64) -> f64 {
        let fraction = (px - self.start) / (self.end - self.start);
        let (from, to) = self.range;
        match self.kind {
            AxisKind::Linear => from + fraction * (to - from),
            AxisKind::Log => from * (to / from).powf(fraction),
        }
    }

    /// Position of a value as a fraction of the range: 0 at its beginning, 1 at its end.
    pub(crate) fn fraction(&self, value: f64) -> f64 {
        let (from, to) = self.range;
        match self.kind {
            AxisKind::Linear => (value - from) / (to - from),
            AxisKind::Log if value > 0.0 => (value / from).ln() / (to / from).ln(),
            AxisKind::Log if from < to => -FAR,
            AxisKind::Log => FAR,
        }
    }

    /// Returns true if a value is within the range, ends included.
    pub(crate) fn contains(&self, value: f64) -> bool {
        let (from, to) = self.range;
        from.min(to) <= value && value <= from.max(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_scale_maps_exact_values() {
        let scale = AxisScale::new(&Axis::linear("", (-1.0, 3.0)), 100.0, 300.0);
        assert_eq!(scale.px(-1.0), 100.0);
        assert_eq!(scale.px(0.0), 150.0);
        assert_eq!(scale.px(3.0), 300.0);
        assert_eq!(scale.px(5.0), 400.0);
        assert_eq!(scale.value(150.0), 0.0);
    }

    #[test]
    fn reversed_scale_runs_backwards() {
        let scale = AxisScale::new(&Axis::linear("", (0.0, 4.0)).reversed(), 0.0, 100.0);
        assert_eq!(scale.px(4.0), 0.0);
        assert_eq!(scale.px(1.0), 75.0);
        assert!(scale.contains(4.0) && !scale.contains(4.1));
    }

    #[test]
    fn log_scale_maps_ratios() {
        let scale = AxisScale::new(&Axis::log("", (0.1, 100.0)), 300.0, 0.0);
        assert!((scale.px(0.1) - 300.0).abs() < 1e-9);
        assert!((scale.px(1.0) - 200.0).abs() < 1e-9);
        assert!((scale.value(200.0) - 1.0).abs() < 1e-9);
        assert!((scale.px(10.0) - 100.0).abs() < 1e-9);
        assert!((scale.px(5.0) - (300.0 - 100.0 * (1.0 + 5f64.log10()))).abs() < 1e-9);
    }

    #[test]
    fn nothing_positive_lies_far_below_a_log_axis() {
        let up = AxisScale::new(&Axis::log("", (1.0, 10.0)), 100.0, 0.0);
        assert_eq!(up.px(0.0), FAR);
        let down = AxisScale::new(&Axis::log("", (10.0, 1.0)), 100.0, 0.0);
        assert_eq!(down.px(-1.0), -FAR);
    }
}
