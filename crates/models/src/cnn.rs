//! Convolutions 5 x 5 with stride 2 and ReLU, then one linear layer; no padding, no biases.

use eigenscope_artifact::InputShape;

use crate::error::ModelError;
use crate::layer::{Layer, Step, Window};

const WINDOW: Window = Window {
    kernel: 5,
    stride: 2,
};

/// W relu(... relu(conv1 x)); layers are called `conv1`, `conv2`, ..., `linear`.
///
/// # Errors
/// An image without room for a kernel.
pub(crate) fn steps(
    input: InputShape,
    channels: &[usize],
    classes: usize,
) -> Result<Vec<Step>, ModelError> {
    let mut input = input;
    let mut steps = Vec::new();
    for (index, &outputs) in channels.iter().enumerate() {
        let InputShape { height, width, .. } = input;
        let kernel = WINDOW.kernel;
        if height < kernel || width < kernel {
            return Err(ModelError::TooSmall {
                layer: index + 1,
                kernel,
                height,
                width,
            });
        }
        let layer = Layer {
            name: format!("conv{}", index + 1),
            input,
            outputs,
            window: Some(WINDOW),
            bias: false,
        };
        input = layer.output();
        steps.extend([Step::Map(layer), Step::Relu]);
    }
    steps.push(Step::Map(Layer {
        name: "linear".to_owned(),
        input,
        outputs: classes,
        window: None,
        bias: false,
    }));
    Ok(steps)
}
