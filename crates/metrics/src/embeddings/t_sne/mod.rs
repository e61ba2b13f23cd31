//! Embeddings laid out in two dimensions such that near ones stay near, by t-distributed stochastic neighbour embedding.
//!
//! [`affinities`] says how alike the embeddings are, [`descent`] moves points on a map until the points are as alike as the embeddings are,
//! as far as a plane allows, by the [`gradient`] that a [`tree`] makes fast, or an [`interpolation`] if there are many; [`exact`] says how
//! faithful the map is, over all pairs. Nothing is left to chance: the map starts from the first two principal components. The same bytes for any
//! number of threads.

pub mod affinities;
pub mod descent;
pub mod exact;
mod fourier;
pub mod gradient;
pub mod interpolation;
mod layout;
pub mod tree;

pub use layout::{Layout, memory_bytes, steps};
