//! Whole networks: aligned with each other, compared, and drawn from the weights of another.

mod channels;
mod covariance_factors;
mod cross_moments;
mod layer_alignment;
mod overlaps;
mod rainbow_sampler;

pub use channels::align_columns;
pub use covariance_factors::CovarianceFactors;
pub use cross_moments::{CrossMoments, LinearSamples, cross_moments};
pub use layer_alignment::{LayerAlignment, align};
pub use overlaps::overlaps;
pub use rainbow_sampler::RainbowSampler;
