//! The networks: which steps each consists of, and what its layers are called.

use eigenscope_artifact::InputShape;

use crate::error::ModelError;
use crate::layer::{Step, Window};
use crate::stack::Stack;

/// U gate(W E x + b): `embed`, `gate`, `unembed`.
pub(crate) fn bilinear(input: InputShape, hidden: usize, classes: usize, bias: bool) -> Vec<Step> {
    let mut stack = Stack::new(input);
    stack.linear("embed", hidden, false);
    stack.linear("gate", 2 * hidden, bias);
    stack.gate();
    stack.linear("unembed", classes, false);
    stack.steps()
}

/// W_n relu(... relu(W_1 x)), without biases: `layer1`, `layer2`, ...
pub(crate) fn mlp(input: InputShape, widths: &[usize], classes: usize) -> Vec<Step> {
    let mut stack = Stack::new(input);
    for (index, &width) in widths.iter().enumerate() {
        stack.linear(&format!("layer{}", index + 1), width, false);
        stack.relu();
    }
    stack.linear(&format!("layer{}", widths.len() + 1), classes, false);
    stack.steps()
}

/// Convolutions 5 x 5 with stride 2 and ReLU, `conv1`, `conv2`, ..., and `linear`; without biases.
pub(crate) fn cnn(
    input: InputShape,
    channels: &[usize],
    classes: usize,
) -> Result<Vec<Step>, ModelError> {
    let window = Window {
        kernel: 5,
        stride: 2,
    };
    let mut stack = Stack::new(input);
    for (index, &outputs) in channels.iter().enumerate() {
        stack.convolution(&format!("conv{}", index + 1), outputs, window, false)?;
        stack.relu();
    }
    stack.linear("linear", classes, false);
    Ok(stack.steps())
}

/// Convolutions 5 x 5, `conv1` to 32 and `conv2` to 64 channels, each with ReLU and max pooling, the second
/// batch-normalised (`norm2`); `embedding` to 128 values, ReLU, `classifier`.
pub(crate) fn convnet(input: InputShape, classes: usize) -> Result<Vec<Step>, ModelError> {
    let window = Window {
        kernel: 5,
        stride: 1,
    };
    let mut stack = Stack::new(input);
    stack.convolution("conv1", 32, window, true)?;
    stack.relu();
    stack.max_pool()?;
    stack.convolution("conv2", 64, window, true)?;
    stack.batch_norm("norm2");
    stack.relu();
    stack.max_pool()?;
    stack.linear("embedding", 128, true);
    stack.relu();
    stack.linear("classifier", classes, true);
    Ok(stack.steps())
}

/// Convolutions 2 x 2, `conv1` to `conv4`, each with ReLU and max pooling; `linear1` to `linear3` with ReLU down to
/// the width of the embedding; `embedding`, square and without activation; `classifier`.
pub(crate) fn embedding_net(
    input: InputShape,
    embedding: usize,
    classes: usize,
) -> Result<Vec<Step>, ModelError> {
    let window = Window {
        kernel: 2,
        stride: 1,
    };
    let mut stack = Stack::new(input);
    for (index, channels) in [8, 16, 32, 64].into_iter().enumerate() {
        stack.convolution(&format!("conv{}", index + 1), channels, window, true)?;
        stack.relu();
        stack.max_pool()?;
    }
    for (index, width) in [128, 64, embedding].into_iter().enumerate() {
        stack.linear(&format!("linear{}", index + 1), width, true);
        stack.relu();
    }
    stack.linear("embedding", embedding, true);
    stack.linear("classifier", classes, true);
    Ok(stack.steps())
}
