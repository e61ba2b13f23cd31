//! Figures: one plain description, lowered to SVG text and from there to PNG, and to an interactive form.
//!
//! The description ([`Figure`] and what it holds) knows data, ranges and colours, and nothing of how it is drawn.
//! [`layout()`] turns it into rectangles, with every text measured in the bundled font; [`svg()`] writes the drawing;
//! [`png()`] rasterises it with the same font and no other; [`interactive()`] writes it for plotly.js. The same description gives the same bytes. Lengths are SVG user units, called px.

pub mod axis;
pub mod bitmap;
pub mod colour;
mod colour_tables;
pub mod description;
mod draw;
pub mod error;
pub mod fit;
pub mod image_grid;
pub mod layer;
pub mod layout;
pub mod legend;
pub mod markup;
pub mod matrix;
pub mod plotly;
mod raster;
pub mod scale;
pub mod space;
pub mod svg;
pub mod text;
mod theme;
pub mod ticks;
mod validate;

#[cfg(test)]
mod tests;

pub use axis::{Axis, AxisKind, Tick};
pub use bitmap::Bitmap;
pub use colour::{ColourMap, ColourScale, OutOfRange, Rgb};
pub use description::{Axes, ColourBar, Content, Figure, Panel};
pub use draw::svg;
pub use error::{FigureError, Result};
pub use image_grid::{GridCell, GridRow, ImageGrid, Picture};
pub use layer::{Band, Dash, Image, Layer, Line, Marker, MarkerShape, Points, Texts};
pub use layout::{Layout, LegendLayout, PanelLayout, Rect, layout};
pub use legend::{Legend, LegendPlace};
pub use matrix::Matrix;
pub use plotly::{Interactive, interactive};
pub use raster::png;
pub use space::{Point, Space, SpaceCurve, SpaceFrame, SpacePoints, View};
pub use theme::{DATA_TEXT, EDGE, INK, TICK_LABEL};
