//! Bilinear layers: accuracy with few eigenpairs, and the similarity of eigenvectors between models.

mod seed_pairs;
mod similarity;
mod truncation;
mod truncation_summary;

pub use seed_pairs::{ModelVectors, SeedPair, Variant};
pub(crate) use seed_pairs::{read_models, sizes};
pub use similarity::{similarity, similarity_map};
pub use truncation::TopEigenpairs;
pub(crate) use truncation::TruncatedPredictions;
pub use truncation_summary::truncation_summary;
