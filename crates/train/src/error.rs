//! Errors of a training.

use eigenscope_artifact::ArtifactError;
use eigenscope_models::ModelError;

/// A training run that could not be finished.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// An artifact could not be read or written.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The model could not be built or run.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Images without room for the network's convolutions.
    #[error(
        "images of {height} x {width} pixels are too small for this network (enlarge them with the transform `resize`, or take fewer convolutions)"
    )]
    TooSmall {
        height: usize,
        width: usize,
        source: ModelError,
    },
    /// The system does not start threads.
    #[error(transparent)]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// The loss of a batch is no longer finite. Epochs and batches are counted from 1.
    #[error("training diverged in epoch {epoch}, batch {batch}: the loss is {loss}: {cause}")]
    Diverged {
        epoch: u32,
        batch: usize,
        loss: f32,
        cause: String,
    },
    /// The loss on the test images is no longer finite.
    #[error("training diverged in epoch {epoch}: the test loss is {loss}: {cause}")]
    DivergedTest {
        epoch: u32,
        loss: f64,
        cause: String,
    },
    /// Fewer training images in an epoch than one batch.
    #[error(
        "the {images} training images of an epoch do not fill one batch of {batch}; set `batch` to {images} or less"
    )]
    TooFewImages { images: usize, batch: usize },
    /// A batch of one image, of which batch normalisation has no variance.
    #[error("{0}")]
    LoneImage(String),
    /// The card could not do its work.
    #[error("the graphics card could not train the model")]
    Gpu(#[from] eigenscope_gpu::GpuError),
    /// A network or recipe that is trained on the processor only.
    #[error("no graphics card trains with {0}; use `device = \"cpu\"`")]
    NotOnCard(String),
    /// A split without images.
    #[error("the {split} split of {path} holds no images")]
    EmptySplit { split: &'static str, path: String },
}
