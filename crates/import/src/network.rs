//! The network that the weights of a file belong to: from steps, from the file, or a built-in one whose sizes the weights tell.

use std::collections::BTreeMap;

use eigenscope_artifact::InputShape;
use eigenscope_graphs::GraphNetwork;
use eigenscope_models::steps::StepList;
use eigenscope_models::{Architecture, Network, networks};
use serde_json::Value;

use crate::error::{Fitted, ImportError, Mismatch};
use crate::file::WeightFile;
use crate::fitting::Fitting;
use crate::matching::{Matching, TensorShape, matching};

/// Longest side in pixels that is tried where the size of the images is not known.
pub(crate) const LONGEST_SIDE: usize = 512;

/// What a pipeline file says about a network.
#[derive(Debug, Clone)]
pub(crate) enum Described {
    /// Its steps; none for a file that holds its graph.
    Steps(Vec<Value>),
    /// A bilinear network, with or without residual blocks.
    Bilinear { residual: bool },
    /// Linear layers with ReLU between them.
    Mlp,
    /// Convolutions of stride 2.
    Cnn,
    /// The network of this name, which has no sizes.
    ConvNet,
    /// The network of this name; its last layers tell the size of the embedding.
    EmbeddingNet,
}

impl Described {
    /// Whether the network may come with the file.
    pub(crate) fn is_of_steps(&self) -> bool {
        matches!(self, Described::Steps(_))
    }
}

/// A network before the images are known.
pub(crate) enum Definition {
    /// Steps with the name of the network.
    Steps(String, StepList),
    BuiltIn(Network),
}

/// A network, and where its tensors are in the file.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) architecture: Architecture,
    pub(crate) matching: Matching,
}

impl Definition {
    /// Makes a network of what the pipeline file says and the file holds.
    ///
    /// # Errors
    /// There are no steps, or more than one network; they are no network; or the weights are not those of the kind.
    pub(crate) fn new(described: &Described, file: &WeightFile) -> Result<Self, ImportError> {
        let built_in = |network| Ok(Definition::BuiltIn(network));
        if !described.is_of_steps() && file.has_graph() {
            return Err(ImportError::OwnGraph {
                path: file.path().to_owned(),
            });
        }
        match described {
            Described::Steps(steps) => match (file.graph(), steps.is_empty()) {
                (Some(_), false) => Err(ImportError::TwoNetworks {
                    path: file.path().to_owned(),
                }),
                (None, true) => Err(ImportError::NoNetwork {
                    path: file.path().to_owned(),
                }),
                (Some(graph), true) => Self::of_steps(&graph.steps).map_err(|error| {
                    // Nothing that the user wrote is wrong.
                    ImportError::Graph {
                        path: file.path().to_owned(),
                        reason: error.to_string(),
                    }
                }),
                (None, false) => Self::of_steps(&Value::Array(steps.clone())),
            },
            Described::Bilinear { residual } => built_in(bilinear(file, *residual)?),
            Described::Mlp => built_in(mlp(file)?),
            Described::Cnn => built_in(cnn(file)?),
            Described::ConvNet => built_in(networks::convnet()),
            Described::EmbeddingNet => built_in(embedding_net(file)?),
        }
    }

    fn of_steps(steps: &Value) -> Result<Self, ImportError> {
        Ok(Definition::Steps(
            "model".to_owned(),
            StepList::parse(steps)?,
        ))
    }

    pub(crate) fn architecture(
        &self,
        input: InputShape,
        classes: Vec<String>,
    ) -> Result<Architecture, ImportError> {
        Ok(match self {
            Definition::Steps(name, steps) => steps.architecture(name, input, classes)?,
            Definition::BuiltIn(network) => network.architecture(input, classes)?,
        })
    }

    /// Names of the layers if nothing else can be said.
    pub(crate) fn layer_names(&self) -> Vec<String> {
        match self {
            Definition::Steps(_, steps) => {
                steps.layer_names().into_iter().map(str::to_owned).collect()
            }
            Definition::BuiltIn(_) => Vec::new(),
        }
    }

    /// The network for these images, its tensors matched with those of the file.
    ///
    /// # Errors
    /// The steps do not fit the images. That tensors do not fit is in the matching.
    pub(crate) fn resolve(
        &self,
        file: &WeightFile,
        names: &BTreeMap<String, String>,
        input: InputShape,
        classes: Vec<String>,
    ) -> Result<Resolved, ImportError> {
        if let Some(expected) = file.graph_input().map(InputShape::from)
            && expected != input
        {
            return Err(ImportError::OtherImages {
                path: file.path().to_owned(),
                is_graph: true,
                fitting: Fitted(Fitting::exactly(expected)),
                found: input,
            });
        }
        let architecture = self.architecture(input, classes)?;
        let shapes: Vec<TensorShape> = architecture
            .parameters()
            .into_iter()
            .map(|parameter| TensorShape {
                name: parameter.name,
                shape: parameter.shape,
                foreign_type: None,
                is_assumed: false,
            })
            .collect();
        let matching = matching(&shapes, file.shapes(), names, file.is_ordered());
        Ok(Resolved {
            architecture,
            matching,
        })
    }

