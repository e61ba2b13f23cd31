//! Linear layers without bias, ReLU between them.

use eigenscope_artifact::InputShape;

use crate::layer::{Layer, Step};

/// W_n relu(... relu(W_1 x)); layers are called `layer1`, `layer2`, ...
pub(crate) fn steps(input: InputShape, widths: &[usize], classes: usize) -> Vec<Step> {
    let mut input = input;
    let mut steps = Vec::new();
    for (index, &outputs) in widths.iter().chain([&classes]).enumerate() {
        if index > 0 {
            steps.push(Step::Relu);
        }
        let layer = Layer {
            name: format!("layer{}", index + 1),
            input,
            outputs,
            window: None,
            bias: false,
        };
        input = layer.output();
        steps.push(Step::Map(layer));
    }
    steps
}
