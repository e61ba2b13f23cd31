//! Scores models on images and summarises results over many models: tidy tables of numbers for the figures and the comparison.
//!
//! What follows from the weights and activations of one model, or of two, by linear algebra belongs to the crate `decompose`.
//!
//! The library is divided by subject: [`bilinear`] layers, single [`layers`], [`representations`] of several networks, [`embeddings`], [`training`], and the
//! [`statistics`] that they share, the only place that knows polars; `tasks` holds the task kinds, one file each. Results are
//! the same bytes for any number of threads.

mod about;
pub mod bilinear;
mod compatibility;
pub mod embeddings;
mod error;
pub mod layers;
pub mod representations;
mod split_images;
pub mod statistics;
mod tasks;
pub mod training;
mod vectors;

pub use error::MetricError;
pub use tasks::kinds;
