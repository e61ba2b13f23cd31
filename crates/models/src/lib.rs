//! The architectures that eigenscope trains and takes apart.
//!
//! An [`Architecture`] says what a model's tensors are called, how they are shaped and how they start; a
//! [`Model`] holds them as burn tensors and runs them forward. Stored tensors have PyTorch's orientation
//! (`[out, in]`). This crate knows no training: gradients flow if the device it is given records them.

mod architecture;
mod bilinear;
mod error;
mod evaluate;
mod images;
mod label;
mod layer;
mod linear;
mod model;
mod network;
pub mod networks;
mod norm;
mod runner;

pub use architecture::{Architecture, ParameterShape, Start};
pub use bilinear::{BilinearLayers, BilinearWeights};
pub use error::{Incompatible, ModelError};
pub use evaluate::{
    Evaluation, correct_predictions, evaluate, evaluate_batches, evaluation_rows, predicted_class,
};
pub use images::check_images;
pub use label::{NetworkLabel, SizeValue};
pub use layer::{BatchNorm, Layer, Step, Window};
pub use model::{Model, StoredModel, values};
pub use network::{Bias, LayerNames, Network, Rule, Size, WindowRun};
#[cfg(feature = "autodiff")]
pub use norm::BatchStatistics;
pub use runner::Runner;
