//! Layers of a plot: lines, bands, points, images and texts.
//!
//! A layer with a `name` has a legend entry. Layers of the same name share an entry, to which each adds its part (line, band,
//! marker). Layers are clipped to the ranges of the axes.

use crate::colour::{ColourScale, Rgb};
use crate::matrix::Matrix;

/// A layer of a plot.
#[derive(Clone, Debug, PartialEq)]
pub enum Layer {
    /// A line through points.
    Line(Line),
    /// A filled area between two curves.
    Band(Band),
    /// Markers at data points.
    Points(Points),
    /// A heat map.
    Image(Image),
    /// Texts at data points.
    Texts(Texts),
}

impl Layer {
    /// Name of the layer's legend entry, if it has one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Line(line) => line.name.as_deref(),
            Self::Band(band) => band.name.as_deref(),
            Self::Points(points) => points.name.as_deref(),
            Self::Image(_) | Self::Texts(_) => None,
        }
    }
}

/// Dash pattern of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Dash {
    /// An uninterrupted line.
    #[default]
    Solid,
    /// Long dashes.
    Dashed,
    /// Short dashes.
    Dotted,
}

/// Shape of a marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkerShape {
    /// A circle.
    Circle,
    /// A square with horizontal sides.
    Square,
    /// A square that stands on a corner.
    Diamond,
    /// A triangle that points up.
    Triangle,
}

/// A marker at a data point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Marker {
    /// Shape.
    pub shape: MarkerShape,
    /// Half of the width, px.
    pub radius: f64,
    /// Draws a thin white rim around the marker.
    pub rim: bool,
}

impl Marker {
    /// A marker with a rim and a radius of 3.5 px.
    pub fn new(shape: MarkerShape) -> Self {
        Self {
            shape,
            radius: 3.5,
            rim: true,
        }
    }

    /// A circle without a rim, for clouds of points.
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
/// NaN in `y` interrupts the line. Other values that are not finite are refused, and so are values of zero or less on a
/// logarithmic axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Positions along x.
    pub x: Vec<f64>,
    /// Positions along y, as many as `x`.
    pub y: Vec<f64>,
    /// Colour of the layer and of its legend entry.
    pub colour: Rgb,
    /// Width of the stroke, px.
    pub width: f64,
    /// Dash pattern.
    pub dash: Dash,
    /// Marker at every point, if any.
    pub marker: Option<Marker>,
    /// Name of the legend entry, if there is to be one.
    pub name: Option<String>,
}

impl Line {
    /// A solid line without a name, 1.8 px wide.
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

    /// The marker as it is drawn: without a rim where markers are so many that rims would cover them.
    pub(crate) fn drawn_marker(&self) -> Option<Marker> {
        self.marker.map(|marker| Marker {
            rim: marker.rim && self.x.len() <= MOST_RIMS,
            ..marker
        })
    }
}

/// Largest number of markers of one line that have rims.
const MOST_RIMS: usize = 100;

/// The area between `lower` and `upper`, filled without a border.
///
/// NaN in either interrupts the band. On a logarithmic y axis, a band with an edge at or below zero reaches the low end of
/// the plot. A layer with a name and no points is only an entry of the legend.
#[derive(Clone, Debug, PartialEq)]
pub struct Band {
    /// Positions along x.
    pub x: Vec<f64>,
    /// Lower edge, as many values as `x`.
    pub lower: Vec<f64>,
    /// Upper edge, as many values as `x`.
    pub upper: Vec<f64>,
    /// Colour of the layer and of its legend entry.
    pub colour: Rgb,
    /// Opacity from 0 to 1.
    pub opacity: f64,
    /// Name of the legend entry, if there is to be one.
    pub name: Option<String>,
}

impl Band {
    /// A band of opacity 0.16 without a name.
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

/// Markers at `(x[i], y[i])`. Missing values are refused.
///
/// A point with its centre outside the axes is not drawn. A layer with a name and no points is only an entry of the legend.
#[derive(Clone, Debug, PartialEq)]
pub struct Points {
    /// Positions along x.
    pub x: Vec<f64>,
    /// Positions along y, as many as `x`.
    pub y: Vec<f64>,
    /// Colour of the layer and of its legend entry.
    pub colour: Rgb,
    /// Marker at each point.
    pub marker: Marker,
    /// Opacity from 0 to 1. Overlapping points of one layer do not add up.
    pub opacity: f64,
    /// Name of the legend entry, if there is to be one.
    pub name: Option<String>,
}

impl Points {
    /// Opaque points without a name.
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

/// A matrix as coloured cells, on linear axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// Values of the cells.
    pub values: Matrix,
    /// Colour scale.
    pub colours: ColourScale,
    /// Positions of the outer edges of the first and the last column.
    pub x: (f64, f64),
    /// Positions of the outer edges of the first and the last row.
    pub y: (f64, f64),
    /// Text of each cell, row by row, in black or white; left out if the cells are too small.
    pub cell_texts: Option<Vec<String>>,
}

impl Image {
    /// Cells of one data unit: columns from 0 to their number, rows likewise.
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

/// Texts with white rims, centred at `(x[i], y[i])`. Missing values are refused. A text that would reach beyond the plot is
/// shortened; a text without any room is not drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Texts {
    /// Positions along x.
    pub x: Vec<f64>,
    /// Positions along y, as many as `x`.
    pub y: Vec<f64>,
    /// Texts, as many as `x`.
    pub texts: Vec<String>,
    /// Colour of the letters.
    pub colour: Rgb,
    /// Moves the texts beside what they name: near it, clear of the markers of points and of each other where there is room.
    pub beside: bool,
}

impl Texts {
    /// One text.
    pub fn one((x, y): (f64, f64), text: impl Into<String>, colour: Rgb) -> Self {
        Self {
            x: vec![x],
            y: vec![y],
            texts: vec![text.into()],
            colour,
            beside: false,
        }
    }
}
