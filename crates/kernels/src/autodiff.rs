//! The kernels with gradients: what a forward pass keeps, and what its backward pass does with it.

mod batch_norm;
mod convolution;
mod gate;
mod pool;

use burn::backend::Flex;
use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::ops::{Backward, OpsKind};
use burn::backend::tensor::FloatTensor;

use crate::backend::{Kernels, convolve, row_major};
use crate::batch_norm::Normalisation;
use crate::geometry::Convolution;
use crate::pool::Pool;

impl<C: CheckpointStrategy> Kernels for Autodiff<Flex, C> {
    fn gate(rows: FloatTensor<Self>) -> FloatTensor<Self> {
        let node = rows.node();
        let rows = rows.into_primitive();
        let outputs = Flex::gate(rows.clone());
        match gate::Step.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(step) => step.finish(rows, outputs),
            OpsKind::UnTracked(step) => step.finish(outputs),
        }
    }

    fn convolution(
        features: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        convolution: Convolution,
    ) -> FloatTensor<Self> {
        let nodes = [&features, &weight, &bias].map(|tensor| tensor.node());
        let inputs = [features, weight, bias].map(|tensor| tensor.into_primitive());
        let [features, weight, bias] = inputs.map(row_major);
        let step = convolution::Step.prepare::<C>(nodes).compute_bound();
        match step.stateful() {
            OpsKind::Tracked(step) => {
                let (outputs, chosen) = convolve([&features, &weight, &bias], convolution, true);
                let kept =
                    convolution::Kept::new(convolution, [features, weight], &outputs, chosen);
                step.finish(kept, outputs)
            }
            OpsKind::UnTracked(step) => {
                step.finish(Flex::convolution(features, weight, bias, convolution))
            }
        }
    }

    fn pool(features: FloatTensor<Self>, pool: Pool) -> FloatTensor<Self> {
        let node = features.node();
        let features = features.into_primitive();
        let outputs = Flex::pool(features.clone(), pool);
        match pool::Step.prepare::<C>([node]).compute_bound().stateful() {
            OpsKind::Tracked(step) => step.finish(pool::Kept { pool, features }, outputs),
            OpsKind::UnTracked(step) => step.finish(outputs),
        }
    }

    fn batch_norm(
        features: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        normalisation: Normalisation,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let nodes = [&features, &weight, &bias].map(|tensor| tensor.node());
        let inputs = [features, weight, bias].map(|tensor| tensor.into_primitive());
        let [features, weight, bias] = inputs.clone();
        let (outputs, mean, variance) = Flex::batch_norm(features, weight, bias, normalisation);
        let step = batch_norm::Step.prepare::<C>(nodes).compute_bound();
        let outputs = match step.stateful() {
            OpsKind::Tracked(step) => {
                let moments = [mean.clone(), variance.clone()];
                let kept = batch_norm::Kept {
                    normalisation,
                    inputs,
                    moments,
                };
                step.finish(kept, outputs)
            }
            OpsKind::UnTracked(step) => step.finish(outputs),
        };
        let constant = FloatTensor::<Self>::new;
        (outputs, constant(mean), constant(variance))
    }
}
