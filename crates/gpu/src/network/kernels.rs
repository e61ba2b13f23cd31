//! The compiled kernels of networks.

use crate::{Card, GpuError, Kernel, Module, Preparation, training};

const MAPS: &str = include_str!("maps.cu");
const FUNCTIONS: &str = include_str!("functions.cu");
const POOLS: &str = include_str!("pools.cu");
const NORMS: &str = include_str!("norms.cu");

macro_rules! kernels {
    ($($name:ident)*) => {
        /// The kernels, by the names that they have in their text.
        #[derive(Debug)]
        pub(super) struct Kernels {
            /// Threads that run in step.
            pub(super) warp: usize,
            $(pub(super) $name: Kernel,)*
        }

        impl Kernels {
            /// Compiles the kernels, and with them those that all trainings share, which the module has as well.
            pub(super) fn compile(card: &Card, preparation: &Preparation) -> Result<(Self, Module), GpuError> {
                let own = [MAPS, FUNCTIONS, POOLS, NORMS];
                let module = training::compile(card, preparation, &own, &[])?;
                let kernels = Self {
                    warp: card.warp() as usize,
                    $($name: module.kernel(stringify!($name))?,)*
                };
                Ok((kernels, module))
            }
        }
    };
}

kernels! {
    add_bias windows windows_gradient loss
    function function_gradient gate gate_gradient dropout copy add
    pool pool_gradient
    row_parts row_sums norm_mean norm_variance norm_averages normalise norm_tensors norm_gradient
}
