//! The gate: the rows are kept.

use burn::backend::Flex;
use burn::backend::TensorMetadata;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, unary};
use burn_flex::FlexTensor;

use crate::backend::{tensor, values};
use crate::gate;

#[derive(Debug)]
pub(super) struct Step;

impl Backward<Flex, 1> for Step {
    type State = FlexTensor;

    fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let rows = ops.state.to_contiguous();
        let [count, width] = rows.shape().dims();
        unary::<Flex, _>(ops.parents, ops.node, gradients, |gradient| {
            let gradient = gradient.to_contiguous();
            let gradient = gate::backward(values(&rows), width, values(&gradient));
            tensor(gradient, [count, width])
        });
    }
}
