//! Draws what the other stages measured: one task kind a figure, each written as SVG, as PNG and for pages.
//!
//! [`mod@figure`] is the engine: a description of a figure, its layout and its drawing. [`plots`] turns
//! tables into such descriptions; nothing is computed here but ranges and ticks. [`page`] puts the figures of a
//! pipeline on one page.

pub mod figure;
pub mod page;
pub mod plots;

pub use plots::kinds;
