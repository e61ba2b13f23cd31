//! Where everything goes: margins from measured texts, plots aligned in columns and rows, nothing overlapping.
//!
//! No figure is refused for want of room. Long texts are broken into lines or get an ellipsis, crowded tick labels are
//! turned or thinned, legends and grids of images say how many entries and images they leave out, numbers in cells that are too small
//! are not written, and the drawing grows where a plot would become narrower than 100 px.
//!
//! Plots of one column have the same left edge and width, plots of one row the same top edge. Widths come first
//! (what is left of the figure's width beside the margins, shared by the columns' weights); heights follow.

mod below;
mod columns;
mod image_cells;
mod legend_box;
mod margins;
mod panels;
mod point_texts;
pub(super) mod tick_labels;

use crate::axis::Tick;
use crate::description::{Figure, Panel};
use crate::error::Result;
use crate::legend::{self, LegendPlace};
use crate::text::Font;
use crate::{theme, validate};
use columns::Columns;
pub use image_cells::ImageCells;
pub use legend_box::{LegendLayout, PlacedEntry};
pub(super) use margins::{colour_bar_label_distance, tick_length};
pub use point_texts::{PointText, cell_style, point_texts};

/// Most lines of a figure's title.
const TITLE_LINES: usize = 4;

/// A rectangle, px, from its top left corner.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rect {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// From left to right.
    pub width: f64,
    /// From top to bottom.
    pub height: f64,
}

impl Rect {
    /// The x of the right edge.
    pub fn right(&self) -> f64 {
        self.x + self.width
    }

    /// The y of the bottom edge.
    pub fn bottom(&self) -> f64 {
        self.y + self.height
    }
}

/// The places of all parts of a figure, px.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// Of the whole drawing.
    pub width: f64,
    /// Of the whole drawing.
    pub height: f64,
    /// Lines of the title, from the top; empty if it is not shown.
    pub title: Vec<String>,
    /// In the order of the figure's panels.
    pub panels: Vec<PanelLayout>,
    /// The figure's legend and its top left corner.
    pub legend: Option<(LegendLayout, f64, f64)>,
}

/// The places of the parts of a panel, px.
#[derive(Clone, Debug, PartialEq)]
pub struct PanelLayout {
    /// The area that data are drawn in.
    pub plot: Rect,
    /// Lines of the title, from the top.
    pub title: Vec<String>,
    /// Baseline of the title's first line.
    pub title_y: f64,
    /// The title above the columns of a grid of images: its left end, and the baseline of its first line.
    pub column_title: Label,
    /// The x axis's label: its middle, and the baseline of its first line.
    pub x_label: Label,
    /// The label of the y axis or of a grid's rows, which is turned: its baseline, and its middle.
    pub y_label: Label,
    /// The labelled ticks of the x axis that have room.
    pub x_ticks: Vec<Tick>,
    /// The labelled ticks of the y axis that have room.
    pub y_ticks: Vec<Tick>,
    /// Whether the labels at the x ticks are turned to stand upright.
    pub x_labels_turned: bool,
    /// The small images, for a panel that has them.
    pub images: Option<ImageCells>,
    /// The colour bar, for a panel that has one.
    pub colour_bar: Option<BarLayout>,
    /// The panel's own legend and its top left corner.
    pub legend: Option<(LegendLayout, f64, f64)>,
}

/// A text beside a plot.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// Px.
    pub x: f64,
    /// Px.
    pub y: f64,
    /// From the top.
    pub lines: Vec<String>,
}

/// The places of the parts of a colour bar, px.
#[derive(Clone, Debug, PartialEq)]
pub struct BarLayout {
    /// The colours.
    pub ramp: Rect,
    /// The ticks that have room.
    pub ticks: Vec<Tick>,
    /// Shortened where it is long; its middle is that of the ramp.
    pub label: String,
}

/// Validates a figure and places its parts.
///
/// # Errors
/// A description that cannot be drawn. A lack of room is no error.
pub fn layout(figure: &Figure) -> Result<Layout> {
    validate::figure(figure)?;
    let font = Font::bundled()?;
    let tall = arrange(figure, &font, f64::INFINITY)?;
    let panels_height = |layout: &Layout| {
        let bottoms = layout.panels.iter().map(|panel| panel.plot.bottom());
        let tops = layout.panels.iter().map(|panel| panel.plot.y);
        bottoms.fold(0.0, f64::max) - tops.fold(f64::INFINITY, f64::min)
    };
    match &tall.legend {
        Some((legend, ..)) if legend.height > panels_height(&tall) => {
            arrange(figure, &font, panels_height(&tall))
        }
        _ => Ok(tall),
    }
}

fn arrange(figure: &Figure, font: &Font<'_>, legend_height: f64) -> Result<Layout> {
    let room = figure.width - 2.0 * theme::EDGE;
    let legend = figure_legend(figure, font, room, legend_height)?;
    let beside = match &legend {
        Some((legend, LegendPlace::Right)) => theme::SIDE_GAP + legend.width,
        _ => 0.0,
    };
    let columns = Columns::new(figure, font, room - beside)?;
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
