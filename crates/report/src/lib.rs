//! The stage program of the stage `figure`: figures of tables, and the page of a pipeline.
//!
//! [`plots`] turns tables into descriptions of figures, which [`eigenscope_figure`] draws as SVG, as PNG, as PDF and for pages.
//! Nothing is computed here except ranges and ticks. [`page`] puts the figures of a pipeline on one page.

mod inputs;
pub mod page;
mod parts;
pub mod plots;

pub use plots::kinds;
