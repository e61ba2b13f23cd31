//! Layout: margins from measured texts, plots aligned in columns and rows, nothing overlapping.
//!
//! No figure is refused for lack of room. Long texts are broken into lines or shortened, crowded tick labels are rotated or
//! thinned, legends and grids of images state how many entries and images they leave out, numbers are left out of cells that are
//! too small, and the drawing grows if a plot would become narrower than 100 px.
//!
//! Plots of one column have the same left edge and width, plots of one row the same top edge. A last row that is not full stands where
//! the figure becomes lowest. Widths are computed first:
//! the columns share, by their weights, what the margins leave of the figure's width. Heights follow.

mod bars;
mod below;
mod beside;
mod columns;
mod grid;
mod image_cells;
mod legend_box;
mod margins;
mod panels;
mod point_texts;
pub(super) mod tick_labels;

use crate::axis::Tick;
use crate::description::{ColourBar, Figure, Panel};
use crate::error::Result;
use crate::legend::{self, LegendPlace};
use crate::text::Font;
use crate::{theme, validate};
pub(crate) use bars::bar_of;
use columns::Columns;
use grid::Grid;
pub(crate) use image_cells::ImageCells;
pub(crate) use legend_box::LegendLayout;
pub(super) use margins::{colour_bar_label_distance, tick_length};
pub(crate) use point_texts::{cell_texts, point_texts};

/// Share of its height to which a figure must shrink for its last row to start further to the right.
const WORTH_MOVING: f64 = 0.9;
/// Most lines of the title of a figure.
const TITLE_LINES: usize = 6;

/// A rectangle, px.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rect {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

impl Rect {
    pub(crate) fn right(&self) -> f64 {
        self.x + self.width
    }

    pub(crate) fn bottom(&self) -> f64 {
        self.y + self.height
    }
}

/// Positions of all parts of a figure, px.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Layout {
    pub width: f64,
    pub height: f64,
    /// Lines of the title; empty if it is not drawn.
    pub title: Vec<String>,
    pub panels: Vec<PanelLayout>,
    /// The legend of the figure and its top left corner.
    pub legend: Option<(LegendLayout, f64, f64)>,
}

/// Positions of the parts of a panel, px.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PanelLayout {
    /// Area of the data.
    pub plot: Rect,
    pub title: Vec<String>,
    /// Left end of the title, and baseline of its first line.
    pub title_x: f64,
    pub title_y: f64,
    /// Title above the columns of a grid of images: its left end and the baseline of its first line.
    pub column_title: Label,
    /// Label of the x axis: its middle and the baseline of its first line.
    pub x_label: Label,
    /// Vertical label of the y axis or of the rows of a grid: its baseline and its middle.
    pub y_label: Label,
    /// Major ticks of the x axis whose labels have room.
    pub x_ticks: Vec<Tick>,
    /// Major ticks of the y axis whose labels have room.
    pub y_ticks: Vec<Tick>,
    /// States that the labels of the x ticks are vertical.
    pub x_labels_turned: bool,
    /// Cells of a grid of images.
    pub images: Option<ImageCells>,
    pub colour_bar: Option<BarLayout>,
    /// The panel's own legend and its top left corner.
    pub legend: Option<(LegendLayout, f64, f64)>,
}

/// A text beside a plot, px.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Label {
    pub x: f64,
    pub y: f64,
    pub lines: Vec<String>,
}

/// Positions of the parts of a colour bar, px.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BarLayout {
    pub bar: ColourBar,
    pub ramp: Rect,
    /// Ticks whose labels have room.
    pub ticks: Vec<Tick>,
    /// Label, shortened if it is long, centred beside the ramp.
    pub label: String,
}

