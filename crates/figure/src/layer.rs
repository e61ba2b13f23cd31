//! What is drawn inside a plot: lines, bands, points, images and texts, in the order given.
//!
//! A layer with a `name` gets a legend entry; layers that share a name share the entry, each giving its own part
//! (line, band, marker). Texts are [markup](super::markup). What falls outside the axes' ranges is cut off.

use crate::colour::{ColourScale, Rgb};
use crate::matrix::Matrix;

/// One thing drawn in a plot.
#[derive(Clone, Debug, PartialEq)]
pub enum Layer {
    /// A line through points.
    Line(Line),
    /// A filled area between two curves.
    Band(Band),
    /// Markers.
    Points(Points),
    /// A matrix in colours.
    Image(Image),
    /// Words at data points.
    Texts(Texts),
}

impl Layer {
    /// Of the layer's legend entry, if there is one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Line(line) => line.name.as_deref(),
            Self::Band(band) => band.name.as_deref(),
            Self::Points(points) => points.name.as_deref(),
            Self::Image(_) | Self::Texts(_) => None,
        }
    }
}

/// The pattern of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Dash {
    /// Uninterrupted.
    #[default]
    Solid,
    /// Long pieces.
    Dashed,
    /// Short pieces.
    Dotted,
}

/// The outline of a marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkerShape {
    /// Round.
    Circle,
    /// Standing on its side.
    Square,
    /// Standing on its corner.
    Diamond,
    /// Pointing up.
    Triangle,
}

/// A mark at a data point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Marker {
    /// The outline.
    pub shape: MarkerShape,
    /// Half of the marker's width, px.
    pub radius: f64,
    /// Whether a thin white rim sets the marker off from what lies below.
    pub rim: bool,
}

impl Marker {
    /// A rimmed marker of 3.5 px radius.
    pub fn new(shape: MarkerShape) -> Self {
        Self {
            shape,
            radius: 3.5,
            rim: true,
        }
    }

    /// A bare dot, for clouds of points.
    pub fn dot(radius: f64) -> Self {
        Self {
            shape: MarkerShape::Circle,
            radius,
            rim: false,
        }
    }
}

/// A line through `(x[i], y[i])`, in the order given.
///
/// NaN in `y` is a declared gap: the line is interrupted there. Everything else that is not finite is refused, and so
/// is zero or less on a logarithmic axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Data units along x.
    pub x: Vec<f64>,
    /// Data units along y, as many as `x`.
    pub y: Vec<f64>,
    /// Of the layer and its legend handle.
    pub colour: Rgb,
    /// Stroke width, px.
    pub width: f64,
    /// The line's pattern.
    pub dash: Dash,
    /// A marker at every point of the line.
    pub marker: Option<Marker>,
    /// Of the legend entry, if there is to be one.
    pub name: Option<String>,
}

impl Line {
    /// A solid, unnamed line 1.8 px wide.
    pub fn new(x: Vec<f64>, y: Vec<f64>, colour: Rgb) -> Self {
        Self {
            x,
            y,
            colour,
            width: 1.8,
            dash: Dash::Solid,
            marker: None,
            name: None,
        }
    }

    /// The same line with a legend entry.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

/// The area between `lower` and `upper`, filled without a border.
///
/// NaN in either is a declared gap. On a logarithmic y axis an edge at or below zero lies infinitely far down, so the
/// area reaches the low end of the plot.
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    /// Data units along x.
    pub x: Vec<f64>,
    /// Data units along y, as many as `x`.
    pub lower: Vec<f64>,
    /// Data units along y, as many as `x`.
    pub upper: Vec<f64>,
    /// Of the layer and its legend handle.
    pub colour: Rgb,
    /// From 0 (invisible) to 1.
    pub opacity: f64,
    /// Of the legend entry, if there is to be one.
    pub name: Option<String>,
}

impl Band {
    /// An unnamed band of opacity 0.16.
    pub fn new(x: Vec<f64>, lower: Vec<f64>, upper: Vec<f64>, colour: Rgb) -> Self {
        Self {
            x,
            lower,
            upper,
            colour,
            opacity: 0.16,
            name: None,
        }
    }
}

/// Markers at `(x[i], y[i])`. Missing values are refused: leave such points out.
///
/// A point whose centre lies outside the axes is not drawn. A named layer without points stands in the legend alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Points {
    /// Data units along x.
    pub x: Vec<f64>,
    /// Data units along y, as many as `x`.
    pub y: Vec<f64>,
    /// Of the layer and its legend handle.
    pub colour: Rgb,
    /// What stands at each point.
    pub marker: Marker,
    /// From 0 (invisible) to 1; overlapping points of one layer do not add up.
    pub opacity: f64,
    /// Of the legend entry, if there is to be one.
    pub name: Option<String>,
}

impl Points {
    /// Unnamed, opaque points.
    pub fn new(x: Vec<f64>, y: Vec<f64>, colour: Rgb, marker: Marker) -> Self {
        Self {
            x,
            y,
            colour,
            marker,
            opacity: 1.0,
            name: None,
        }
    }

    /// The same points with a legend entry.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
}

/// A matrix as coloured cells with sharp edges, on linear axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// The cells, top row first.
    pub values: Matrix,
    /// Of the cells.
    pub colours: ColourScale,
    /// Data units at the left edge of the first column and the right edge of the last.
    pub x: (f64, f64),
    /// Data units at the outer edge of the first row and the outer edge of the last.
    pub y: (f64, f64),
    /// One text a cell, row by row, empty for none; black or white, whichever reads better.
    pub cell_texts: Option<Vec<String>>,
}

impl Image {
    /// One data unit a cell: columns on 0 to their number, rows likewise.
    pub fn new(values: Matrix, colours: ColourScale) -> Self {
        let (x, y) = ((0.0, values.columns() as f64), (0.0, values.rows() as f64));
        Self {
            values,
            colours,
            x,
            y,
            cell_texts: None,
        }
    }
}

/// Texts with their middles at `(x[i], y[i])`, set off by white rims. Missing values are refused. A text that would reach
/// beyond the plot is shortened, and one without any room there is not drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Texts {
    /// Data units along x.
    pub x: Vec<f64>,
    /// Data units along y, as many as `x`.
    pub y: Vec<f64>,
    /// As many as `x`; empty for none.
    pub texts: Vec<String>,
    /// Of the letters.
    pub colour: Rgb,
}

impl Texts {
    /// One text.
    pub fn one((x, y): (f64, f64), text: impl Into<String>, colour: Rgb) -> Self {
        Self {
            x: vec![x],
            y: vec![y],
            texts: vec![text.into()],
            colour,
        }
    }
}
