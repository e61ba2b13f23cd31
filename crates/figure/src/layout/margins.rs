//! Room for the texts to the left and right of the plot of a panel, px.

use super::image_cells::LONGEST_LABEL;
use super::legend_box::LegendLayout;
use super::tick_labels;
use crate::axis::{Axis, Tick};
use crate::description::{ColourBar, Content, Panel};
use crate::error::Result;
use crate::image_grid::ImageGrid;
use crate::legend;
use crate::scale::AxisScale;
use crate::text::{Font, TextStyle};
use crate::theme;

/// Greatest height of a column of a panel's own legend.
const LEGEND_HIGHEST: f64 = 300.0;

/// Room to the left and right of a plot.
pub(super) struct Sides {
    left: f64,
    /// Length of the part of the last x label that is beyond the plot.
    overhang: f64,
    pub(super) bar: Option<ColourBar>,
    /// Width of the colour bar with its gap, ticks and label; 0 without one.
    pub(super) colour_bar: f64,
    /// Distance from the plot to the baseline of the y label.
    pub(super) y_label_distance: f64,
    pub(super) legend: Option<LegendLayout>,
    /// Ticks with labels of limited length.
    pub(super) x_ticks: Vec<Tick>,
    pub(super) y_ticks: Vec<Tick>,
}

impl Sides {
    /// Measures a panel of a figure `figure_width` px wide, with this label of its y axis or of the rows of its images, and this colour
    /// bar.
    pub(super) fn new(
        font: &Font<'_>,
        panel: &Panel,
        y_label: &str,
        bar: Option<&ColourBar>,
        figure_width: f64,
    ) -> Result<Self> {
        let (mut x_ticks, mut y_ticks) = (Vec::new(), Vec::new());
        let (ticks, overhang) = match &panel.content {
            Content::Axes(axes) => {
                x_ticks = tick_labels::shortened(font, &axes.x.major)?;
                y_ticks = tick_labels::shortened(font, &axes.y.major)?;
                let ticks = ticks_width(font, &axes.y, &y_ticks)?;
                (ticks, overhangs(font, &axes.x, &x_ticks)?)
            }
            Content::Images(grid) => (row_labels(font, grid)?, (0.0, 0.0)),
        };
        let label = match y_label {
            "" => 0.0,
            _ => theme::LABEL_GAP + theme::AXIS_LABEL.line_height(),
        };
        let colour_bar = bar.map_or(Ok(0.0), |bar| colour_bar_width(font, bar))?;
        Ok(Self {
            left: (ticks + label).max(overhang.0),
            overhang: overhang.1,
            bar: bar.cloned(),
            colour_bar,
            // A panel without a label must not move those above and below it away from their plots.
            y_label_distance: match label {
                0.0 => 0.0,
                _ => ticks + theme::LABEL_GAP + 0.25 * theme::AXIS_LABEL.size,
            },
            legend: own_legend(font, panel, figure_width)?,
            x_ticks,
            y_ticks,
        })
    }

    pub(super) fn left(&self) -> f64 {
        self.left
    }

    pub(super) fn right(&self) -> f64 {
        let legend = self.legend.as_ref();
        let legend = legend.map_or(0.0, |legend| theme::SIDE_GAP + legend.width);
        (self.colour_bar + legend).max(self.overhang)
    }
}

fn own_legend(font: &Font<'_>, panel: &Panel, figure_width: f64) -> Result<Option<LegendLayout>> {
    let Some(legend) = &panel.legend else {
        return Ok(None);
    };
    let entries = legend::entries(panel.layers())?;
    if entries.is_empty() {
        return Err(legend::nameless(&format!("panel \"{}\"", panel.title)));
    }
    let room = (theme::LEGEND_SHARE * figure_width, LEGEND_HIGHEST);
    LegendLayout::columns(font, legend, entries, room).map(Some)
}

/// Distance from the plot to the far side of the tick labels of the y axis.
fn ticks_width(font: &Font<'_>, axis: &Axis, major: &[Tick]) -> Result<f64> {
    let widest = tick_text_width(font, axis, major)?;
    Ok(if widest > 0.0 {
        tick_length(axis) + theme::TICK_GAP + widest
    } else if major.is_empty() && axis.minor.is_empty() {
        0.0
    } else {
        tick_length(axis)
    })
}

/// Width of the widest tick label of an axis with these major ticks, px.
pub(super) fn tick_text_width(font: &Font<'_>, axis: &Axis, major: &[Tick]) -> Result<f64> {
    let texts = |ticks: &[Tick], style: TextStyle| {
        font.widest(ticks.iter().map(|tick| tick.text.as_str()), style)
    };
    let major = texts(major, theme::TICK_LABEL)?;
    Ok(major.max(texts(&axis.minor, theme::MINOR_TICK_LABEL)?))
}

/// Length of the ticks of an axis; 0 without an axis line.
pub(crate) fn tick_length(axis: &Axis) -> f64 {
    if axis.line { theme::TICK_LENGTH } else { 0.0 }
}

fn row_labels(font: &Font<'_>, grid: &ImageGrid) -> Result<f64> {
    let labels = grid.rows.iter().map(|row| row.label.as_str());
    let widest = font.widest(labels, theme::TICK_LABEL)?.min(LONGEST_LABEL);
    Ok(if widest > 0.0 {
        widest + 2.0 * theme::TICK_GAP
    } else {
        0.0
    })
}

/// Lengths by which x labels reach beyond the left and the right end of the plot. Labels within the outer twentieth of the
/// range are assumed to be at the end.
fn overhangs(font: &Font<'_>, axis: &Axis, major: &[Tick]) -> Result<(f64, f64)> {
    let scale = AxisScale::new(axis, 0.0, 1.0);
    let (mut left, mut right) = (0.0f64, 0.0f64);
    for tick in major {
        let half = font.width(&tick.text, theme::TICK_LABEL)? / 2.0;
        let fraction = scale.fraction(tick.at);
        if fraction < 0.05 {
            left = left.max(half);
        }
        if fraction > 0.95 {
            right = right.max(half);
        }
    }
    Ok((left, right))
}

fn colour_bar_width(font: &Font<'_>, bar: &ColourBar) -> Result<f64> {
    let label = match bar.label.as_str() {
        "" => 0.0,
        _ => theme::LABEL_GAP + theme::AXIS_LABEL.line_height(),
    };
    Ok(theme::SIDE_GAP + colour_bar_label_distance(font, bar)? + label)
}

/// Distance from the left edge of a colour bar to the far side of its tick labels.
pub(crate) fn colour_bar_label_distance(font: &Font<'_>, bar: &ColourBar) -> Result<f64> {
    let texts = bar.ticks.iter().map(|tick| tick.text.as_str());
    let widest = font.widest(texts, theme::TICK_LABEL)?;
    Ok(theme::COLOUR_BAR_WIDTH + theme::TICK_LENGTH + theme::TICK_GAP + widest)
}
