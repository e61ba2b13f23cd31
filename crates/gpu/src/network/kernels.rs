//! The compiled kernels of networks.

use crate::{Card, GpuError, Kernel, training};

const MAPS: &str = include_str!("maps.cu");
const FUNCTIONS: &str = include_str!("functions.cu");
const POOLS: &str = include_str!("pools.cu");
const NORMS: &str = include_str!("norms.cu");

macro_rules! kernels {
    ($($name:ident)*) => {
        /// The kernels, by the names that they have in their text.
        #[derive(Debug)]
        pub(super) struct Kernels {
            pub(super) shared: training::Kernels,
            /// Threads that run in step.
            pub(super) warp: usize,
            $(pub(super) $name: Kernel,)*
        }

        impl Kernels {
            pub(super) fn compile(card: &Card) -> Result<Self, GpuError> {
                let source = [training::SOURCE, MAPS, FUNCTIONS, POOLS, NORMS].concat();
                let module = card.compile(&source, &[("WARP", card.warp().to_string())])?;
                Ok(Self {
                    shared: training::Kernels::of(&module)?,
                    warp: card.warp() as usize,
                    $($name: module.kernel(stringify!($name))?,)*
                })
            }
        }
    };
}

kernels! {
    transpose add_bias windows windows_gradient loss
    function function_gradient gate gate_gradient dropout copy add
    pool pool_gradient
    row_parts row_sums norm_mean norm_variance norm_averages normalise norm_tensors norm_gradient
}
