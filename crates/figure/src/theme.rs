//! The look shared by all figures: sizes in px, colours, weights.

use crate::colour::Rgb;
use crate::text::TextStyle;

pub(crate) const FIGURE_TITLE: TextStyle = TextStyle::strong(15.0);
pub(crate) const PANEL_TITLE: TextStyle = TextStyle::strong(12.5);
pub(crate) const AXIS_LABEL: TextStyle = TextStyle::regular(12.0);
/// Numbers and names at the ticks of an axis.
pub const TICK_LABEL: TextStyle = TextStyle::regular(11.0);
pub(crate) const MINOR_TICK_LABEL: TextStyle = TextStyle::regular(9.0);
pub(crate) const LEGEND_TITLE: TextStyle = TextStyle::strong(11.5);
pub(crate) const LEGEND_TEXT: TextStyle = TextStyle::regular(11.0);
/// Words at data points.
pub const DATA_TEXT: TextStyle = TextStyle::regular(11.0);
pub(crate) const CAPTION: TextStyle = TextStyle::regular(10.0);
/// Numbers in the cells of a heat map shrink between these two sizes to fit.
pub(crate) const CELL_TEXT_LARGEST: f64 = 11.0;
pub(crate) const CELL_TEXT_SMALLEST: f64 = 9.0;

/// Letters.
pub const INK: Rgb = Rgb::from_hex(0x222222);
pub(crate) const SOFT_INK: Rgb = Rgb::from_hex(0x555555);
pub(crate) const AXIS_LINE: Rgb = Rgb::from_hex(0x8c8c8c);
pub(crate) const GRID_LINE: Rgb = Rgb::from_hex(0xe6e6e6);
pub(crate) const HAIRLINE: Rgb = Rgb::from_hex(0xbdbdbd);

/// White edge around the whole figure, px.
pub const EDGE: f64 = 14.0;
/// Between what belongs to one column of panels and the next.
pub(crate) const COLUMN_GAP: f64 = 22.0;
/// Between what belongs to one row of panels and the next.
pub(crate) const ROW_GAP: f64 = 20.0;

pub(crate) const TICK_LENGTH: f64 = 4.0;
pub(crate) const MINOR_TICK_LENGTH: f64 = 2.5;
/// From the tick's end to its label.
pub(crate) const TICK_GAP: f64 = 4.0;
/// From the tick labels to the axis label.
pub(crate) const LABEL_GAP: f64 = 6.0;
/// From a title to what it heads.
pub(crate) const TITLE_GAP: f64 = 8.0;
/// The least distance between neighbouring tick labels.
pub(crate) const TICK_LABEL_GAP: f64 = 4.0;

/// From the plot to the colour bar or the legend.
pub(crate) const SIDE_GAP: f64 = 16.0;
pub(crate) const COLOUR_BAR_WIDTH: f64 = 12.0;
/// Beside a grid of images; beside axes it is as high as the plot.
pub(crate) const COLOUR_BAR_HIGHEST: f64 = 240.0;
pub(crate) const COLOUR_BAR_LOWEST: f64 = 60.0;

/// Part of a figure's width that a legend beside its plots may take, though one column is always there.
pub(crate) const LEGEND_SHARE: f64 = 0.35;
pub(crate) const LEGEND_HANDLE: f64 = 20.0;
pub(crate) const LEGEND_HANDLE_GAP: f64 = 6.0;
pub(crate) const LEGEND_ROW: f64 = 17.0;
pub(crate) const LEGEND_COLUMN_GAP: f64 = 16.0;

/// Between neighbouring small images.
pub(crate) const GRID_GAP: f64 = 6.0;

/// Height over width of a plot that nothing else sets.
pub(crate) const ASPECT: f64 = 0.62;
/// The narrowest plot, and the narrowest column of panels with all that stands beside its plots: figures grow to hold
/// them.
pub(crate) const NARROWEST_PLOT: f64 = 100.0;
pub(crate) const NARROWEST_COLUMN: f64 = 240.0;
