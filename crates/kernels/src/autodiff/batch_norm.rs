//! The batch normalisation: its inputs and their moments are kept.

use burn::backend::Flex;
use burn::backend::TensorMetadata;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn_flex::FlexTensor;

use crate::backend::{tensor, values};
use crate::batch_norm::{Batch, Moments, Normalisation, backward};

#[derive(Debug)]
pub(super) struct Step;

/// What the gradients are computed from.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) normalisation: Normalisation,
    /// Features, weight, bias.
    pub(super) inputs: [FlexTensor; 3],
    /// Mean and variance.
    pub(super) moments: [FlexTensor; 2],
}

impl Backward<Flex, 3> for Step {
    type State = Kept;

    fn backward(self, ops: Ops<Kept, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = gradients.consume::<Flex>(&ops.node).to_contiguous();
        let [features, weight, bias] = ops.state.inputs.map(|tensor| tensor.to_contiguous());
        let [mean, variance] = ops.state.moments.map(|moment| values(&moment).to_vec());
        let [length, images] = features.shape().dims();
        let batch = Batch {
            normalisation: ops.state.normalisation,
            images,
            values: values(&features),
            weight: values(&weight),
            bias: values(&bias),
        };
        let found = backward(batch, &Moments { mean, variance }, values(&gradient));
        let channels = [found.bias.len()];
        let found = [
            tensor(found.values, [length, images]),
            tensor(found.weight, channels),
            tensor(found.bias, channels),
        ];
        for (node, gradient) in ops.parents.into_iter().zip(found) {
            if let Some(node) = node {
                gradients.register::<Flex>(node.id, gradient);
            }
        }
    }
}
