//! Why training stopped.

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
        /// Height of an image.
        height: usize,
        /// Width of an image.
        width: usize,
        /// Which part of the network has no room.
        source: ModelError,
    },
    /// The system gives no threads.
    #[error(transparent)]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// The loss is no number any more.
    #[error("training diverged in epoch {epoch}, batch {batch}: the loss is {loss}: {cause}")]
    Diverged {
        /// Epoch, counted from 1.
        epoch: u32,
        /// Batch within the epoch, counted from 1.
        batch: usize,
        /// The loss.
        loss: f32,
        /// Why, and what to change.
        cause: String,
    },
    /// The loss on the test images is no number any more.
    #[error("training diverged in epoch {epoch}: the test loss is {loss}: {cause}")]
    DivergedTest {
        /// Epoch, counted from 1.
        epoch: u32,
        /// The loss.
        loss: f64,
        /// Why, and what to change.
        cause: String,
    },
    /// Fewer training images than one batch.
    #[error(
        "{images} training images do not fill one batch of {batch}; set `batch` to {images} or less"
    )]
    TooFewImages {
        /// Training images.
        images: usize,
        /// Batch size.
        batch: usize,
    },
    /// A split without images.
    #[error("the {split} split of {path} holds no images")]
    EmptySplit {
        /// `train` or `test`.
        split: &'static str,
        /// The images artifact.
        path: String,
    },
}
