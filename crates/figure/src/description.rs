//! The description of a figure: a grid of panels, each with axes or with a grid of small images.
//!
//! Plain data, free of any drawing format. Texts are [markup](super::markup).

use crate::axis::{Axis, Tick};
use crate::colour::ColourScale;
use crate::image_grid::ImageGrid;
use crate::layer::Layer;
use crate::legend::Legend;
use crate::space::Space;

/// A figure. Its width is given; its height follows from the panels.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Above everything, and the drawing's accessible name. Never empty: the heading can be hidden by `show_title`.
    pub title: String,
    /// Whether the title is drawn as well.
    pub show_title: bool,
    /// What the figure shows, in a sentence, for readers who cannot see it.
    pub description: String,
    /// Provenance to embed, any text; empty for none.
    pub metadata: String,
    /// Width of the whole drawing, px. Columns that hold nothing but grids of images take no more than the images
    /// need, and the drawing is then narrower.
    pub width: f64,
    /// Relative widths of the plots of each column of panels; its length is the number of columns.
    pub columns: Vec<f64>,
    /// Row by row, from the top left.
    pub panels: Vec<Panel>,
    /// A legend for all panels that have none of their own.
    pub legend: Option<Legend>,
}

impl Figure {
    /// A figure of equal columns without legend or metadata.
    pub fn new(
        title: impl Into<String>,
        description: impl Into<String>,
        width: f64,
        columns: usize,
        panels: Vec<Panel>,
    ) -> Self {
        Self {
            title: title.into(),
            show_title: true,
            description: description.into(),
            metadata: String::new(),
            width,
            columns: vec![1.0; columns],
            panels,
            legend: None,
        }
    }
}

/// One part of a figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// Above the plot; empty for none.
    pub title: String,
    /// What fills the panel.
    pub content: Content,
    /// What a medium that can be turned shows in place of `content`, which is its projection.
    pub space: Option<Space>,
    /// Right of the plot.
    pub colour_bar: Option<ColourBar>,
    /// Right of the plot and the colour bar, for this panel's layers only.
    pub legend: Option<Legend>,
}

impl Panel {
    /// A plot with axes.
    pub fn axes(title: impl Into<String>, axes: Axes) -> Self {
        Self::new(title, Content::Axes(axes))
    }

    /// A grid of small images.
    pub fn images(title: impl Into<String>, grid: ImageGrid) -> Self {
        Self::new(title, Content::Images(grid))
    }

    fn new(title: impl Into<String>, content: Content) -> Self {
        Self {
            title: title.into(),
            content,
            space: None,
            colour_bar: None,
            legend: None,
        }
    }

    /// The same panel with a colour bar.
    #[must_use]
    pub fn with_colour_bar(mut self, bar: ColourBar) -> Self {
        self.colour_bar = Some(bar);
        self
    }

    /// The same panel, its plot being a projection of points in space.
    #[must_use]
    pub fn with_space(mut self, space: Space) -> Self {
        self.space = Some(space);
        self
    }

    /// The layers, none for a grid of images.
    pub fn layers(&self) -> &[Layer] {
        match &self.content {
            Content::Axes(axes) => &axes.layers,
            Content::Images(_) => &[],
        }
    }
}

/// What fills a panel.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A plot.
    Axes(Axes),
    /// Small images.
    Images(ImageGrid),
}

/// A plot with two axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Axes {
    /// From left to right.
    pub x: Axis,
    /// From bottom to top.
    pub y: Axis,
    /// The first is drawn first, below the others.
    pub layers: Vec<Layer>,
    /// Height of the plot over its width. `None` fills the row's height, or takes 0.62 if nothing else sets it.
    pub aspect: Option<f64>,
}

impl Axes {
    /// A plot that fills its row.
    pub fn new(x: Axis, y: Axis, layers: Vec<Layer>) -> Self {
        Self {
            x,
            y,
            layers,
            aspect: None,
        }
    }

    /// The same plot with a fixed height over width.
    #[must_use]
    pub fn with_aspect(mut self, aspect: f64) -> Self {
        self.aspect = Some(aspect);
        self
    }
}

/// The key to a colour scale.
#[derive(Clone, Debug, PartialEq)]
pub struct ColourBar {
    /// What the colours measure, with its unit.
    pub label: String,
    /// The scale explained.
    pub colours: ColourScale,
    /// Within the scale's range.
    pub ticks: Vec<Tick>,
}

impl ColourBar {
    /// A colour bar with about five round ticks.
    pub fn new(label: impl Into<String>, colours: ColourScale) -> Self {
        let ticks = super::ticks::linear(colours.range, 5);
        Self {
            label: label.into(),
            colours,
            ticks,
        }
    }
}
