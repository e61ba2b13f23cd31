//! The description of a figure: a grid of panels, each with axes or with a grid of small images.

use crate::axis::{Axis, Tick};
use crate::colour::ColourScale;
use crate::error::Result;
use crate::image_grid::ImageGrid;
use crate::layer::Layer;
use crate::legend::Legend;
use crate::markup;
use crate::paper::Paper;
use crate::space::Space;

/// A figure. Its height follows from its width and its panels.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Title, which is also the accessible name of the drawing; must not be empty.
    pub title: String,
    /// Draws the title.
    pub show_title: bool,
    /// Description in a sentence or two, for readers who cannot see the figure.
    pub description: String,
    /// Text to embed as metadata, such as the provenance; empty for none.
    pub metadata: String,
    /// Width of the drawing, px. The drawing is narrower if a column with nothing but grids of images needs less, and wider
    /// if plots would become too narrow.
    pub width: f64,
    /// Paper that the figure is laid out for; `None` for a screen. Set by [`on_paper`](crate::on_paper()), which also sets the
    /// width.
    pub paper: Option<Paper>,
    /// Relative width of the plots of each column of panels.
    pub columns: Vec<f64>,
    /// Panels, row by row from the top left.
    pub panels: Vec<Panel>,
    /// States that the panels of a column belong together, such as those of a layer. They follow one another where there is no room for
    /// all columns.
    pub by_column: bool,
    /// Legend of all panels without one of their own.
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
            paper: None,
            columns: vec![1.0; columns],
            panels,
            by_column: false,
            legend: None,
        }
    }

    /// The same figure, whose columns belong together.
    #[must_use]
    pub fn by_column(mut self) -> Self {
        self.by_column = true;
        self
    }

    /// The same figure with a legend.
    #[must_use]
    pub fn with_legend(mut self, legend: Legend) -> Self {
        self.legend = Some(legend);
        self
    }

    /// Positions of the panels in the order in which they follow one another in fewer columns.
    pub(crate) fn stacking_order(&self) -> Vec<usize> {
        let (all, columns) = (self.panels.len(), self.columns.len().max(1));
        match self.by_column {
            false => (0..all).collect(),
            true => (0..columns)
                .flat_map(|column| (column..all).step_by(columns))
                .collect(),
        }
    }

    /// Label of the y axis of a panel, or of the rows of its images; empty if the axis to its left has the same.
    pub(crate) fn y_label(&self, index: usize) -> &str {
        let axes = match &self.panels[index].content {
            Content::Axes(axes) => axes,
            Content::Images(grid) => return &grid.row_title,
        };
        let left = match index.is_multiple_of(self.columns.len().max(1)) {
            true => None,
            false => Some(&self.panels[index - 1].content),
        };
        match left {
            Some(Content::Axes(left)) if left.y.label == axes.y.label => "",
            _ => &axes.y.label,
        }
    }

    /// The title without [markup]. A name in it may look like markup that is not finished.
    ///
    /// # Errors
    /// As [`markup::plain`].
    pub fn plain_title(&self) -> Result<String> {
        markup::plain(&markup::of_name(&self.title))
    }
}

/// One part of a figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    /// Title above the plot; empty for none.
    pub title: String,
    /// Plot or images.
    pub content: Content,
    /// Points in space, if `content` is a projection of them. The interactive form shows these instead.
    pub space: Option<Space>,
    /// Colour bar to the right of the plot.
    pub colour_bar: Option<ColourBar>,
    /// Legend of this panel's layers, to the right of the plot and the colour bar.
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

    /// The same panel, whose plot is a projection of points in space.
    #[must_use]
    pub fn with_space(mut self, space: Space) -> Self {
        self.space = Some(space);
        self
    }

    /// Layers of the plot; none for a grid of images.
    pub fn layers(&self) -> &[Layer] {
        match &self.content {
            Content::Axes(axes) => &axes.layers,
            Content::Images(_) => &[],
        }
    }
}

/// Content of a panel.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// A plot with axes.
    Axes(Axes),
    /// A grid of small images.
    Images(ImageGrid),
}

/// A plot with two axes.
#[derive(Clone, Debug, PartialEq)]
pub struct Axes {
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// Layers, drawn in this order.
    pub layers: Vec<Layer>,
    /// Ratio of height to width of the plot. `None` fills the row, whose plots have 0.62 if no other panel sets its height, and at most 1.25 if one does.
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

    /// The same plot with a fixed ratio of height to width.
    #[must_use]
    pub fn with_aspect(mut self, aspect: f64) -> Self {
        self.aspect = Some(aspect);
        self
    }
}

/// A colour bar, which explains a colour scale.
#[derive(Clone, Debug, PartialEq)]
pub struct ColourBar {
    /// The measured quantity with its unit.
    pub label: String,
    /// Colour scale.
    pub colours: ColourScale,
    /// Ticks within the range of the scale.
    pub ticks: Vec<Tick>,
}

impl ColourBar {
    /// A colour bar with about five round ticks.
    pub fn new(label: impl Into<String>, colours: ColourScale) -> Self {
        let ticks = crate::ticks::linear(colours.range, 5);
        Self {
            label: label.into(),
            colours,
            ticks,
        }
    }
}
