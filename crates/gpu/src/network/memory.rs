//! Where values and their gradients lie: values in buffers that last for a step, gradients in slots that are used again.

use super::structure::{Network, Node, Operation};

/// What a training needs room for, before the number of images is known.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Memory {
    /// The buffer of every value: functions of single values replace what they read where nobody else reads it.
    pub(super) buffer_of: Vec<usize>,
    /// Features of every buffer.
    pub(super) buffers: Vec<usize>,
    /// What is done backward, in this order. The gradient of the logits lies in the first slot before.
    pub(super) backward: Vec<Backward>,
    /// Features of every slot.
    pub(super) slots: Vec<usize>,
}

/// A number of a slot.
pub(super) type Slot = usize;

/// A part of the backward pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Backward {
    /// The gradients of a node's tensors, and of what it reads, from that of what it makes, which is then done with. The two slots
    /// may be one.
    Node {
        node: usize,
        gradient: Slot,
        /// `None` if nothing before depends on a tensor.
        result: Option<Slot>,
    },
    /// The second summand has the gradient of the first.
    Copy {
        from: Slot,
        to: Slot,
        features: usize,
    },
    /// A gradient from another reader of the value is added.
    Add {
        from: Slot,
        to: Slot,
        features: usize,
    },
}

impl Memory {
    pub(super) fn new(network: &Network) -> Self {
        let (buffer_of, buffers) = buffers(network);
        let (backward, slots) = Slots::default().backward(network);
        Self {
            buffer_of,
            buffers,
            backward,
            slots,
        }
    }
}

/// How often each value is read. The logits are read by the loss.
fn readers(network: &Network) -> Vec<usize> {
    let mut readers = vec![0; network.features.len()];
    for node in &network.nodes {
        readers[node.input] += 1;
        if let Some(other) = node.other {
            readers[other] += 1;
        }
    }
    if let Some(logits) = readers.last_mut() {
        *logits += 1;
    }
    readers
}

fn buffers(network: &Network) -> (Vec<usize>, Vec<usize>) {
    let readers = readers(network);
    let (mut buffer_of, mut buffers) = (vec![0], vec![network.features[0]]);
    // Values that the backward pass reads, and the inputs, are not overwritten.
    let mut is_kept = vec![true];
    for node in &network.nodes {
        let replaces = match node.operation {
            Operation::Function(function) => function.keeps_output(),
            Operation::Dropout { .. } => true,
            _ => false,
        };
        if replaces && readers[node.input] == 1 && !is_kept[node.input] {
            buffer_of.push(buffer_of[node.input]);
        } else {
            buffer_of.push(buffers.len());
            buffers.push(network.features[node.output]);
        }
        is_kept.push(match node.operation {
            Operation::Function(function) => function.keeps_output(),
            _ => false,
        });
    }
    (buffer_of, buffers)
}

/// Slots in use and free ones.
#[derive(Debug, Default)]
struct Slots {
    features: Vec<usize>,
    free: Vec<Slot>,
}

impl Slots {
    /// A slot with room for so many features: of the free ones that which has to grow least, or else is smallest.
    fn take(&mut self, features: usize) -> Slot {
        let growth = |&slot: &Slot| {
            let room = self.features[slot];
            (features.saturating_sub(room), room)
        };
        match self.free.iter().copied().min_by_key(growth) {
            Some(slot) => {
                self.free.retain(|&free| free != slot);
                self.features[slot] = self.features[slot].max(features);
                slot
            }
            None => {
                self.features.push(features);
                self.features.len() - 1
            }
        }
    }

    /// The way back through `network`, and the features of the slots.
    fn backward(mut self, network: &Network) -> (Vec<Backward>, Vec<usize>) {
        let depends = depends(network);
        let mut gradients: Vec<Option<Slot>> = vec![None; network.features.len()];
        let mut steps = Vec::new();
        if let (Some(last), Some(&features)) = (gradients.last_mut(), network.features.last()) {
            *last = Some(self.take(features));
        }
        for (number, node) in network.nodes.iter().enumerate().rev() {
            let Some(gradient) = gradients[node.output].take() else {
                continue;
            };
            if !depends[node.output] {
                self.free.push(gradient);
                continue;
            }
            let features = network.features[node.input];
            if node.operation == Operation::Sum {
                self.sum(
                    node,
                    gradient,
                    features,
                    &depends,
                    &mut gradients,
                    &mut steps,
                );
                continue;
            }
            let result = depends[node.input].then(|| match node.operation {
                Operation::Map { .. } | Operation::Gate | Operation::Pool(_) => self.take(features),
                _ => gradient,
            });
            steps.push(Backward::Node {
                node: number,
                gradient,
                result,
            });
            if result != Some(gradient) {
                self.free.push(gradient);
            }
            if let Some(result) = result {
                self.deliver(node.input, result, features, &mut gradients, &mut steps);
            }
        }
        (steps, self.features)
    }

