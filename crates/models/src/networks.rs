//! The networks: which steps each consists of, and what its layers are called.
//!
//! A training task calls the one function that it needs, so that the code of one network is not code of another's results.
//! All fail with images too small for their convolutions.

use eigenscope_artifact::InputShape;

use crate::architecture::{Architecture, Network};
use crate::error::ModelError;
use crate::layer::Window;
use crate::stack::Stack;

/// U gate(W E x + b): `embed`, `gate`, `unembed`.
///
/// # Errors
/// None; the type is that of networks with convolutions.
pub fn bilinear(
    input: InputShape,
    classes: Vec<String>,
    hidden: usize,
    bias: bool,
) -> Result<Architecture, ModelError> {
    let mut stack = Stack::new(input);
    stack.linear("embed", hidden, false)?;
    stack.linear("gate", hidden.saturating_mul(2), bias)?;
    stack.gate()?;
    stack.linear("unembed", classes.len(), false)?;
    let network = Network::Bilinear { hidden, bias };
    Architecture::new(input, classes, network, stack.steps())
}

/// W_n relu(... relu(W_1 x)), without biases: `layer1`, `layer2`, ...
///
/// # Errors
/// None; the type is that of networks with convolutions.
pub fn mlp(
    input: InputShape,
    classes: Vec<String>,
    widths: Vec<usize>,
) -> Result<Architecture, ModelError> {
    let mut stack = Stack::new(input);
    for (index, &width) in widths.iter().enumerate() {
        stack.linear(&format!("layer{}", index + 1), width, false)?;
        stack.relu()?;
    }
    stack.linear(&format!("layer{}", widths.len() + 1), classes.len(), false)?;
    Architecture::new(input, classes, Network::Mlp { widths }, stack.steps())
}

/// Convolutions 5 x 5 with stride 2 and ReLU, `conv1`, `conv2`, ..., and `linear`; without biases.
///
/// # Errors
/// An image without room for a convolution.
pub fn cnn(
    input: InputShape,
    classes: Vec<String>,
    channels: Vec<usize>,
) -> Result<Architecture, ModelError> {
    let window = Window {
        kernel: 5,
        stride: 2,
    };
    let mut stack = Stack::new(input);
    for (index, &outputs) in channels.iter().enumerate() {
        stack.convolution(&format!("conv{}", index + 1), outputs, window, false)?;
        stack.relu()?;
    }
    stack.linear("linear", classes.len(), false)?;
    Architecture::new(input, classes, Network::Cnn { channels }, stack.steps())
}

/// Convolutions 5 x 5, `conv1` to 32 and `conv2` to 64 channels, each with ReLU and max pooling, the second
/// batch-normalised (`norm2`); `embedding` to 128 values, ReLU, `classifier`.
///
/// # Errors
/// An image without room for a convolution or for pooling.
pub fn convnet(input: InputShape, classes: Vec<String>) -> Result<Architecture, ModelError> {
    let window = Window {
        kernel: 5,
        stride: 1,
    };
    let mut stack = Stack::new(input);
    stack.convolution("conv1", 32, window, true)?;
    stack.relu()?;
    stack.max_pool()?;
    stack.convolution("conv2", 64, window, true)?;
    stack.batch_norm("norm2")?;
    stack.relu()?;
    stack.max_pool()?;
    stack.linear("embedding", 128, true)?;
    stack.relu()?;
    stack.linear("classifier", classes.len(), true)?;
    Architecture::new(input, classes, Network::Convnet, stack.steps())
}

/// Convolutions 2 x 2, `conv1` to `conv4`, each with ReLU and max pooling; `linear1` to `linear3` with ReLU down to
/// the width of the embedding; `embedding`, square and without activation; `classifier`.
///
/// # Errors
/// An image without room for a convolution or for pooling.
pub fn embedding_net(
    input: InputShape,
    classes: Vec<String>,
    embedding: usize,
) -> Result<Architecture, ModelError> {
    let window = Window {
        kernel: 2,
        stride: 1,
    };
    let mut stack = Stack::new(input);
    for (index, channels) in [8, 16, 32, 64].into_iter().enumerate() {
        stack.convolution(&format!("conv{}", index + 1), channels, window, true)?;
        stack.relu()?;
        stack.max_pool()?;
    }
    for (index, width) in [128, 64, embedding].into_iter().enumerate() {
        stack.linear(&format!("linear{}", index + 1), width, true)?;
        stack.relu()?;
    }
    stack.linear("embedding", embedding, true)?;
    stack.linear("classifier", classes.len(), true)?;
    let network = Network::EmbeddingNet { embedding };
    Architecture::new(input, classes, network, stack.steps())
}

/// Any of them. A task kind that trains should call its own function instead: code that calls this one is code of every
/// network.
///
/// # Errors
/// As the function of the network.
pub fn architecture(
    input: InputShape,
    classes: Vec<String>,
    network: Network,
) -> Result<Architecture, ModelError> {
    match network {
        Network::Bilinear { hidden, bias } => bilinear(input, classes, hidden, bias),
        Network::Mlp { widths } => mlp(input, classes, widths),
        Network::Cnn { channels } => cnn(input, classes, channels),
        Network::Convnet => convnet(input, classes),
        Network::EmbeddingNet { embedding } => embedding_net(input, classes, embedding),
    }
}
