//! From the gradients of the logits to those of all tensors.

use super::forward::pool_arguments;
use super::memory::{Backward, Slot};
use super::structure::{Node, Operation};
use super::{Training, mask_words};
use crate::module::Argument::Whole;
use crate::module::at;
use crate::{Buffer, GpuError};

impl Training {
    /// Puts the backward pass of a step into the queue.
    pub(super) fn enqueue_backward(&self, images: usize) -> Result<(), GpuError> {
        let masks = self
            .network
            .masks()
            .map(|features| mask_words(features, images));
        // Random words of the masks up to a node.
        let mut words: usize = masks.sum();
        for &step in &self.memory.backward {
            match step {
                Backward::Node {
                    node,
                    gradient,
                    result,
                } => {
                    let number = node;
                    let node = &self.network.nodes[number];
                    if let Operation::Dropout { .. } = node.operation {
                        words -= mask_words(self.network.features[node.output], images);
                    }
                    self.enqueue_node_back(number, node, gradient, result, words, images)?;
                }
                Backward::Copy { from, to, features } => {
                    let count = features * images;
                    let [from, to] = self.slots(from, to);
                    let arguments = [at(from, 0), at(to, 0), Whole(count as u32)];
                    // SAFETY: both slots have room for so many features of a batch.
                    unsafe { self.launch(&self.kernels.copy, count, &arguments)? };
                }
                Backward::Add { from, to, features } => {
                    let count = features * images;
                    let [from, to] = self.slots(from, to);
                    let arguments = [at(to, 0), at(from, 0), at(to, 0), Whole(count as u32)];
                    // SAFETY: as above.
                    unsafe { self.launch(&self.kernels.add, count, &arguments)? };
                }
            }
        }
        Ok(())
    }

    fn slots(&self, one: Slot, other: Slot) -> [&Buffer<f32>; 2] {
        [one, other].map(|slot| &self.values.slots[slot])
    }

    fn enqueue_node_back(
        &self,
        number: usize,
        node: &Node,
        gradient: Slot,
        result: Option<Slot>,
        words: usize,
        images: usize,
    ) -> Result<(), GpuError> {
        let slot = |slot: Slot| &self.values.slots[slot];
        let features = self.network.features[node.output];
        match node.operation {
            Operation::Map { map, weight, bias } => {
                let input = self.value(node.input);
                let (gradient, result) = (slot(gradient), result.map(slot));
                return self.enqueue_map_back(&map, weight, bias, input, gradient, result, images);
            }
            Operation::Normalise {
                normalisation,
                weight,
                bias,
                ..
            } => {
                let input = self.value(node.input);
                let is_wanted = result.is_some();
                let tensors = [weight, bias];
                let gradient = slot(gradient);
                let ends = (input, gradient, is_wanted);
                return self.enqueue_norm_back(number, &normalisation, tensors, ends, images);
            }
            Operation::Dropout { threshold, kept } => {
                let ends = [at(slot(gradient), 0); 2];
                return self.enqueue_mask(ends, (threshold, kept), words, features, images);
            }
            Operation::Function(_) | Operation::Gate | Operation::Pool(_) | Operation::Sum => {}
        }
        let Some(result) = result else {
            return Ok(());
        };
        let (gradient, result) = (at(slot(gradient), 0), at(slot(result), 0));
        let count = features * images;
        // SAFETY: slots and values have room for so many images; each kernel gets its own arguments.
        unsafe {
            match node.operation {
                Operation::Function(function) => {
                    let kept = match function.keeps_output() {
                        true => node.output,
                        false => node.input,
                    };
                    let [number, slope] = function.arguments();
                    let kept = at(self.value(kept), 0);
                    let arguments = [kept, gradient, number, slope, Whole(count as u32)];
                    self.launch(&self.kernels.function_gradient, count, &arguments)
                }
                Operation::Gate => {
                    let input = at(self.value(node.input), 0);
                    let arguments = [input, gradient, result, Whole(count as u32)];
                    self.launch(&self.kernels.gate_gradient, count, &arguments)
                }
                Operation::Pool(pool) => {
                    let features = self.network.features[node.input];
                    let sizes = pool_arguments(&pool, features, images);
                    let chosen = self.chosen(number, &pool);
                    let arguments = [&[gradient, result, chosen][..], &sizes].concat();
                    self.launch(&self.kernels.pool_gradient, features * images, &arguments)
                }
                _ => Ok(()),
            }
        }
    }
}
