//! The look shared by all figures: sizes in px, colours, weights.

use super::colour::Rgb;
use super::text::TextStyle;

pub(super) const FIGURE_TITLE: TextStyle = TextStyle::strong(15.0);
pub(super) const PANEL_TITLE: TextStyle = TextStyle::strong(12.5);
pub(super) const AXIS_LABEL: TextStyle = TextStyle::regular(12.0);
/// Numbers and names at the ticks of an axis.
pub const TICK_LABEL: TextStyle = TextStyle::regular(11.0);
pub(super) const MINOR_TICK_LABEL: TextStyle = TextStyle::regular(9.0);
pub(super) const LEGEND_TITLE: TextStyle = TextStyle::strong(11.5);
pub(super) const LEGEND_TEXT: TextStyle = TextStyle::regular(11.0);
/// Words at data points.
pub const DATA_TEXT: TextStyle = TextStyle::regular(11.0);
pub(super) const CAPTION: TextStyle = TextStyle::regular(10.0);
/// Numbers in the cells of a heat map shrink between these two sizes to fit.
pub(super) const CELL_TEXT_LARGEST: f64 = 11.0;
pub(super) const CELL_TEXT_SMALLEST: f64 = 9.0;

/// Letters.
pub const INK: Rgb = Rgb::from_hex(0x222222);
pub(super) const SOFT_INK: Rgb = Rgb::from_hex(0x555555);
pub(super) const AXIS_LINE: Rgb = Rgb::from_hex(0x8c8c8c);
pub(super) const GRID_LINE: Rgb = Rgb::from_hex(0xe6e6e6);
pub(super) const HAIRLINE: Rgb = Rgb::from_hex(0xbdbdbd);

/// White edge around the whole figure, px.
pub const EDGE: f64 = 14.0;
/// Between what belongs to one column of panels and the next.
pub(super) const COLUMN_GAP: f64 = 22.0;
/// Between what belongs to one row of panels and the next.
pub(super) const ROW_GAP: f64 = 20.0;

pub(super) const TICK_LENGTH: f64 = 4.0;
pub(super) const MINOR_TICK_LENGTH: f64 = 2.5;
/// From the tick's end to its label.
pub(super) const TICK_GAP: f64 = 4.0;
/// From the tick labels to the axis label.
pub(super) const LABEL_GAP: f64 = 6.0;
/// From a title to what it heads.
pub(super) const TITLE_GAP: f64 = 8.0;
/// The least distance between neighbouring tick labels.
pub(super) const TICK_LABEL_GAP: f64 = 4.0;

/// From the plot to the colour bar or the legend.
pub(super) const SIDE_GAP: f64 = 16.0;
pub(super) const COLOUR_BAR_WIDTH: f64 = 12.0;
/// Beside a grid of images; beside axes it is as high as the plot.
pub(super) const COLOUR_BAR_HIGHEST: f64 = 240.0;
pub(super) const COLOUR_BAR_LOWEST: f64 = 60.0;

/// Part of a figure's width that a legend beside its plots may take, though one column is always there.
pub(super) const LEGEND_SHARE: f64 = 0.35;
pub(super) const LEGEND_HANDLE: f64 = 20.0;
pub(super) const LEGEND_HANDLE_GAP: f64 = 6.0;
pub(super) const LEGEND_ROW: f64 = 17.0;
pub(super) const LEGEND_COLUMN_GAP: f64 = 16.0;

/// Between neighbouring small images.
pub(super) const GRID_GAP: f64 = 6.0;

/// Height over width of a plot that nothing else sets.
pub(super) const ASPECT: f64 = 0.62;
/// The narrowest plot, and the narrowest column of panels with all that stands beside its plots: figures grow to hold
/// them.
pub(super) const NARROWEST_PLOT: f64 = 100.0;
pub(super) const NARROWEST_COLUMN: f64 = 240.0;
