//! Pooling: what it read is kept.

use burn::backend::Flex;
use burn::backend::TensorMetadata;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, unary};
use burn_flex::FlexTensor;

use crate::backend::{tensor, values};
use crate::pool::{Pool, backward};

#[derive(Debug)]
pub(super) struct Step;

/// What the gradient is computed from.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) pool: Pool,
    pub(super) features: FlexTensor,
}

impl Backward<Flex, 1> for Step {
    type State = Kept;

    fn backward(self, ops: Ops<Kept, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let Kept { pool, features } = ops.state;
        let features = features.to_contiguous();
        let [length, images] = features.shape().dims();
        unary::<Flex, _>(ops.parents, ops.node, gradients, |gradient| {
            let gradient = gradient.to_contiguous();
            let found = backward(pool, images, values(&features), values(&gradient));
            tensor(found, [length, images])
        });
    }
}
