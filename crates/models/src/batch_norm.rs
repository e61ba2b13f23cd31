//! Batch normalisation as a step.

use eigenscope_artifact::InputShape;
use serde::{Deserialize, Serialize};

use crate::architecture::{ParameterShape, Start};

/// What the running averages of batch normalisation are called.
const RUNNING_MEAN: &str = "running_mean";
const RUNNING_VARIANCE: &str = "running_var";

/// PyTorch's defaults.
const EPSILON: f64 = 1e-5;
const MOMENTUM: f64 = 0.1;

/// Batch normalisation (Ioffe and Szegedy 2015; `torch.nn.BatchNorm2d`, and `BatchNorm1d` for features without a place): of
/// every channel,
///
/// ```text
/// y = (x - mean) / sqrt(variance + epsilon) * weight + bias
/// ```
///
/// In training, mean and variance are those of the batch (denominator n), over images and places. Afterwards they are
/// running averages: 1 - momentum of the old value and momentum of the batch's, the variance with denominator n - 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchNorm {
    /// Name, such as `norm2`; its tensors are `weight`, `bias`, `running_mean` and `running_var`.
    pub name: String,
    /// Shape of its input and output.
    pub input: InputShape,
    /// What is added to the variance; 1e-5 is left out of the JSON.
    #[serde(default = "epsilon", skip_serializing_if = "is_epsilon")]
    pub epsilon: f64,
    /// Weight of a batch in the running averages; 0.1 is left out of the JSON.
    #[serde(default = "momentum", skip_serializing_if = "is_momentum")]
    pub momentum: f64,
}

fn epsilon() -> f64 {
    EPSILON
}

fn momentum() -> f64 {
    MOMENTUM
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature is serde's"
)]
fn is_epsilon(value: &f64) -> bool {
    *value == EPSILON
}

#[allow(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature is serde's"
)]
fn is_momentum(value: &f64) -> bool {
    *value == MOMENTUM
}

impl BatchNorm {
    /// A normalisation with PyTorch's epsilon and momentum.
    pub fn new(name: impl Into<String>, input: InputShape) -> Self {
        Self {
            name: name.into(),
            input,
            epsilon: EPSILON,
            momentum: MOMENTUM,
        }
    }

    /// The tensors: weight, bias, running mean and running variance, in stored order.
    pub(crate) fn parameters(&self) -> [ParameterShape; 4] {
        let tensor = |name, value, trained| ParameterShape {
            name: format!("{}.{name}", self.name),
            shape: vec![self.input.channels],
            start: Start::Constant(value),
            trained,
        };
        [
            tensor("weight", 1.0, true),
            tensor("bias", 0.0, true),
            tensor(RUNNING_MEAN, 0.0, false),
            tensor(RUNNING_VARIANCE, 1.0, false),
        ]
    }
}
