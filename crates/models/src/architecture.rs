//! Architectures as data: what a model consists of, before any weight exists.

use eigenscope_artifact::{InputShape, NamedTensor};
use serde::{Deserialize, Serialize};

use crate::error::ModelError;
use crate::layer::{Layer, Step};
use crate::networks;

/// A model without its weights; stored as JSON in the metadata of its tensors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Architecture {
    /// Shape of one input after the pixel transforms.
    pub input: InputShape,
    /// Class names; the model has one output for each.
    pub classes: Vec<String>,
    /// What lies between.
    pub network: Network,
}

/// The layers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Network {
    /// logits = U ((L E x + b_l) * (R E x + b_r)), the products elementwise.
    Bilinear {
        /// Hidden size d.
        hidden: usize,
        /// Whether the gate has a bias (b_l, b_r).
        bias: bool,
    },
    /// Linear layers without bias, ReLU between them.
    Mlp {
        /// Width of every hidden layer.
        widths: Vec<usize>,
    },
    /// Convolutions 5 x 5 with stride 2 and ReLU, then one linear layer; no biases.
    Cnn {
        /// Output channels of every convolution.
        channels: Vec<usize>,
    },
    /// Two convolutions 5 x 5 with max pooling, the second batch-normalised; an embedding of 128 values.
    Convnet,
    /// Four convolutions 2 x 2 with max pooling, linear layers down to a small embedding.
    EmbeddingNet {
        /// Values of the embedding.
        embedding: usize,
    },
}

/// Name, shape and start of one tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterShape {
    /// Name in the tensors artifact.
    pub name: String,
    /// PyTorch orientation.
    pub shape: Vec<usize>,
    /// Its values before training.
    pub start: Start,
    /// Whether it is changed by gradients; if not, it is a statistic of the inputs seen in training.
    pub trained: bool,
}

/// Values of a tensor before training, as PyTorch chooses them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Start {
    /// Uniform in ±1/sqrt(fan_in), for weights and biases of linear and convolution layers.
    Uniform {
        /// Number of inputs of one output unit.
        fan_in: usize,
    },
    /// The same value everywhere.
    Constant(f32),
}

impl Network {
    /// Name for messages.
    pub const fn name(&self) -> &'static str {
        match self {
            Network::Bilinear { .. } => "bilinear",
            Network::Mlp { .. } => "mlp",
            Network::Cnn { .. } => "cnn",
            Network::Convnet => "convnet",
            Network::EmbeddingNet { .. } => "embedding-net",
        }
    }
}

impl ParameterShape {
    /// The tensor at its start, from a source of uniform numbers in 0..1.
    pub fn initial(self, mut uniform: impl FnMut() -> f64) -> NamedTensor {
        let values = self.shape.iter().product();
        let data = match self.start {
            Start::Constant(value) => vec![value; values],
            Start::Uniform { fan_in } => {
                let bound = 1.0 / (fan_in as f64).sqrt();
                let draw = |_| ((2.0 * uniform() - 1.0) * bound) as f32;
                (0..values).map(draw).collect()
            }
        };
        NamedTensor {
            name: self.name,
            shape: self.shape,
            data,
        }
    }
}

impl Architecture {
    /// The steps from inputs to logits.
    ///
    /// # Errors
    /// A layer that the input cannot pass, such as a convolution larger than its image.
    pub fn steps(&self) -> Result<Vec<Step>, ModelError> {
        let (input, classes) = (self.input, self.classes.len());
        match &self.network {
            Network::Bilinear { hidden, bias } => {
                Ok(networks::bilinear(input, *hidden, classes, *bias))
            }
            Network::Mlp { widths } => Ok(networks::mlp(input, widths, classes)),
            Network::Cnn { channels } => networks::cnn(input, channels, classes),
            Network::Convnet => networks::convnet(input, classes),
            Network::EmbeddingNet { embedding } => {
                networks::embedding_net(input, *embedding, classes)
            }
        }
    }

    /// The named layers with their positions among the steps, in the order of the steps; all for no names.
    ///
    /// # Errors
    /// As [`Architecture::steps`]; a layer that there is not.
    pub fn layers(&self, names: &[String]) -> Result<Vec<(usize, Layer)>, ModelError> {
        let steps = self.steps()?.into_iter().enumerate();
        let mut all: Vec<(usize, Layer)> = steps
            .filter_map(|(position, step)| match step {
                Step::Map(layer) => Some((position, layer)),
                Step::Relu | Step::Gate | Step::MaxPool(_) | Step::Normalise(_) => None,
            })
            .collect();
        let exists = |name: &String| all.iter().any(|(_, layer)| layer.name == *name);
        if let Some(name) = names.iter().find(|name| !exists(name)) {
            return Err(ModelError::NoLayer {
                name: name.clone(),
                layers: all.into_iter().map(|(_, layer)| layer.name).collect(),
            });
        }
        all.retain(|(_, layer)| names.is_empty() || names.contains(&layer.name));
        Ok(all)
    }

    /// The tensors of a model of this architecture, in the order in which they are stored and trained.
    ///
    /// # Errors
    /// As [`Architecture::steps`].
    pub fn parameters(&self) -> Result<Vec<ParameterShape>, ModelError> {
        let steps = self.steps()?;
        Ok(steps.iter().flat_map(Step::parameters).collect())
    }
}
