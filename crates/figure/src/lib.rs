//! A figure engine: one description of a figure, drawn as SVG, PNG and PDF and written for plotly.js.
//!
//! A [`Figure`] holds data, ranges and colours and says nothing of how they are drawn. [`svg()`] lays it out, with every
//! text measured in the bundled font, and draws it; [`png()`] rasterises the drawing with the same font and no other, and
//! [`pdf()`] writes it with that font embedded;
//! [`interactive()`] writes the same layout for plotly.js. Equal descriptions give equal bytes. Lengths are SVG user
//! units, written px; [`on_paper`] lays a figure out for a width in mm. Texts may hold [`markup`], and letters of any script.

mod axis;
mod bitmap;
mod colour;
mod colour_tables;
mod description;
mod draw;
mod error;
mod fit;
mod image_grid;
mod layer;
mod layout;
mod legend;
pub mod markup;
mod matrix;
mod paper;
mod pdf;
mod plotly;
mod raster;
mod scale;
pub mod space;
mod spelling;
mod svg;
pub mod text;
mod texts;
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
pub use image_grid::{GridCell, GridRow, ImageGrid, Picture, Tiling};
pub use layer::{Band, Dash, Image, Layer, Line, Marker, MarkerShape, Points, Texts};
pub use legend::{Legend, LegendPlace};
pub use matrix::Matrix;
pub use paper::{Drawn, Paper, drawn, on_paper, with_letters};
pub use pdf::pdf;
pub use plotly::{INTERACTIVE_VERSION, Interactive, interactive};
pub use raster::{DrawnText, drawn_texts, png, png_for_print};
pub use space::{Point, Space, SpaceCurve, SpaceFrame, SpacePoints, View};
pub use spelling::{Spelling, spellings};
pub use svg::escape;
pub use theme::{DATA_TEXT, EDGE, INK, TICK_LABEL};
