//! The networks.
//!
//! A training task calls the one function that it needs, so that the code of one network is not code of another's results.

use crate::network::{Bias, Network, Rule, Size};
use crate::window::Window;

/// U gate(W E x + b): `embed`, `gate`, `unembed`.
pub fn bilinear(hidden: usize, bias: bool) -> Network {
    bilinear_blocks(hidden, bias, 1, false)
}

/// As [`bilinear`] with several bilinear layers one after another, `gate1`, `gate2`, ..., if there is more than one. With
/// h = E x, each makes gate(W h + b) of h, or, if it is `residual`, h + gate(W h + b).
///
/// Source: Pearce et al., *Bilinear MLPs enable weight-based mechanistic interpretability* (2025).
pub fn bilinear_blocks(hidden: usize, bias: bool, blocks: usize, residual: bool) -> Network {
    let hidden = |times| Size::Parameter {
        name: "hidden",
        value: hidden,
        times,
    };
    let name = if blocks == 1 { "gate" } else { "gate#" };
    let mut block = vec![
        Rule::linear(name, hidden(2), Bias::Parameter("bias", bias)),
        Rule::Gate,
    ];
    if residual {
        block = vec![Rule::Residual {
            parameter: "residual",
            rules: block,
        }];
    }
    if blocks != 1 {
        block = vec![Rule::Repeat {
            parameter: "blocks",
            times: blocks,
            rules: block,
        }];
    }
    let mut rules = vec![Rule::linear("embed", hidden(1), Bias::Never)];
    rules.extend(block);
    rules.push(Rule::linear("unembed", Size::Classes, Bias::Never));
    Network::new("bilinear", rules)
}

/// W_n relu(... relu(W_1 x)), without biases: `layer1`, `layer2`, ...
pub fn mlp(widths: Vec<usize>) -> Network {
    let rules = vec![
        Rule::ForEach {
            list: "widths",
            items: widths,
            rules: vec![Rule::linear("layer#", Size::Item, Bias::Never), Rule::Relu],
        },
        Rule::linear("layer#", Size::Classes, Bias::Never),
    ];
    Network::new("mlp", rules)
}

/// Convolutions 5 x 5 with stride 2 and ReLU, `conv1`, `conv2`, ..., and `linear`; without biases.
pub fn cnn(channels: Vec<usize>) -> Network {
    let window = Window::new(5, 2);
    let rules = vec![
        Rule::ForEach {
            list: "channels",
            items: channels,
            rules: vec![
                Rule::convolution("conv#", Size::Item, window, Bias::Never),
                Rule::Relu,
            ],
        },
        Rule::linear("linear", Size::Classes, Bias::Never),
    ];
    Network::new("cnn", rules)
}

/// Convolutions 5 x 5, `conv1` to 32 and `conv2` to 64 channels, each with ReLU and max pooling, the second
/// batch-normalised (`norm2`); `embedding` to 128 values, ReLU, `classifier`.
pub fn convnet() -> Network {
    let window = Window::new(5, 1);
    let rules = vec![
        Rule::convolution("conv1", Size::Fixed(32), window, Bias::Always),
        Rule::Relu,
        Rule::MaxPool,
        Rule::convolution("conv2", Size::Fixed(64), window, Bias::Always),
        Rule::Normalise("norm2"),
        Rule::Relu,
        Rule::MaxPool,
        Rule::linear("embedding", Size::Fixed(128), Bias::Always),
        Rule::Relu,
        Rule::linear("classifier", Size::Classes, Bias::Always),
    ];
    Network::new("convnet", rules)
}

/// Convolutions 2 x 2, `conv1` to `conv4`, each with ReLU and max pooling; `linear1` to `linear3` with ReLU down to
/// the width of the embedding; `embedding`, square and without activation; `classifier`.
pub fn embedding_net(embedding: usize) -> Network {
    let window = Window::new(2, 1);
    let embedding = Size::Parameter {
        name: "embedding",
        value: embedding,
        times: 1,
    };
    let mut rules = Vec::new();
    for channels in [8, 16, 32, 64] {
        rules.extend([
            Rule::convolution("conv#", Size::Fixed(channels), window, Bias::Always),
            Rule::Relu,
            Rule::MaxPool,
        ]);
    }
    for width in [Size::Fixed(128), Size::Fixed(64), embedding] {
        rules.extend([Rule::linear("linear#", width, Bias::Always), Rule::Relu]);
    }
    rules.extend([
        Rule::linear("embedding", embedding, Bias::Always),
        Rule::linear("classifier", Size::Classes, Bias::Always),
    ]);
    Network::new("embedding-net", rules)
}
