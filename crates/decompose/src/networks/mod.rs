//! Whole networks: aligned with each other, and drawn from the weights of another.

mod channels;
mod covariance_factors;
mod cross_moments;
mod rainbow_sampler;

pub use channels::align_columns;
pub use covariance_factors::CovarianceFactors;
pub(crate) use cross_moments::overflow;
pub use cross_moments::{CrossMoments, LinearSamples, cross_moments};
pub use rainbow_sampler::RainbowSampler;
