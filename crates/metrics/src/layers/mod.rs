//! Single layers: accuracy with a clipped weight.

mod clipped_layer;
mod layer_bases;

pub use clipped_layer::ClippedLayer;
pub(crate) use clipped_layer::images_at_once;
pub(crate) use layer_bases::LayerBases;
