//! Architectures as data: what a model consists of, before any weight exists.

use std::collections::BTreeSet;

use eigenscope_artifact::{InputShape, NamedTensor};
use serde::{Deserialize, Serialize};

use crate::batch_norm::BatchNorm;
use crate::error::ModelError;
use crate::label::NetworkLabel;
use crate::layer::Layer;
use crate::shapes::Shapes;
use crate::step::Step;

/// A model without its weights; stored as JSON in the metadata of its tensors.
///
/// The steps are part of it: whoever reads a model needs no definition of its network, and depends on none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Architecture {
    /// Shape of one input after the pixel transforms.
    pub input: InputShape,
    /// Class names; the model has one output for each.
    pub classes: Vec<String>,
    /// Name of the network and the sizes that were chosen; what it computes is in the steps alone.
    pub network: NetworkLabel,
    steps: Vec<Step>,
}

/// An architecture as it is stored.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    input: InputShape,
    classes: Vec<String>,
    network: NetworkLabel,
    steps: Vec<Step>,
}

impl TryFrom<Unchecked> for Architecture {
    type Error = ModelError;

    fn try_from(stored: Unchecked) -> Result<Self, ModelError> {
        Self::new(stored.input, stored.classes, stored.network, stored.steps)
    }
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

impl ParameterShape {
    /// Purpose of the random stream that a training draws the tensor's start from.
    pub fn purpose(&self) -> String {
        format!("initialise/{}", self.name)
    }

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
    /// What `make` makes for ten classes and square images of the first usual size that fits, with one of these numbers of
    /// channels: its layers and properties are those for images of any size. `None` if no size fits.
    pub fn of_usual_images(
        channels: &[usize],
        make: impl Fn(InputShape, Vec<String>) -> Option<Self>,
    ) -> Option<Self> {
        let sides = [28, 32, 64, 128, 224, 512];
        sides.into_iter().find_map(|side| {
            channels.iter().find_map(|&channels| {
                let classes = (0..10).map(|class| class.to_string()).collect();
                make(InputShape::from([channels, side, side]), classes)
            })
        })
    }

    /// The architecture of these steps.
    ///
    /// # Errors
    /// Returns an error if a step cannot read what the one before it makes, if two have one name, if a residual block is not closed
    /// or adds different shapes, if a limit is exceeded, or if the output is not one value for each class.
    pub fn new(
        input: InputShape,
        classes: Vec<String>,
        network: NetworkLabel,
        steps: Vec<Step>,
    ) -> Result<Self, ModelError> {
        let mut shapes = Shapes::new(input);
        let mut names = BTreeSet::new();
        for step in &steps {
            shapes.take(step)?;
            if let Some(name) = named(step)
                && !names.insert(name)
            {
                let name = name.to_owned();
                return Err(ModelError::SameName { name });
            }
        }
        shapes.end(classes.len())?;
        Ok(Self {
            input,
            classes,
            network,
            steps,
        })
    }

    /// The steps from inputs to logits.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// All layers with their positions among the steps.
    pub fn layers(&self) -> impl Iterator<Item = (usize, &Layer)> + Clone {
        let steps = self.steps.iter().enumerate();
        steps.filter_map(|(position, step)| match step {
            Step::Map(layer) => Some((position, layer)),
            _ => None,
        })
    }

    /// The layers whose outputs have no places, with how many outputs they have.
    pub fn flat_layers(&self) -> impl Iterator<Item = (&str, u64)> {
        let layers = self.layers().map(|(_, layer)| layer);
        let flat = layers.filter(|layer| layer.window.is_none());
        flat.map(|layer| (layer.name.as_str(), layer.outputs as u64))
    }

    /// All batch normalisations with their positions among the steps.
    pub fn norms(&self) -> impl Iterator<Item = (usize, &BatchNorm)> + Clone {
        let steps = self.steps.iter().enumerate();
        steps.filter_map(|(position, step)| match step {
            Step::Normalise(norm) => Some((position, norm)),
            _ => None,
        })
    }

    /// Whether any step adds a bias, as batch normalisation does.
    pub fn is_biased(&self) -> bool {
        let biased = |step: &Step| match step {
            Step::Map(layer) => layer.bias,
            step => matches!(step, Step::Normalise(_)),
        };
        self.steps.iter().any(biased)
    }

