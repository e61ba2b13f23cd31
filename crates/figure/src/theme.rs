//! Sizes (px), colours and text styles of all figures.

use crate::colour::Rgb;
use crate::text::TextStyle;

pub(crate) const FIGURE_TITLE: TextStyle = TextStyle::strong(15.0);
pub(crate) const PANEL_TITLE: TextStyle = TextStyle::strong(12.5);
pub(crate) const AXIS_LABEL: TextStyle = TextStyle::regular(12.0);
/// Style of tick labels.
pub const TICK_LABEL: TextStyle = TextStyle::regular(11.0);
pub(crate) const MINOR_TICK_LABEL: TextStyle = TextStyle::regular(9.0);
pub(crate) const LEGEND_TITLE: TextStyle = TextStyle::strong(11.5);
pub(crate) const LEGEND_TEXT: TextStyle = TextStyle::regular(11.0);
/// Style of texts at data points.
pub const DATA_TEXT: TextStyle = TextStyle::regular(11.0);
pub(crate) const CAPTION: TextStyle = TextStyle::regular(10.0);
/// Font sizes between which numbers in the cells of a heat map shrink to fit.
pub(crate) const CELL_TEXT_LARGEST: f64 = 11.0;
pub(crate) const CELL_TEXT_SMALLEST: f64 = 9.0;

/// Colour of text.
pub const INK: Rgb = Rgb::from_hex(0x222222);
pub(crate) const SOFT_INK: Rgb = Rgb::from_hex(0x555555);
pub(crate) const AXIS_LINE: Rgb = Rgb::from_hex(0x8c8c8c);
pub(crate) const GRID_LINE: Rgb = Rgb::from_hex(0xe6e6e6);
pub(crate) const HAIRLINE: Rgb = Rgb::from_hex(0xbdbdbd);

/// Margin around the figure, px.
pub const EDGE: f64 = 14.0;
/// Distance between columns of panels.
pub(crate) const COLUMN_GAP: f64 = 22.0;
/// Distance between rows of panels.
pub(crate) const ROW_GAP: f64 = 20.0;

pub(crate) const TICK_LENGTH: f64 = 4.0;
pub(crate) const MINOR_TICK_LENGTH: f64 = 2.5;
/// Distance from the end of a tick to its label.
pub(crate) const TICK_GAP: f64 = 4.0;
/// Distance from the tick labels to the axis label.
pub(crate) const LABEL_GAP: f64 = 6.0;
/// Distance below a title.
pub(crate) const TITLE_GAP: f64 = 8.0;
/// Smallest distance of neighbouring tick labels.
pub(crate) const TICK_LABEL_GAP: f64 = 4.0;

/// Distance from the plot to the colour bar or the legend.
pub(crate) const SIDE_GAP: f64 = 16.0;
pub(crate) const COLOUR_BAR_WIDTH: f64 = 12.0;
/// Greatest height of a colour bar beside a grid of images. Beside axes it is as high as the plot.
pub(crate) const COLOUR_BAR_HIGHEST: f64 = 240.0;
pub(crate) const COLOUR_BAR_LOWEST: f64 = 60.0;

/// Fraction of a figure's width for a legend beside the plots. One column of entries is always drawn.
pub(crate) const LEGEND_SHARE: f64 = 0.35;
pub(crate) const LEGEND_HANDLE: f64 = 20.0;
pub(crate) const LEGEND_HANDLE_GAP: f64 = 6.0;
pub(crate) const LEGEND_ROW: f64 = 17.0;
pub(crate) const LEGEND_COLUMN_GAP: f64 = 16.0;

/// Distance of neighbouring small images.
pub(crate) const GRID_GAP: f64 = 6.0;

/// Greatest width of a cell of a heat map, px.
pub(crate) const WIDEST_CELL: f64 = 86.0;

/// Default ratio of height to width of a plot.
pub(crate) const ASPECT: f64 = 0.62;
/// Greatest ratio of height to width of a plot that fills a row beside something high.
pub(crate) const MOST_UPRIGHT: f64 = 1.25;
/// Smallest width of a plot, and of a column of panels with their labels and legends. Figures grow to make room.
pub(crate) const NARROWEST_PLOT: f64 = 100.0;
pub(crate) const NARROWEST_COLUMN: f64 = 240.0;
