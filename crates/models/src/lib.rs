//! The architectures that eigenscope trains and takes apart.
//!
//! An [`Architecture`] says what a model's tensors are called, how they are shaped and how they start; a
//! [`Model`] holds them as burn tensors and runs them forward. Stored tensors have PyTorch's orientation
//! (`[out, in]`). This crate knows no training: gradients flow if the device it is given records them.

mod activation;
mod activations;
mod architecture;
mod batch_norm;
mod bilinear;
mod error;
mod evaluate;
mod images;
mod label;
mod layer;
mod linear;
mod loaded_step;
mod model;
mod network;
pub mod networks;
mod norm;
mod properties;
mod runner;
mod shapes;
mod step;
pub mod steps;
mod stored_model;
mod window;

pub use activation::Activation;
pub use activations::Activations;
pub use architecture::{Architecture, ParameterShape, Start};
pub use batch_norm::BatchNorm;
pub use bilinear::{BilinearLayers, BilinearWeights};
pub use eigenscope_kernels::{BatchLoss, BilinearEvaluation, BilinearLayer, BilinearStep};
pub use error::{Incompatible, ModelError};
pub use evaluate::{
    Evaluation, correct_predictions, evaluate, evaluate_batches, evaluation_rows, predicted_class,
};
pub use images::check_images;
pub use label::{NetworkLabel, SizeValue};
pub use layer::Layer;
#[cfg(feature = "autodiff")]
pub use model::DropoutMasks;
pub use model::{Model, values};
pub use network::{Bias, LayerNames, Network, Rule, Size, WindowRun};
#[cfg(feature = "autodiff")]
pub use norm::BatchStatistics;
pub use runner::{Runner, State};
pub use step::{Dropout, MAX_POOL, Pool, PoolKind, Step};
pub use stored_model::StoredModel;
pub use window::Window;
