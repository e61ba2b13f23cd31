//! The convolution: its inputs are kept, its outputs if nothing but ReLU lies between, and the chosen pixels of pooling.

use std::borrow::Cow;

use burn::backend::Flex;
use burn::backend::TensorMetadata;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops};
use burn_flex::FlexTensor;

use crate::backend::{row_major, tensor, values};
use crate::convolution::{Saved, backward};
use crate::epilogue::Epilogue;
use crate::geometry::Convolution;

#[derive(Debug)]
pub(super) struct Step;

/// What the gradients are computed from.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    convolution: Convolution,
    /// Features and weight, row-major.
    inputs: [FlexTensor; 2],
    /// For ReLU alone.
    outputs: Option<FlexTensor>,
    /// For pooling: the pixel of every window that has its gradient.
    chosen: Option<FlexTensor>,
}

impl Kept {
    pub(super) fn new(
        convolution: Convolution,
        inputs: [FlexTensor; 2],
        outputs: &FlexTensor,
        chosen: Option<FlexTensor>,
    ) -> Self {
        Self {
            convolution,
            inputs,
            outputs: (convolution.epilogue == Epilogue::Relu).then(|| outputs.clone()),
            chosen,
        }
    }
}

impl Backward<Flex, 3> for Step {
    type State = Kept;

    fn backward(self, ops: Ops<Kept, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let convolution = ops.state.convolution;
        let gradient = row_major(gradients.consume::<Flex>(&ops.node));
        let [features, weight] = ops.state.inputs;
        let [features_node, weight_node, bias_node] = ops.parents;
        let [length, images] = features.shape().dims();
        let saved = Saved {
            convolution,
            images,
            inputs: values(&features),
            weight: Cow::Borrowed(values(&weight)),
            outputs: ops.state.outputs.as_ref().map(values),
            chosen: ops.state.chosen.as_ref().map(values),
            gradient: values(&gradient),
        };
        let found = backward(&saved, features_node.is_some());
        if let (Some(node), Some(inputs)) = (features_node, found.inputs) {
            gradients.register::<Flex>(node.id, tensor(inputs, [length, images]));
        }
        if let Some(node) = weight_node {
            let shape: [usize; 4] = weight.shape().dims();
            gradients.register::<Flex>(node.id, tensor(found.weight, shape));
        }
        if let Some(node) = bias_node {
            let outputs = convolution.outputs * convolution.groups;
            gradients.register::<Flex>(node.id, tensor(found.bias, [outputs]));
        }
    }
}
