//! Axes of plots and their ticks.

use crate::ticks;

/// Scale of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AxisKind {
    /// Equal differences have equal lengths.
    Linear,
    /// Equal ratios have equal lengths. Range and data must be positive.
    Log,
}

/// A mark on an axis or a colour bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// Position in data units.
    pub at: f64,
    /// Label; empty for none.
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

/// An axis. Positions are in data units.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// The measured quantity with its unit; empty for none.
    pub label: String,
    /// Scale.
    pub kind: AxisKind,
    /// Values at the left (bottom) and right (top) end. If the first is larger, the axis runs backwards.
    pub range: (f64, f64),
    /// Ticks with labels and, if `grid` is set, grid lines; all within `range`.
    pub major: Vec<Tick>,
    /// Short ticks in between. Their labels are smaller; a label without room is left out.
    pub minor: Vec<Tick>,
    /// Draws light lines across the plot at the major ticks.
    pub grid: bool,
    /// Name of the values at the low end if they stand for all values that cannot be placed, such as zero on a logarithmic
    /// axis. The line of a y axis is broken above it.
    pub floor: Option<String>,
    /// Draws the axis line and the tick marks. Tick labels are always drawn.
    pub line: bool,
}

impl Axis {
    /// A linear axis with about five round ticks.
    pub fn linear(label: impl Into<String>, range: (f64, f64)) -> Self {
        Self::new(label, AxisKind::Linear, range, ticks::linear(range, 5))
    }

    /// A logarithmic axis with ticks at the powers of ten and minor ticks at 2 to 9 times each.
    pub fn log(label: impl Into<String>, range: (f64, f64)) -> Self {
        Self {
            minor: ticks::log_minor(range),
            ..Self::new(label, AxisKind::Log, range, ticks::decades(range))
        }
    }

    /// An axis without grid and line whose name `i` covers `i` to `i + 1`, with a tick in the middle.
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
