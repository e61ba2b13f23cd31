//! Functions of single values.

use burn::tensor::Tensor;
use burn::tensor::activation::{gelu, gelu_approximate, leaky_relu, sigmoid, silu, tanh};
use serde::{Deserialize, Serialize};

/// A function that is applied to every value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Activation {
    /// x Phi(x), with Phi the distribution function of the standard normal distribution.
    Gelu,
    /// x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), PyTorch's `approximate = "tanh"`.
    GeluTanh,
    /// x / (1 + exp(-x)).
    Silu,
    /// The hyperbolic tangent.
    Tanh,
    /// 1 / (1 + exp(-x)).
    Sigmoid,
    /// x where it is positive, elsewhere this slope times x.
    LeakyRelu(f64),
}

impl Activation {
    /// The function of every value of `rows`.
    pub(crate) fn apply(self, rows: Tensor<2>) -> Tensor<2> {
        match self {
            Activation::Gelu => gelu(rows),
            Activation::GeluTanh => gelu_approximate(rows),
            Activation::Silu => silu(rows),
            Activation::Tanh => tanh(rows),
            Activation::Sigmoid => sigmoid(rows),
            Activation::LeakyRelu(slope) => leaky_relu(rows, slope),
        }
    }
}
