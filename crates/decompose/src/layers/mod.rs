//! Single layers: the covariances of what they read and of their weights, the law of random weights, and what spectra say about weights.

mod activation_covariance;
mod eigenbasis;
mod marchenko_pastur;
mod power_law_tail;
mod weight_covariance;
mod weight_quality;

pub(crate) use activation_covariance::activation_covariances;
pub use activation_covariance::{ActivationCovariance, ConvolutionSamples};
pub use eigenbasis::Eigenbasis;
pub(crate) use eigenbasis::check_layers;
pub use marchenko_pastur::MarchenkoPastur;
pub use power_law_tail::PowerLawTail;
pub use weight_covariance::weight_covariance;
pub use weight_quality::weight_quality;
