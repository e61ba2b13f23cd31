//! The tidy tables, by subject: the rows of every metric that a figure or a comparison reads.
//!
//! Fractions are between 0 and 1, losses are mean cross-entropies in nats.

pub mod bilinear;
pub mod embeddings;
pub mod interactions;
pub mod layers;
pub mod ledger;
pub mod masks;
pub mod rainbow;
pub mod representations;
pub mod scaling;
pub mod surgery;
pub mod training;
