//! Bilinear layers: their eigenvectors, compared between models.

mod seed_pairs;

pub use seed_pairs::{ModelVectors, SeedPair, Variant};
pub(crate) use seed_pairs::{pairs, read_models, sizes};