    /// As [`Definition::resolve`], with every tensor of the network.
    ///
    /// # Errors
    /// As there; a tensor is missing or has another shape; or the network would fit data with another number of classes, or
    /// other images.
    pub(crate) fn resolve_all(
        &self,
        file: &WeightFile,
        names: &BTreeMap<String, String>,
        input: InputShape,
        classes: Vec<String>,
    ) -> Result<Resolved, ImportError> {
        let found = classes.len();
        let resolved = self.resolve(file, names, input, classes.clone());
        let error = match resolved.and_then(|resolved| resolved.complete(file)) {
            Ok(resolved) => return Ok(resolved),
            Err(error) => error,
        };
        let of_graph = file.graph().and_then(last_outputs);
        let last = weights(file).last().map(|last| last.shape[0]);
        let outputs = of_graph.or(last).unwrap_or_default();
        if outputs == found || outputs > 100_000 {
            return Err(self.of_images(file, names, input, &classes, error));
        }
        let numbers = (0..outputs).map(|class| class.to_string()).collect();
        let other = self.resolve(file, names, input, numbers);
        match other.is_ok_and(|other| other.matching.is_complete()) {
            true => Err(ImportError::Classes {
                path: file.path().to_owned(),
                outputs,
                classes: found,
            }),
            false => Err(self.of_images(file, names, input, &classes, error)),
        }
    }

    /// The error of weights that fit other images, if that is so.
    fn of_images(
        &self,
        file: &WeightFile,
        names: &BTreeMap<String, String>,
        input: InputShape,
        classes: &[String],
        error: ImportError,
    ) -> ImportError {
        let is_of_shapes = match &error {
            ImportError::Mismatch { matching, .. } => {
                matching.0.unknown.is_empty() && !matching.0.different.is_empty()
            }
            // No room for the windows.
            ImportError::Steps(_) | ImportError::Model(_) => true,
            _ => false,
        };
        let fitting = is_of_shapes.then(|| Fitting::find(self, file, names, input, classes));
        match fitting.flatten() {
            Some(fitting) => ImportError::OtherImages {
                path: file.path().to_owned(),
                is_graph: false,
                fitting: Fitted(fitting),
                found: input,
            },
            None => error,
        }
    }

    /// The network for these images, with every tensor of it, where the classes are not known.
    ///
    /// # Errors
    /// As [`Definition::resolve`]; or a tensor is missing or has another shape.
    pub(crate) fn resolve_for(
        &self,
        file: &WeightFile,
        input: InputShape,
    ) -> Result<Resolved, ImportError> {
        let resolved = self.resolve(file, &BTreeMap::new(), input, numbered_classes(file))?;
        resolved.complete(file)
    }

    /// As [`Definition::resolve`] where the images, or their classes, are not known: for images that fit the weights. `None` if
    /// there are none.
    pub(crate) fn resolve_unknown(
        &self,
        file: &WeightFile,
        names: &BTreeMap<String, String>,
        classes: Option<Vec<String>>,
    ) -> Option<Resolved> {
        let weights = weights(file);
        let classes = classes.unwrap_or_else(|| numbered_classes(file));
        if let Some(input) = file.graph_input() {
            return self
                .resolve(file, names, InputShape::from(input), classes)
                .ok();
        }
        let inputs: Vec<InputShape> = match weights.first()?.shape[..] {
            [_, channels, _, _] => (1..=LONGEST_SIDE)
                .map(|side| InputShape::from([channels, side, side]))
                .collect(),
            [_, values, ..] => vec![InputShape::from([values, 1, 1])],
            _ => return None,
        };
        inputs.into_iter().find_map(|input| {
            let resolved = self.resolve(file, names, input, classes.clone()).ok()?;
            resolved.matching.is_complete().then_some(resolved)
        })
    }

    /// The network for images of a usual size, where nothing tells which the model takes: its layers and properties are the same.
    pub(crate) fn typical(&self, file: &WeightFile) -> Option<Architecture> {
        let channels = match weights(file).first()?.shape[..] {
            [_, channels, _, _] => vec![channels],
            _ => vec![1, 3],
        };
        Architecture::of_usual_images(&channels, |input, classes| {
            self.architecture(input, classes).ok()
        })
    }
}

/// Numbers for the outputs of a network, in place of the names of classes.
fn numbered_classes(file: &WeightFile) -> Vec<String> {
    let weights = weights(file);
    let last = weights.last().and_then(|last| last.shape.first());
    let of_graph = file.graph().and_then(last_outputs);
    let count = of_graph.or(last.copied()).unwrap_or_default().min(100_000);
    (0..count).map(|class| class.to_string()).collect()
}

