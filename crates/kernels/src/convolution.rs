//! Convolutions without padding on batches `[features, images]`.

mod backward;
mod band;
mod correlate;
mod filter;
mod forward;
mod grid;
mod input_gradient;
mod output_gradient;
mod scratch;
mod weight_gradient;

pub(crate) use backward::{Saved, backward};
pub(crate) use forward::forward;
