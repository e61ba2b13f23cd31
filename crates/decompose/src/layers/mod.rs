//! Single layers: what they read.

mod activations;
mod marchenko_pastur;

pub use activations::Activations;
pub use marchenko_pastur::MarchenkoPastur;
