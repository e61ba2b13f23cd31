//! Room for the texts above and below the plot of a panel, px, once the width of the plot is known.

use super::columns::Parts;
use super::image_cells::ImageCells;
use super::margins::{Sides, tick_length, tick_text_width};
use super::tick_labels;
use crate::axis::Tick;
use crate::description::{Axes, Content, Panel};
use crate::error::Result;
use crate::text::Font;
use crate::theme;

/// Most lines of the title of a panel, and of the label of an x axis or of columns.
const TITLE_LINES: usize = 5;
const LABEL_LINES: usize = 3;

/// Room above and below a plot.
pub(super) struct Below {
    pub(super) top: f64,
    pub(super) bottom: f64,
    /// Width of the plot: that of the column, or less for a grid of images.
    pub(super) width: f64,
    /// Height of the plot; `None` fills the row.
    pub(super) height: Option<f64>,
    pub(super) title: Vec<String>,
    /// Lines of the title above a grid of images.
    pub(super) column_title: Vec<String>,
    /// Distance from the top of these lines to the images.
    pub(super) header: f64,
    pub(super) x_ticks: Vec<Tick>,
    pub(super) x_labels_turned: bool,
    pub(super) x_label: Vec<String>,
    /// Distance from the lower edge of the plot to the baseline of the first line of the x label.
    pub(super) x_label_distance: f64,
    pub(super) images: Option<ImageCells>,
}

impl Below {
    /// Measures a panel whose column is divided like this.
    pub(super) fn new(
        font: &Font<'_>,
        panel: &Panel,
        sides: &Sides,
        parts: &Parts,
        is_on_paper: bool,
    ) -> Result<Self> {
        let Parts {
            before,
            plot: width,
            after,
            ..
        } = *parts;
        let room = width + after;
        let title = font.lines(&panel.title, theme::PANEL_TITLE, room, TITLE_LINES)?;
        let title_height = match title.len() as f64 {
            0.0 => 0.0,
            lines => lines * theme::PANEL_TITLE.line_height() + theme::TITLE_GAP,
        };
        // Half of a tick label may stand above the plot's upper edge.
        let top = title_height.max(0.5 * theme::TICK_LABEL.size);
        let mut below = Self {
            top,
            bottom: 0.0,
            width,
            height: None,
            title,
            column_title: Vec::new(),
            header: 0.0,
            x_ticks: Vec::new(),
            x_labels_turned: false,
            x_label: Vec::new(),
            x_label_distance: 0.0,
            images: None,
        };
        match &panel.content {
            Content::Axes(axes) => below.for_axes(font, axes, sides, (before, after))?,
            Content::Images(grid) => {
                let cells = ImageCells::new(font, grid, width, is_on_paper)?;
                below.column_title =
                    font.lines(&grid.heading(), theme::AXIS_LABEL, room, LABEL_LINES)?;
                below.header = cells.label_height()
                    + match below.column_title.len() as f64 {
                        0.0 => 0.0,
                        lines => lines * theme::AXIS_LABEL.line_height() + 2.0,
                    };
                below.top += below.header;
                below.width = cells.width;
                below.height = Some(cells.height);
                if !cells.left_out.is_empty() {
                    below.bottom = theme::LABEL_GAP + theme::AXIS_LABEL.line_height();
                }
                below.images = Some(cells);
            }
        }
        Ok(below)
    }

    fn for_axes(
        &mut self,
        font: &Font<'_>,
        axes: &Axes,
        sides: &Sides,
        beside: (f64, f64),
    ) -> Result<()> {
        (self.x_ticks, self.x_labels_turned) =
            tick_labels::along(font, &axes.x, &sides.x_ticks, self.width, beside)?;
        let widest = tick_text_width(font, &axes.x, &self.x_ticks)?;
        let text = match (widest, self.x_labels_turned) {
            (0.0, _) => 0.0,
            (width, true) => theme::TICK_GAP + width,
            (_, false) => theme::TICK_GAP + theme::TICK_LABEL.size,
        };
        let ticks = tick_length(&axes.x) + text;
        let room = self.width + beside.1;
        self.x_label = font.lines(&axes.x.label, theme::AXIS_LABEL, room, LABEL_LINES)?;
        self.x_label_distance = ticks + theme::LABEL_GAP + theme::AXIS_LABEL.ascent();
        self.bottom = match self.x_label.len().checked_sub(1) {
            None => ticks.max(0.5 * theme::TICK_LABEL.size),
            Some(more) => {
                let more = more as f64 * theme::AXIS_LABEL.line_height();
                self.x_label_distance + more + 0.25 * theme::AXIS_LABEL.size
            }
        };
        self.height = axes.aspect.map(|aspect| aspect * self.width);
        Ok(())
    }
}
