//! Bilinear layers: accuracy with few eigenpairs and with masks, and the similarity of eigenvectors between models.

mod masks;
mod participation;
mod seed_pairs;
mod shared_basis;
mod similarity;
mod truncation;
mod truncation_summary;

pub use masks::{MaskCounts, MaskedModel};
pub use participation::{Participation, mean_participation, participation_ratio};
pub use seed_pairs::{ModelVectors, SeedPair, Variant};
pub(crate) use seed_pairs::{read_models, sizes};
pub use shared_basis::SharedBasisModel;
pub use similarity::{similarity, similarity_map};
pub use truncation::TopEigenpairs;
pub(crate) use truncation::TruncatedPredictions;
pub use truncation_summary::truncation_summary;
