//! Convolutions of batches `[features, images]`.
//!
//! The groups of a grouped convolution are convolutions of their own: the features of a group are neighbours, and so are its
//! outputs and weights.

mod backward;
mod band;
mod correlate;
mod filter;
mod forward;
mod grid;
mod input_gradient;
mod output_gradient;
mod pooled;
mod products;
mod scratch;
mod weight_gradient;

pub(crate) use backward::{Saved, backward};
pub(crate) use forward::{Outputs, forward};