    /// Whether any step is a gate, which multiplies values of the layer before it with each other.
    pub fn is_gated(&self) -> bool {
        self.steps.contains(&Step::Gate)
    }

    /// Whether the network has residual blocks.
    pub fn is_residual(&self) -> bool {
        self.steps.contains(&Step::Add)
    }

    /// The layer called `name` with its position among the steps.
    ///
    /// # Errors
    /// Returns [`ModelError::UnknownLayer`] if the model has no such layer.
    pub fn layer(&self, name: &str) -> Result<(usize, &Layer), ModelError> {
        let layer = self.layers().find(|(_, layer)| layer.name == name);
        layer.ok_or_else(|| ModelError::UnknownLayer {
            name: name.to_owned(),
            layers: self.layers().map(|(_, layer)| layer.name.clone()).collect(),
        })
    }

    /// The layers called `names` in the order of the steps; all layers for no names.
    ///
    /// # Errors
    /// Returns [`ModelError::UnknownLayer`] if the model lacks one of them.
    pub fn select_layers(&self, names: &[String]) -> Result<Vec<(usize, &Layer)>, ModelError> {
        for name in names {
            self.layer(name)?;
        }
        let selected = |layer: &Layer| names.is_empty() || names.contains(&layer.name);
        Ok(self.layers().filter(|(_, layer)| selected(layer)).collect())
    }

    /// Multiplications of weights with inputs in the forward pass of one image.
    pub fn multiplications(&self) -> f64 {
        self.layers()
            .map(|(_, layer)| layer.multiplications())
            .sum()
    }

    /// The tensors of a model of this architecture, in the order in which they are stored and trained.
    pub fn parameters(&self) -> Vec<ParameterShape> {
        self.steps.iter().flat_map(Step::parameters).collect()
    }
}

/// The name of a step with tensors.
fn named(step: &Step) -> Option<&str> {
    match step {
        Step::Map(layer) => Some(&layer.name),
        Step::Normalise(norm) => Some(&norm.name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::networks;

    fn stored() -> Value {
        let classes = vec!["no".to_owned(), "yes".to_owned()];
        let architecture = networks::convnet().architecture(InputShape::from([1, 20, 20]), classes);
        serde_json::to_value(architecture.expect("it fits")).expect("serialises")
    }

    #[test]
    fn a_stored_architecture_reads_back() {
        let read: Architecture = serde_json::from_value(stored()).expect("reads back");
        assert_eq!(serde_json::to_value(read).expect("serialises"), stored());
    }

    #[test]
    fn steps_from_files_must_fit_together() {
        for (place, value, reason) in [
            (
                "/steps/0/map/input/height",
                json!(21),
                "conv1 needs inputs of shape 1 x 21 x 20, it is given 1 x 20 x 20",
            ),
            (
                "/steps/0/map/window/kernel",
                json!(0),
                "the windows of conv1 have no pixels",
            ),
            (
                "/steps/0/map/window/kernel",
                json!(21),
                "conv1 needs an image of at least 21 x 21 pixels",
            ),
            (
                "/steps/0/map/window/stride",
                json!(0),
                "the windows of conv1 have no pixels",
            ),
            (
                "/steps/0/map/outputs",
                json!(31),
                "max pooling needs inputs of shape 32 x 16 x 16, it is given 31 x 16 x 16",
            ),
            (
                "/steps/1",
                json!("gate"),
                "max pooling needs inputs of shape 32 x 16 x 16, it is given 16 x 16 x 16",
            ),
            (
                "/steps/4/normalise/input/channels",
                json!(1),
                "norm2 needs inputs of shape 1 x 4 x 4, it is given 64 x 4 x 4",
            ),
            (
                "/classes",
                json!(["one"]),
                "the list of classes needs inputs of shape 1 x 1 x 1, it is given 2 x 1 x 1",
            ),
            (
                "/steps",
                json!([]),
                "the list of classes needs inputs of shape 2 x 1 x 1, it is given 1 x 20 x 20",
            ),
            ("/steps/1", json!("softmax"), "unknown variant `softmax`"),
        ] {
            let mut changed = stored();
            *changed.pointer_mut(place).expect(place) = value;
            let error = serde_json::from_value::<Architecture>(changed).expect_err(place);
            assert!(error.to_string().contains(reason), "{place}: {error}");
        }
    }
}
