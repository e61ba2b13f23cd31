//! Draws what the other stages measured: one task kind a figure, each written as SVG, as PNG and for pages.
//!
//! [`plots`] turns tables into descriptions of figures, which [`eigenscope_figure`] draws. Nothing is computed here but
//! ranges and ticks. [`page`] puts the figures of a pipeline on one page.

pub mod page;
pub mod plots;

pub use plots::kinds;
