//! Single layers: accuracy with a clipped weight.

mod clipped_layer;
mod clipping_curve;
mod layer_bases;

pub use clipped_layer::ClippedLayer;
pub(crate) use clipping_curve::{ClippingCurve, correct_unclipped};
pub(crate) use layer_bases::LayerBases;