/// Validates a figure and computes the positions of its parts.
///
/// # Errors
/// A description that cannot be drawn. A lack of room is no error.
pub(crate) fn layout(figure: &Figure) -> Result<Layout> {
    validate::figure(figure)?;
    let font = Font::bundled()?;
    let grid = Grid::new(figure.panels.len(), figure.columns.len());
    let mut lowest = in_grid(figure, &font, grid)?;
    for grid in grid.moved() {
        let place = in_grid(figure, &font, grid)?;
        if place.height < WORTH_MOVING * lowest.height && place.width <= lowest.width {
            lowest = place;
        }
    }
    Ok(lowest)
}

fn in_grid(figure: &Figure, font: &Font<'_>, grid: Grid) -> Result<Layout> {
    let tall = arrange(figure, font, grid, f64::INFINITY)?;
    let panels_height = |layout: &Layout| {
        let bottoms = layout.panels.iter().map(|panel| panel.plot.bottom());
        let tops = layout.panels.iter().map(|panel| panel.plot.y);
        bottoms.fold(0.0, f64::max) - tops.fold(f64::INFINITY, f64::min)
    };
    match &tall.legend {
        Some((legend, ..)) if legend.height > panels_height(&tall) => {
            arrange(figure, font, grid, panels_height(&tall))
        }
        _ => Ok(tall),
    }
}

fn arrange(figure: &Figure, font: &Font<'_>, grid: Grid, legend_height: f64) -> Result<Layout> {
    let room = figure.width - 2.0 * theme::EDGE;
    let legend = figure_legend(figure, font, room, legend_height)?;
    let beside = match &legend {
        Some((legend, LegendPlace::Right)) => theme::SIDE_GAP + legend.width,
        _ => 0.0,
    };
    let columns = Columns::new(figure, font, grid, room - beside)?;
    let below = match &legend {
        Some((legend, LegendPlace::Below)) => legend.width,
        _ => 0.0,
    };
    let inner_width = (columns.total_width() + beside).max(below);
    let width = inner_width + 2.0 * theme::EDGE;
    let title = match figure.show_title {
        true => font.lines(&figure.title, theme::FIGURE_TITLE, inner_width, TITLE_LINES)?,
        false => Vec::new(),
    };
    let title_height = match title.len() as f64 {
        0.0 => 0.0,
        lines => lines * theme::FIGURE_TITLE.line_height() + theme::TITLE_GAP,
    };
    let top = theme::EDGE + title_height;
    let (panels, mut bottom) = panels::place_panels(figure, font, &columns, top)?;
    let legend = legend.map(|(legend, place)| match place {
        LegendPlace::Right => {
            let y = panels
                .iter()
                .map(|panel| panel.plot.y)
                .fold(f64::INFINITY, f64::min);
            let x = width - theme::EDGE - legend.width;
            bottom = bottom.max(y + legend.height);
            (legend, x, y)
        }
        LegendPlace::Below => {
            let x = theme::EDGE + (inner_width - legend.width).max(0.0) / 2.0;
            let y = bottom + theme::TITLE_GAP;
            bottom = y + legend.height;
            (legend, x, y)
        }
    });
    Ok(Layout {
        width: width.ceil(),
        height: (bottom + theme::EDGE).ceil(),
        title,
        panels,
        legend,
    })
}

fn figure_legend(
    figure: &Figure,
    font: &Font<'_>,
    width: f64,
    height: f64,
) -> Result<Option<(LegendLayout, LegendPlace)>> {
    let Some(legend) = &figure.legend else {
        return Ok(None);
    };
    let shared = figure.panels.iter().filter(|panel| panel.legend.is_none());
    let entries = legend::entries(shared.flat_map(Panel::layers))?;
    if entries.is_empty() {
        return Err(legend::nameless("figure"));
    }
    let placed = match legend.place {
        LegendPlace::Right => {
            let room = (theme::LEGEND_SHARE * width, height);
            LegendLayout::columns(font, legend, entries, room)?
        }
        LegendPlace::Below => LegendLayout::rows(font, legend, entries, width)?,
    };
    Ok(Some((placed, legend.place)))
}