    /// The way back through a sum: each summand has its gradient.
    fn sum(
        &mut self,
        node: &Node,
        gradient: Slot,
        features: usize,
        depends: &[bool],
        gradients: &mut [Option<Slot>],
        steps: &mut Vec<Backward>,
    ) {
        let summands = [Some(node.input), node.other];
        let mut summands = summands.into_iter().flatten();
        let mut own = None;
        for summand in summands.by_ref().filter(|&summand| depends[summand]) {
            let slot = match own {
                None => gradient,
                Some(_) => {
                    let to = self.take(features);
                    steps.push(Backward::Copy {
                        from: gradient,
                        to,
                        features,
                    });
                    to
                }
            };
            match own {
                None => own = Some(summand),
                Some(_) => self.deliver(summand, slot, features, gradients, steps),
            }
        }
        // Last, as the slot may be done with then.
        if let Some(summand) = own {
            self.deliver(summand, gradient, features, gradients, steps);
        }
    }

    /// Takes a gradient of `value`, and adds it to what another reader has given.
    fn deliver(
        &mut self,
        value: usize,
        slot: Slot,
        features: usize,
        gradients: &mut [Option<Slot>],
        steps: &mut Vec<Backward>,
    ) {
        match gradients[value] {
            None => gradients[value] = Some(slot),
            Some(to) => {
                steps.push(Backward::Add {
                    from: slot,
                    to,
                    features,
                });
                self.free.push(slot);
            }
        }
    }
}

/// Whether each value depends on a tensor that is trained.
fn depends(network: &Network) -> Vec<bool> {
    let mut depends = vec![false];
    for node in &network.nodes {
        let has_tensors = matches!(
            node.operation,
            Operation::Map { .. } | Operation::Normalise { .. }
        );
        let summand = node.other.is_some_and(|other| depends[other]);
        depends.push(has_tensors || depends[node.input] || summand);
    }
    depends
}

#[cfg(test)]
mod tests {
    use super::super::structure::{Function, Map, Value};
    use super::*;

    fn linear(network: &mut Network, value: Value, outputs: usize) -> Value {
        let map = Map::linear(network.features(value), outputs, true);
        network.map(value, map).expect("it fits")
    }

    #[test]
    fn a_chain_needs_two_slots_and_replaces_what_it_rectifies() {
        let (mut network, mut value) = Network::new(9);
        for outputs in [7, 5, 3] {
            value = linear(&mut network, value, outputs);
            value = network.function(value, Function::Relu);
        }
        let memory = Memory::new(&network);
        assert_eq!(memory.buffer_of, [0, 1, 1, 2, 2, 3, 3]);
        assert_eq!(memory.buffers, [9, 7, 5, 3]);
        assert_eq!(memory.slots, [7, 5]);
        // The inputs have no gradient.
        let last = memory.backward.last();
        assert!(matches!(
            last,
            Some(Backward::Node {
                node: 0,
                result: None,
                ..
            })
        ));
    }

    #[test]
    fn what_two_read_is_not_replaced_and_has_both_gradients() {
        let (mut network, inputs) = Network::new(4);
        let value = linear(&mut network, inputs, 4);
        let branch = network.function(value, Function::Relu);
        let branch = linear(&mut network, branch, 4);
        network.sum(branch, value).expect("they fit");
        let memory = Memory::new(&network);
        assert_eq!(memory.buffer_of, [0, 1, 2, 3, 4]);
        let copies = |step: &&Backward| matches!(step, Backward::Copy { .. });
        let sums = |step: &&Backward| matches!(step, Backward::Add { .. });
        assert_eq!(memory.backward.iter().filter(copies).count(), 1);
        assert_eq!(memory.backward.iter().filter(sums).count(), 1);
    }

    #[test]
    fn a_function_that_needs_what_it_reads_keeps_it() {
        let (mut network, inputs) = Network::new(4);
        let mut value = linear(&mut network, inputs, 4);
        value = network.function(value, Function::Gelu);
        value = network.function(value, Function::Relu);
        // A rectified value is needed by its own way back.
        network.function(value, Function::Tanh);
        assert_eq!(Memory::new(&network).buffer_of, [0, 1, 2, 2, 3]);
    }
}
