//! Why a file gives no model.

use std::path::PathBuf;

use eigenscope_artifact::InputShape;
use eigenscope_checkpoint::CheckpointError;
use eigenscope_models::ModelError;
use eigenscope_models::steps::StepErrors;

use crate::fitting::Fitting;
use crate::matching::Matching;

/// A file that gives no model.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// There is no such file.
    #[error("there is no file {path}{similar}", path = path.display())]
    NotFound {
        /// Where it was looked for.
        path: PathBuf,
        /// Files there with similar names, in words, or nothing.
        similar: String,
    },
    /// The file cannot be read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The file has no tensor of this name.
    #[error("{path} has no tensor `{name}`", path = path.display())]
    NoTensor {
        /// The file.
        path: PathBuf,
        /// The name.
        name: String,
    },
    /// Neither the pipeline nor the file says what the network is.
    #[error(
        "{path} holds weights, but does not say what is computed with them", path = path.display()
    )]
    NoNetwork {
        /// The file.
        path: PathBuf,
    },
    /// A graph that is no network of known steps.
    #[error("{path} holds a graph that cannot be read as a network: {reason}", path = path.display())]
    Graph {
        /// The file.
        path: PathBuf,
        /// The operator and its node, and what is known.
        reason: String,
    },
    /// Weights for images of another shape.
    #[error(
        "{path} {holds} for images of {expected}, and those of the data have {have}",
        path = path.display(),
        holds = if *is_graph { "holds a graph" } else { "has weights that fit this network" },
        expected = fitting.0.difference(*found).0,
        have = fitting.0.difference(*found).1,
    )]
    OtherImages {
        /// The file.
        path: PathBuf,
        /// Whether a graph says so, not the shapes of the weights.
        is_graph: bool,
        /// The images that fit.
        fitting: Fitted,
        /// Those of the data.
        found: InputShape,
    },
    /// A value that no network computes with.
    #[error("{path}: the tensor `{tensor}` {found}", path = path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// The name of the tensor in the file.
        tensor: String,
        /// The value and where it is, in words.
        found: String,
    },
    /// A network for another number of classes.
    #[error(
        "{path} makes {outputs} output{s}, while the data have {classes} classes",
        path = path.display(),
        s = if *outputs == 1 { "" } else { "s" }
    )]
    Classes {
        /// The file.
        path: PathBuf,
        /// Values that the last layer makes.
        outputs: usize,
        /// Classes of the data.
        classes: usize,
    },
    /// Steps beside a file that holds its own.
    #[error("{path} holds its graph, so `steps` has no meaning", path = path.display())]
    TwoNetworks {
        /// The file.
        path: PathBuf,
    },
    /// A built-in network beside a file that holds its own.
    #[error(
        "{path} holds its graph, which may be another network than the built-in one of this kind (the name of the table unless `kind` is given)",
        path = path.display()
    )]
    OwnGraph {
        /// The file.
        path: PathBuf,
    },
    /// The steps are no network.
    #[error("`steps`: {0}")]
    Steps(#[from] StepErrors),
    /// The tensors are not those of a built-in network.
    #[error("{path} does not hold the weights of a network of kind `{kind}`: {reason}", path = path.display())]
    Kind {
        /// The file.
        path: PathBuf,
        /// The kind.
        kind: &'static str,
        /// What was expected and what was found.
        reason: String,
    },
    /// The network does not fit the images.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Tensors do not fit the network.
    #[error("{path} does not fit the network: {matching}", path = path.display())]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// What fits and what does not.
        matching: Box<Mismatch>,
    },
    /// A parameter that is not what it should be.
    #[error("`{parameter}` {reason}")]
    Parameter {
        /// The parameter.
        parameter: &'static str,
        /// What was expected and what was found.
        reason: String,
    },
    /// The file was changed while it was read.
    #[error("{path} was changed while it was read; run again", path = path.display())]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// Standard output refused something.
    #[error("cannot write to standard output")]
    Output(#[source] std::io::Error),
    /// A model that a format cannot hold.
    #[error("the model cannot be written as {format}: {reason}")]
    Format {
        /// The format.
        format: &'static str,
        /// Why not.
        reason: String,
    },
}

/// Images that weights fit.
#[derive(Debug)]
pub struct Fitted(pub(crate) Fitting);

/// Tensors of a file against those of a network.
#[derive(Debug)]
pub struct Mismatch(pub(crate) Matching);

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
