//! One axis of a plot: its range, its scale, and the exact ticks on it.

use crate::ticks;

/// How data are spread along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AxisKind {
    /// Equal differences are equal lengths.
    Linear,
    /// Equal ratios are equal lengths; range and data have to be positive.
    Log,
}

/// A mark on an axis or a colour bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// Where, in data units.
    pub at: f64,
    /// The label, in [markup](super::markup); empty for a mark without one.
    pub text: String,
}

impl Tick {
    /// A tick at `at` labelled `text`.
    pub fn new(at: f64, text: impl Into<String>) -> Self {
        Self {
            at,
            text: text.into(),
        }
    }
}

/// An axis. Positions are data units; `label` is [markup](super::markup) and should carry the unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What is measured, with its unit; empty for none.
    pub label: String,
    /// Linear or logarithmic.
    pub kind: AxisKind,
    /// Values at the left (bottom) and right (top) end. The first may be the larger: the axis then runs backwards.
    pub range: (f64, f64),
    /// Ticks with labels and, if `grid`, grid lines. All have to lie within `range`.
    pub major: Vec<Tick>,
    /// Short ticks in between. Their labels are smaller, and one that has no room beside the others is left out.
    pub minor: Vec<Tick>,
    /// Whether light lines cross the plot at the major ticks.
    pub grid: bool,
    /// What values at the low end are called where these stand for all that have no place above, such as zero on a
    /// logarithmic axis.
    pub floor: Option<String>,
    /// Whether the axis line and the tick marks are drawn (the tick labels always are).
    pub line: bool,
}

impl Axis {
    /// A linear axis with about five round ticks.
    pub fn linear(label: impl Into<String>, range: (f64, f64)) -> Self {
        Self::new(label, AxisKind::Linear, range, ticks::linear(range, 5))
    }

    /// A logarithmic axis ticked at the powers of ten, with minor ticks at 2 to 9 times each.
    pub fn log(label: impl Into<String>, range: (f64, f64)) -> Self {
        Self {
            minor: ticks::log_minor(range),
            ..Self::new(label, AxisKind::Log, range, ticks::decades(range))
        }
    }

    /// One unit of length for each name, ticked in its middle: name `i` covers `i` to `i + 1`. No grid, no line.
    pub fn categories<S: Into<String>>(
        label: impl Into<String>,
        names: impl IntoIterator<Item = S>,
    ) -> Self {
        let major: Vec<Tick> = names
            .into_iter()
            .enumerate()
            .map(|(index, name)| Tick::new(index as f64 + 0.5, name))
            .collect();
        let range = (0.0, major.len() as f64);
        Self {
            grid: false,
            line: false,
            ..Self::new(label, AxisKind::Linear, range, major)
        }
    }

    /// A linear axis that is not drawn.
    pub fn bare(range: (f64, f64)) -> Self {
        Self {
            grid: false,
            line: false,
            ..Self::new("", AxisKind::Linear, range, Vec::new())
        }
    }

    fn new(label: impl Into<String>, kind: AxisKind, range: (f64, f64), major: Vec<Tick>) -> Self {
        Self {
            label: label.into(),
            kind,
            range,
            major,
            minor: Vec::new(),
            grid: true,
            floor: None,
            line: true,
        }
    }

    /// The same axis running the other way.
    #[must_use]
    pub fn reversed(mut self) -> Self {
        self.range = (self.range.1, self.range.0);
        self
    }

    /// The same axis with exactly these major ticks.
    #[must_use]
    pub fn with_major(mut self, major: Vec<Tick>) -> Self {
        self.major = major;
        self
    }

    /// The same axis with exactly these minor ticks.
    #[must_use]
    pub fn with_minor(mut self, minor: Vec<Tick>) -> Self {
        self.minor = minor;
        self
    }
}
