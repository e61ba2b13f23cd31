//! Functions of single values as their kernels know them.

use super::structure::Function;
use crate::module::Argument::{self, Real, Whole};

impl Function {
    /// The number of the function in `functions.cu`, and the slope of a leaky ReLU.
    pub(super) fn arguments(self) -> [Argument; 2] {
        let (number, slope) = match self {
            Function::Relu => (0, 0.0),
            Function::Gelu => (1, 0.0),
            Function::GeluTanh => (2, 0.0),
            Function::Silu => (3, 0.0),
            Function::Tanh => (4, 0.0),
            Function::Sigmoid => (5, 0.0),
            Function::LeakyRelu(slope) => (6, slope),
        };
        [Whole(number), Real(slope)]
    }
}
