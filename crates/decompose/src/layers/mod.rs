//! Single layers: what they read, the covariances of inputs and weights, and the law of random weights.

mod activation_covariance;
mod activations;
mod eigenbasis;
mod marchenko_pastur;
mod weight_covariance;

pub use activation_covariance::ActivationCovariance;
pub(crate) use activation_covariance::activation_covariances;
pub use activations::Activations;
pub use eigenbasis::Eigenbasis;
pub(crate) use eigenbasis::check_layers;
pub use marchenko_pastur::MarchenkoPastur;
pub use weight_covariance::weight_covariance;