/// The number of outputs of the last linear step of a graph.
fn last_outputs(graph: &GraphNetwork) -> Option<usize> {
    let mut steps = graph.steps.as_array()?.iter().rev();
    let outputs = steps.find_map(|step| {
        let linear = step.get("linear")?;
        linear.get("outputs").unwrap_or(linear).as_u64()
    });
    usize::try_from(outputs?).ok()
}

impl Resolved {
    /// Returns an error if a tensor of the network has no values in the file.
    pub(crate) fn complete(self, file: &WeightFile) -> Result<Self, ImportError> {
        if self.matching.is_complete() {
            return Ok(self);
        }
        Err(ImportError::Mismatch {
            path: file.path().to_owned(),
            matching: Box::new(Mismatch(self.matching)),
        })
    }
}

/// The weights of linear maps and convolutions, in the order of the file.
pub(crate) fn weights(file: &WeightFile) -> Vec<&TensorShape> {
    let tensors = file.shapes().iter();
    tensors
        .filter(|tensor| tensor.foreign_type.is_none() && tensor.shape.len() >= 2)
        .collect()
}

fn wrong_kind(file: &WeightFile, kind: &'static str, expected: &str) -> ImportError {
    let found: Vec<String> = weights(file)
        .iter()
        .map(|tensor| format!("{} {:?}", tensor.name, tensor.shape))
        .collect();
    ImportError::Kind {
        path: file.path().to_owned(),
        kind,
        reason: format!(
            "expected {expected}; its weights are {}",
            crate::matching::listed(&found)
        ),
    }
}

/// Returns whether the file has a bias in the layer of a weight.
fn is_biased(file: &WeightFile, weight: &TensorShape) -> bool {
    let (layer, _) = crate::matching::split(&weight.name);
    let mut tensors = file.shapes().iter();
    tensors.any(|tensor| crate::matching::split(&tensor.name) == (layer, "bias"))
}

/// `[h, inputs]`, then `[2h, h]` for each block, then `[classes, h]`.
fn bilinear(file: &WeightFile, residual: bool) -> Result<Network, ImportError> {
    const EXPECTED: &str = "matrices of shape [h, inputs], then [2 h, h] (L above R) once or several times, then [classes, h]";
    let wrong = || wrong_kind(file, "bilinear", EXPECTED);
    let weights = weights(file);
    let [first, blocks @ .., last] = weights.as_slice() else {
        return Err(wrong());
    };
    let &[hidden, _] = first.shape.as_slice() else {
        return Err(wrong());
    };
    let is_block = |tensor: &&TensorShape| tensor.shape == [hidden.saturating_mul(2), hidden];
    if blocks.is_empty() || !blocks.iter().all(is_block) || last.shape.get(1) != Some(&hidden) {
        return Err(wrong());
    }
    let bias = is_biased(file, blocks[0]);
    Ok(networks::bilinear_blocks(
        hidden,
        bias,
        blocks.len(),
        residual,
    ))
}

/// Matrices, the number of rows of each being the number of columns of the next.
fn mlp(file: &WeightFile) -> Result<Network, ImportError> {
    let weights = weights(file);
    let is_matrix = |tensor: &&TensorShape| tensor.shape.len() == 2;
    if weights.is_empty() || !weights.iter().all(is_matrix) {
        return Err(wrong_kind(file, "mlp", "matrices only, one for each layer"));
    }
    let hidden = &weights[..weights.len() - 1];
    Ok(networks::mlp(
        hidden.iter().map(|tensor| tensor.shape[0]).collect(),
    ))
}

/// Kernels of 5 x 5, then a matrix.
fn cnn(file: &WeightFile) -> Result<Network, ImportError> {
    let weights = weights(file);
    let kernels = weights.len().saturating_sub(1);
    let is_kernel = |tensor: &&TensorShape| tensor.shape.len() == 4;
    if kernels == 0 || !weights[..kernels].iter().all(is_kernel) {
        return Err(wrong_kind(file, "cnn", "kernels of 5 x 5, then one matrix"));
    }
    let channels = weights[..kernels].iter().map(|tensor| tensor.shape[0]);
    Ok(networks::cnn(channels.collect()))
}

/// The last matrix reads the embedding.
fn embedding_net(file: &WeightFile) -> Result<Network, ImportError> {
    let weights = weights(file);
    let last = weights.last().map(|tensor| tensor.shape.as_slice());
    let Some(&[_, embedding]) = last else {
        let expected = "kernels, then matrices, the last of shape [classes, embedding]";
        return Err(wrong_kind(file, "embedding-net", expected));
    };
    Ok(networks::embedding_net(embedding))
}
